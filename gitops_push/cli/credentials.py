"""`gitops-push credentials`: a developer's kubeconfigs in the keyring of the system."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import Final

import click

from gitops_push.cli.options import option
from gitops_push.cli.session import Session
from gitops_push.core.codes import Code
from gitops_push.core.errors import CredentialError, Problem
from gitops_push.credentials.keyring_store import open_store
from gitops_push.reports.lines import Line, Tone, counted

_NAME: Final = re.compile(r"[A-Za-z0-9](?:[-A-Za-z0-9._]{0,61}[A-Za-z0-9])?")
_MOST_BYTES: Final = 1 << 20


def _checked_name(_context: click.Context, _parameter: click.Parameter, value: str) -> str:
    if not _NAME.fullmatch(value):
        raise click.BadParameter("a name has letters, digits, '-', '.' and '_', at most 63 of them")
    return value


name_argument = click.argument("name", metavar="NAME", callback=_checked_name)


@click.group("credentials")
def credentials_command() -> None:
    """Keep kubeconfigs in the system's keyring, for `credentials: {keyring: NAME}`. Never used in CI."""


@credentials_command.command("set")
@name_argument
@option("--from-file", default="", metavar="FILE", help="Read the kubeconfig from a file instead of standard input.")
@click.pass_obj
def set_command(session: Session, name: str, from_file: str) -> int:
    """Store a kubeconfig under a name, in place of the one that is there.

    It must hold its certificates and keys itself, as `kubectl config view --raw --minify --flatten` prints them.
    """
    from gitops_push.credentials.kubeconfig import read_kubeconfig
    from gitops_push.credentials.kubeconfig_entry import KubeconfigText

    store = open_store(in_ci=session.in_ci)
    content = _file(Path(from_file)) if from_file else _standard_input(session)
    read_kubeconfig(KubeconfigText(content, from_file or "standard input"))
    store.write(name, content)
    session.console.print([Line(f"stored the kubeconfig {name} in the keyring", Tone.GOOD)])
    return 0


@credentials_command.command("list")
@click.pass_obj
def list_command(session: Session) -> int:
    """List the names of the stored kubeconfigs."""
    names = open_store(in_ci=session.in_ci).names()
    session.console.print([Line(name) for name in names])
    session.console.note_unless_quiet([Line(f"{counted(len(names), 'kubeconfig')} in the keyring", Tone.DIM)])
    return 0


@credentials_command.command("remove")
@name_argument
@click.pass_obj
def remove_command(session: Session, name: str) -> int:
    """Forget a stored kubeconfig."""
    if not open_store(in_ci=session.in_ci).remove(name):
        hint = "`gitops-push credentials list` names what there is"
        raise CredentialError(Problem(Code.CREDENTIAL_MISSING, f"no kubeconfig {name!r} in the keyring", hint=hint))
    session.console.print([Line(f"removed the kubeconfig {name} from the keyring", Tone.GOOD)])
    return 0


def _standard_input(session: Session) -> bytes:
    if sys.stdin.isatty():
        session.console.note([Line("paste the kubeconfig, then Ctrl-D on a line of its own")])
    return sys.stdin.buffer.read(_MOST_BYTES + 1)


def _file(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(_MOST_BYTES + 1)
    except OSError as error:
        raise click.FileError(str(path), error.strerror or "cannot be read") from error
