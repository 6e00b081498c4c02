"""Which values of an object are secret, and in which forms such a value may occur in text."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Iterator, Mapping
from typing import Any, Final
from urllib.parse import quote, quote_plus

from gitops_push.core.objects import Body
from gitops_push.core.untrusted import clean_line, clean_text

SECRET_FIELDS: Final = ("data", "stringData")
LAST_APPLIED: Final = "kubectl.kubernetes.io/last-applied-configuration"
"""kubectl's copy of the whole object in itself: for a Secret it holds every value (kubectl#1453)."""

_LONG: Final = 16 * 1024
_TOKEN_LINE: Final = 16
_REGISTRY_KEYS: Final = frozenset({"password", "auth", "identitytoken", "registrytoken"})


def is_secret(body: Body) -> bool:
    """Return whether the object is a Secret; of any group, as masking too much is the better mistake."""
    return body.get("kind") == "Secret"


def secret_values_of(body: Body) -> Iterator[str]:
    """Yield the secret values of an object: as written and decoded, also of its last-applied annotation.

    Bytes that are no UTF-8 come as surrogate escapes. Nothing is yielded for objects that are no Secret.
    """
    if not is_secret(body):
        return
    for field in SECRET_FIELDS:
        values = body.get(field)
        for key, value in values.items() if isinstance(values, Mapping) else ():
            yield from _values_of_entry(str(key), value, encoded=field == "data")
    yield from _values_of_last_applied(body)


def decoded_data(value: object) -> object:
    """Return the text of a value of a Secret's `data`; unchanged where it is no text or no base64."""
    if not isinstance(value, str):
        return value
    try:
        return base64.b64decode(value, validate=True).decode("utf-8", "surrogateescape")
    except (binascii.Error, ValueError):
        return value


def secret_forms(value: str) -> Iterator[str]:
    """Yield the forms of a secret value: raw, base64, hex, URL- and JSON-escaped, and its lines that look like keys."""
    yield value
    yield value.strip()
    yield clean_text(value)  # text of a server is made harmless before it is masked
    yield clean_line(value)
    yield from _base64_forms(value)
    yield from _json_forms(value)
    if len(value) > _LONG:
        return
    content = bytes_of(value)
    yield content.hex()
    yield content.hex().upper()
    for escaped in (quote(content, safe=""), quote(content), quote_plus(content)):
        yield escaped
        yield _lower_escapes(escaped)
    for line in value.splitlines():
        if len(line.strip()) >= _TOKEN_LINE and not line.startswith("-----") and " " not in line.strip():
            yield line.strip()


def bytes_of(value: str) -> bytes:
    """Return the bytes that a value stands for, surrogate escapes as the bytes that they came from."""
    try:
        return value.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:
        return value.encode("utf-8", "surrogatepass")


def _values_of_entry(key: str, value: object, *, encoded: bool) -> Iterator[str]:
    if not isinstance(value, str):
        yield from () if value is None else (str(value),)
        return
    yield value
    plain = decoded_data(value) if encoded else value
    if isinstance(plain, str):
        yield plain
        yield plain.strip()
        if key in (".dockerconfigjson", ".dockercfg"):
            yield from _registry_passwords(plain)


def _registry_passwords(text: str) -> Iterator[str]:
    for node in _nodes(_parsed(text)):
        for key, value in node.items():
            if key in _REGISTRY_KEYS and isinstance(value, str):
                yield value
                plain = decoded_data(value)
                if key == "auth" and isinstance(plain, str):
                    yield plain.partition(":")[2]


def _nodes(root: Any) -> Iterator[Mapping[str, Any]]:
    pending = [root]
    while pending:
        node = pending.pop()
        if isinstance(node, Mapping):
            yield node
            pending.extend(node.values())
        elif isinstance(node, list):
            pending.extend(node)


def _values_of_last_applied(body: Body) -> Iterator[str]:
    metadata = body.get("metadata")
    annotations = metadata.get("annotations") if isinstance(metadata, Mapping) else None
    text = annotations.get(LAST_APPLIED) if isinstance(annotations, Mapping) else None
    earlier = _parsed(text) if isinstance(text, str) else None
    if isinstance(earlier, Mapping):
        yield from secret_values_of({"kind": "Secret", **{field: earlier.get(field) for field in SECRET_FIELDS}})


def _parsed(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def _base64_forms(value: str) -> Iterator[str]:
    """Yield base64 in both alphabets, with and without padding, and as a part of a longer base64 text.

    In a longer text a value starts at one of three offsets; only the characters that hold nothing but bits of the value
    are searched.
    """
    content = bytes_of(value)
    for encode in (base64.b64encode, base64.urlsafe_b64encode):
        whole = encode(content).decode()
        yield whole
        yield whole.rstrip("=")
        for offset in range(3):
            bits_before, bits = offset * 8, (offset + len(content)) * 8
            yield encode(bytes(offset) + content).decode()[-(-bits_before // 6) : bits // 6]


def _json_forms(value: str) -> Iterator[str]:
    for ascii_only in (True, False):
        once = json.dumps(value, ensure_ascii=ascii_only)[1:-1]
        go = once.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")
        for form in (once, go):
            yield form
            yield json.dumps(form, ensure_ascii=ascii_only)[1:-1]  # JSON in JSON: annotations
    yield repr(value)[1:-1]


def _lower_escapes(text: str) -> str:
    parts = text.split("%")
    return "%".join([parts[0], *(part[:2].lower() + part[2:] for part in parts[1:])])
