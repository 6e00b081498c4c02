"""Builds a kustomization as kustomize does, byte for byte, and knows where each value came from.

`build.build_kustomization` is the entry point. All files are read through `loader`; nothing else does I/O, nothing
opens a
socket or starts a process. Every step is linear in the number of objects. The behaviour is that of kustomize 5.8.2.
"""
