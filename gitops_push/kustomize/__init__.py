"""Native Kustomize: a kustomization tree becomes objects with origins."""
