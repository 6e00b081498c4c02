"""KRM functions: programs of the repo that make, change or judge objects."""
