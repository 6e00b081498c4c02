"""Which lines of the checkout may be shown below an error.

An error may come before the secret values of a run are known, so that nothing would mask them. A line is shown only
where no secret is to be expected: in YAML and JSON that says what kind of object it is and speaks of no secret. Env
files, patches by JSON pointer, values and keys are never quoted: their line numbers have to do.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Final

_ENDINGS: Final = (".yaml", ".yml", ".json", "kustomization")
_MOST_BYTES: Final = 1 << 20
_MOST_COLUMNS: Final = 200
_NAMES_ITS_KIND: Final = re.compile(r"""(?m)^[\s{,-]*["']?(?:kind|resources|environments|version)["']?[ ]*:""")
_ABOUT_SECRETS: Final = re.compile(r"secret|stringdata|password|private.key|://[^\s/@]*:[^\s/@]*@", re.IGNORECASE)


def source_lines(root: Path, file: str) -> tuple[str, ...]:
    """Return the lines of a file beneath `root` as YAML counts them; () if none of them may be shown."""
    text = _read(root, file) if file.lower().endswith(_ENDINGS) else ""
    if _ABOUT_SECRETS.search(text) or not _NAMES_ITS_KIND.search(text):
        return ()
    return tuple(re.split(r"\r\n|[\r\n]", text))


def line_of(lines: Mapping[str, tuple[str, ...]], file: str, number: int) -> str | None:
    """Return a line, counted from 1, of the files that were read; None if there is none, or it is too long to help."""
    found = lines[file][number - 1 : number] if number > 0 else ()
    return found[0] if found and len(found[0]) <= _MOST_COLUMNS else None


def _read(root: Path, file: str) -> str:
    try:
        path = (root / file).resolve()
        if not path.is_relative_to(root.resolve()) or not path.is_file() or path.stat().st_size > _MOST_BYTES:
            return ""
        return path.read_text("utf-8")
    except (OSError, ValueError):  # ValueError: no UTF-8, or a NUL in the name
        return ""
