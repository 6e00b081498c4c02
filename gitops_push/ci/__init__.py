"""What the CI system says about the run."""
