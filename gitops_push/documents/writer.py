"""Writes values as YAML, byte for byte as `kustomize build` and kubectl print objects.

Both turn an object into JSON and that into YAML with Go's yaml package, version 2. From there come the rules: keys in
its own order (`key_order`), two spaces a level, lists not indented below their key, text plain where it reads back as
the same text and else in quotes, text with line breaks as `|` blocks, lines folded after column 80 (`text_style`).
Not reproduced is what loses data there: the line break U+0085 becomes a space, unprintable characters are an error.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

from gitops_push.documents.key_order import in_order
from gitops_push.documents.numbers import go_yaml_float
from gitops_push.documents.text_style import FOLD_AFTER, Style, folded, literal_block, simple_key, styled

_LEVEL: Final = "  "


def to_yaml(value: Any) -> str:
    """Return a value as one YAML document without `---`, ending in a line break.

    Values are mappings with text keys, lists, text, int, float, bool and None. Raises ValueError for infinities and
    not-a-number. Recursive: what comes from the reader is never too deep.
    """
    out: list[str] = []
    if isinstance(value, dict) and value:
        _write_fields(value, "", "", out)
    elif isinstance(value, list) and value:
        _write_items(value, "", "", out)
    else:
        out.append(_scalar(value, 0, _LEVEL))
    return "".join(out)


def yaml_stream(values: Iterable[Any]) -> str:
    """Return values as YAML documents with `---` between them, as kustomize prints objects; "" for none."""
    return "---\n".join(to_yaml(value) for value in values)


def _write_fields(fields: Mapping[str, Any], indent: str, lead: str, out: list[str]) -> None:
    """Append the lines of a mapping; `lead` is what its first line begins with instead of the indent."""
    deeper = indent + _LEVEL
    for key in in_order(fields):
        value = fields[key]
        simple = simple_key(key)
        if simple is None:
            _write_complex_entry(key, value, indent, lead, out)
        elif type(value) is str:
            head = f"{lead}{simple}: "
            out += (head, _text(value, len(head), deeper))
        elif not value or not isinstance(value, (dict, list)):
            head = f"{lead}{simple}: "
            out += (head, _scalar(value, len(head), deeper))
        elif isinstance(value, dict):
            out.append(f"{lead}{simple}:\n")
            _write_fields(value, deeper, deeper, out)
        else:
            out.append(f"{lead}{simple}:\n")
            _write_items(value, indent, indent, out)
        lead = indent


def _write_items(items: list[Any], indent: str, lead: str, out: list[str]) -> None:
    """Append the lines of a list; `lead` is what its first line begins with instead of the indent."""
    deeper = indent + _LEVEL
    for value in items:
        head = f"{lead}- "
        if isinstance(value, str) or not value or not isinstance(value, (dict, list)):
            out.append(head + _scalar(value, len(head), deeper))
        elif isinstance(value, dict):
            _write_fields(value, deeper, head, out)
        else:
            _write_items(value, deeper, head, out)
        lead = indent


def _write_complex_entry(key: str, value: Any, indent: str, lead: str, out: list[str]) -> None:
    """Append an entry whose key is too long, or has line breaks: with a `?`, and the value after a `:` below."""
    deeper = indent + _LEVEL
    out.append(f"{lead}? {_text(key, len(lead) + 2, deeper)}")
    head = f"{indent}: "
    if isinstance(value, dict) and value:
        _write_fields(value, deeper, head, out)
    elif isinstance(value, list) and value:
        _write_items(value, deeper, head, out)
    else:
        out.append(head + _scalar(value, len(head), deeper))


def _scalar(value: Any, column: int, indent: str) -> str:
    """Return what is written for a scalar or an empty container from `column` on, ending in a line break."""
    if isinstance(value, str):
        return _text(value, column, indent)
    if value is None:
        return "null\n"
    if isinstance(value, bool):
        return "true\n" if value else "false\n"
    if isinstance(value, int):
        return f"{value}\n"
    if isinstance(value, float):
        return f"{go_yaml_float(value)}\n"
    if isinstance(value, (dict, list)) and not value:
        return "{}\n" if isinstance(value, dict) else "[]\n"
    raise TypeError(f"a {type(value).__name__} cannot be written as YAML")


def _text(text: str, column: int, indent: str) -> str:
    style, line = styled(text)
    if style is Style.LITERAL:
        return literal_block(text, indent)
    if column + len(line) > FOLD_AFTER or style is Style.SINGLE_QUOTED:
        line = folded(style, line, column, indent)
    return line + "\n"
