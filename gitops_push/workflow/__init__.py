"""The phases of each command, in order. The one place that wires repo, credentials and cluster together.

    settings -> checkout -> environment -> manifests -> plan -> deployment

`commands` has one function a command; `settings` what the command line says, and who watches; `workspace` the opened
repo; `connection` the opened cluster.
"""
