"""Text that must not be seen: it prints as three stars, and only `reveal` gives it away."""

from __future__ import annotations


class SecretText:
    """A credential. `repr`, `str` and formatting give "***"; it cannot be pickled, and compares by value."""

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        self._text = text

    def reveal(self) -> str:
        """Return the text itself. Callers: whoever hands it to TLS or a header, and the masking of output."""
        return self._text

    def __bool__(self) -> bool:
        return bool(self._text)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, SecretText) and other._text == self._text

    def __hash__(self) -> int:
        return hash(("SecretText", self._text))

    def __repr__(self) -> str:
        return "***"

    __str__ = __repr__

    def __format__(self, spec: str) -> str:
        return "***"

    def __reduce__(self) -> tuple[object, ...]:
        raise TypeError("a SecretText is never written anywhere")
