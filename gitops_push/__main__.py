"""The program: `gitops-push` and `python -m gitops_push`."""

from __future__ import annotations

import sys


def main() -> None:
    """Run the command line and leave with its exit code."""
    from gitops_push.cli.main import run

    sys.exit(run(sys.argv[1:]))


if __name__ == "__main__":
    main()
