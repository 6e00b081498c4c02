"""The program: `gitops-push` and `python -m gitops_push`."""

from __future__ import annotations

import gc
import os
import sys
from typing import NoReturn


def main() -> None:
    """Run the command line and leave with its exit code."""
    _open_standard_streams()
    gc.set_threshold(50_000)  # loading the modules makes no garbage, yet the default would look for it a hundred times
    from gitops_push.cli.main import run

    _leave(run(sys.argv[1:]))


def _leave(code: int) -> NoReturn:
    """End the process: object by object, the interpreter would take a tenth of a second to free what the kernel frees.

    Everything is printed and every file closed by now. Of a stream that cannot take the rest, `sys.exit` tells.
    """
    try:
        sys.stdout.flush()
        sys.stderr.flush()
    except (OSError, ValueError):
        sys.exit(code)
    os._exit(code)


def _open_standard_streams() -> None:
    """Give closed standard streams to /dev/null: else the next file or connection gets their number, and our output."""
    descriptor = os.open(os.devnull, os.O_RDWR)
    while descriptor <= 2:
        descriptor = os.open(os.devnull, os.O_RDWR)
    os.close(descriptor)
    for number, (name, mode) in enumerate((("stdin", "r"), ("stdout", "w"), ("stderr", "w"))):
        if getattr(sys, name) is None:
            setattr(sys, name, os.fdopen(number, mode, encoding="utf-8", closefd=False))


if __name__ == "__main__":
    if not sys.flags.safe_path:
        del sys.path[0]  # the current folder: a config repo must not bring modules of its own
    main()
