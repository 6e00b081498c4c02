"""What can go wrong around the control plane, in words for the person whose tests do not run."""

from __future__ import annotations


class ControlPlaneError(Exception):
    """The control plane could not be built, started or reached; the message says why and what to do."""
