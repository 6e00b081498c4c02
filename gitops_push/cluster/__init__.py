"""The Kubernetes API: transport, plan, apply, waiting, inventory."""
