"""The operating system: files beneath a root, the one process runner."""
