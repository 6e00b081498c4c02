"""The program: `gitops-push` and `python -m gitops_push`."""

from __future__ import annotations

import gc
import os
import sys


def main() -> None:
    """Run the command line and leave with its exit code."""
    _open_standard_streams()
    gc.set_threshold(50_000)  # loading the modules makes no garbage, yet the default would look for it a hundred times
    from gitops_push.cli.main import run

    sys.exit(run(sys.argv[1:]))


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
