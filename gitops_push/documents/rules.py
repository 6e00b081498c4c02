"""What a reader lets pass that is refused by default, because the tool whose input it reads lets it pass."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Rules:
    """The default is the strict reader of manifests and of our own config.

    `last_key_wins`: a key that occurs twice is a warning, and its last value counts. `non_text_keys`: keys that are no
    text are kept as `NonTextKey`. `escaped_slash`: a backslash may stand before a slash, as JSON allows.
    """

    last_key_wins: bool = False
    non_text_keys: bool = False
    escaped_slash: bool = True


STRICT: Final = Rules()
