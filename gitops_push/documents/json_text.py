"""Writes values as JSON: one canonical form for digests and requests, and the form that kubectl prints."""

from __future__ import annotations

import json
from typing import Any, Final

from gitops_push.documents.numbers import go_json_float

_GO_ESCAPES: Final = str.maketrans(
    {"<": "\\u003c", ">": "\\u003e", "&": "\\u0026", "\u2028": "\\u2028", "\u2029": "\\u2029"}
)


def canonical_json(value: Any) -> bytes:
    """Return a value as UTF-8 JSON with sorted keys and no white space: equal values give equal bytes.

    Raises ValueError for infinities, not-a-number and lone surrogates.
    """
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
    return text.encode("utf-8")


def kubectl_json(value: Any) -> str:
    """Return a value as `kubectl -o json` prints it: sorted keys, four spaces a level, ending in a line break."""
    out: list[str] = []
    _write(value, "\n", out)
    out.append("\n")
    return "".join(out)


def go_json(value: Any, *, indented: bool = False) -> str:
    """Return a value as Go's encoding/json writes it: sorted keys, compact, or with two spaces a level."""
    out: list[str] = []
    if indented:
        _write(value, "\n", out, "  ")
    else:
        _write(value, "", out, "", ":")
    return "".join(out)


def _write(value: Any, newline: str, out: list[str], indent: str = "    ", colon: str = ": ") -> None:
    deeper = newline + indent
    if isinstance(value, dict) and value:
        before = "{" + deeper
        for key in sorted(value):
            out.append(f"{before}{_text(key)}{colon}")
            _write(value[key], deeper, out, indent, colon)
            before = "," + deeper
        out.append(newline + "}")
    elif isinstance(value, list) and value:
        before = "[" + deeper
        for item in value:
            out.append(before)
            _write(item, deeper, out, indent, colon)
            before = "," + deeper
        out.append(newline + "]")
    else:
        out.append(_scalar(value))


def _scalar(value: Any) -> str:
    if isinstance(value, str):
        return _text(value)
    if isinstance(value, float):
        return go_json_float(value)
    return json.dumps(value, allow_nan=False)


def _text(text: str) -> str:
    return json.dumps(text, ensure_ascii=False).translate(_GO_ESCAPES)
