"""What the errors of typed objects say, as structured-merge-diff writes them in the answer to a server-side apply.

One error stands on the line that begins the message, several each on a line of their own, like
`.spec.ports: duplicate entries for key [port=80,protocol="TCP"]`.
"""

from __future__ import annotations

import json
import re
from typing import Any, Final

from gitops_push.core.fieldpath import FieldPath, ItemKey, ItemValue, has_item_key, resolve, same_scalar

_LINE: Final = re.compile(r"^\s+\.([a-zA-Z]\S*): (.+)$", re.MULTILINE)
_DUPLICATE: Final = re.compile(r"duplicate entries for key (\[.+\])")


def causes_in_lines(message: str) -> list[tuple[str, str]]:
    """Return (field, what is wrong with it) for each line of a message with several errors."""
    return [(match[1], f".{match[1]}: {match[2]}") for match in _LINE.finditer(message)]


def repeated_key(message: str) -> str:
    """Return the key that a list has more than once, as the server writes it (`[name="A"]`), or ""."""
    found = _DUPLICATE.search(message)
    return found[1] if found else ""


def repetition(path: FieldPath, key: ItemKey | ItemValue, body: Any) -> tuple[str | int, ...]:
    """Return where the list at `path` has an item for the second time; where the list is if that is not found."""
    steps = resolve(path, body)
    for step in steps:
        body = body[step]
    items = body if isinstance(body, list) else []
    places = [index for index, item in enumerate(items) if _is(item, key)]
    return (*steps, places[1]) if len(places) > 1 else steps


def value_of_key(text: str) -> ItemValue | None:
    """Return the item of a set that a key like `[="a"]` writes, or None."""
    if not text.startswith("[="):
        return None
    value = json.loads(text[2:-1])
    return ItemValue(value) if isinstance(value, (str, int, float, bool)) else None


def _is(item: Any, key: ItemKey | ItemValue) -> bool:
    return has_item_key(item, key) if isinstance(key, ItemKey) else same_scalar(item, key.value)
