"""Finds the credential for a cluster and reads it without leaving a byte on disk."""
