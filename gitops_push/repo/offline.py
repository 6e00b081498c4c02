"""The environment variables of the programs of a build: a private home, no kubeconfig, no way to the network."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Final

_NOWHERE: Final = "http://127.0.0.1:9"
"""The discard port: a program that tries to fetch something fails at once instead of succeeding."""


def offline_environment(folder: Path, environ: Mapping[str, str]) -> dict[str, str]:
    """Return all that a program gets: PATH of `environ`, and `folder` for everything that it may keep."""
    proxies = {
        name: _NOWHERE for word in ("http", "https", "all") for name in (f"{word}_proxy", f"{word}_PROXY".upper())
    }
    return {
        "PATH": environ.get("PATH", ""),
        "HOME": str(folder),
        "TMPDIR": str(folder),
        "XDG_CONFIG_HOME": str(folder / "config"),
        "XDG_CACHE_HOME": str(folder / "cache"),
        "XDG_DATA_HOME": str(folder / "data"),
        "KUBECONFIG": "/dev/null",
        "LC_ALL": "C.UTF-8",
        "GIT_ALLOW_PROTOCOL": "file",
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_TERMINAL_PROMPT": "0",
        **proxies,
    }
