"""gitops-push: builds a config repo's manifests, plans, applies and checks them against a Kubernetes cluster."""

__version__ = "0.1.0"
