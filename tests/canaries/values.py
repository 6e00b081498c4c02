"""The canaries: secret values that exist nowhere else, and all the forms in which one could leave a process."""

from __future__ import annotations

import base64
import html
import json
import urllib.parse
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from random import Random

LETTERS = "abcdefghijkmnpqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ23456789"
HALF = 14
"""Characters of each half: long enough that no two texts share one by chance, even as base64."""

IN_THE_SET = (
    *("data", "string data", "text of many lines", "registry password", "TLS key", "basic auth", "ssh key"),
    *("literal of a generator", "env file of a generator", "file of a generator", "binary data"),
    *("sensitive field", "sensitive argument", "repeated in an argument", "repeated as base64", "repeated in a note"),
    *("of an immutable Secret", "of a Secret that goes", "of a JSON document", "of a URL", "merged by a patch"),
)
IN_THE_CLUSTER = (
    *("applied by kubectl before", "key that only the cluster has", "edited in the cluster", "last applied only"),
    "of another team's Secret",
)
OF_THE_MACHINE = (
    *("token", "token of another context", "proxy password", "password of the remote", "token of the forge"),
    *(
        "cloud key",
        "job token",
        "told by a plugin",
        "variable of a plugin",
        "error of a plugin",
        "argument of a plugin",
    ),
    *("basic auth password", "refresh token", "token in a file", "client key", "token of a service account"),
)


@dataclass(frozen=True, slots=True)
class Canary:
    """A secret value; `halves` are the parts by which it is found when it was cut or escaped in between."""

    name: str
    value: str
    halves: tuple[str, ...]


def plant(seed: int) -> dict[str, Canary]:
    """Return a canary for every name. Between its halves stands what each format escapes in its own way."""
    random = Random(seed)
    return {name: _canary(name, random) for name in (*IN_THE_SET, *IN_THE_CLUSTER, *OF_THE_MACHINE)}


def known(name: str, value: str) -> Canary:
    """Return a value that somebody else made, like a token of the server, as a canary."""
    solid = "".join(character for character in value if character not in "\n ")
    parts = tuple(solid[at : at + HALF] for at in range(len(solid) % HALF, len(solid) - HALF, 3 * HALF))
    return Canary(name, value, parts or (solid,))


def _canary(name: str, random: Random) -> Canary:
    left, right = ("".join(random.choices(LETTERS, k=HALF)) for _ in range(2))
    return Canary(name, f"{left}{_between(name)}{right}", (left, right))


def _between(name: str) -> str:
    match name:
        case "text of many lines" | "ssh key":
            return "\nand-a-second-line "
        case "env file of a generator" | "token" | "token of another context":
            return "-"
        case name if name in OF_THE_MACHINE:
            return "_"
    return "/+\"<&>'#é"


def forms(text: str) -> Iterator[bytes]:
    """Yield how a text can look: as it is, escaped for each format, hex, and base64 from each of three offsets."""
    raw = text.encode()
    yield raw
    yield json.dumps(text)[1:-1].encode()
    yield html.escape(text).encode()
    yield urllib.parse.quote(text, safe="").encode()
    yield raw.hex().encode()
    yield raw.hex().upper().encode()
    for offset in range(3):
        encoded = base64.b64encode(b"\0" * offset + raw).decode()
        yield encoded[4 if offset else 0 : -4].encode()
        yield encoded[4 if offset else 0 : -4].translate(str.maketrans("+/", "-_")).encode()


class Search:
    """Finds canaries in bytes."""

    def __init__(self, canaries: Iterable[Canary]) -> None:
        self._forms: Mapping[bytes, str] = {
            form: canary.name for canary in canaries for half in canary.halves for form in forms(half)
        }
        self.total = len({*self._forms.values()})

    def found_in(self, content: bytes) -> tuple[str, ...]:
        """Return the names of the canaries that some form of stands in the content, sorted."""
        return tuple(sorted({name for form, name in self._forms.items() if form in content}))
