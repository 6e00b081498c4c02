"""The config repo: git facts, gitops-push.yaml, discovery, and the build of an environment."""
