"""Builds a kustomization as kustomize 5.8.2 does, byte for byte, and knows where each value came from.

`build.build_kustomization` is the entry point. All files are read through `loader`, and programs that the options allow
run through its `programs`; nothing else does I/O, opens a socket or starts a process. Every step is linear in the
number of objects.
"""
