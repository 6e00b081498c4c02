"""Puts a value into a place: a scalar keeps its type and its quotes, everything else becomes a copy of the value."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from gitops_push.core.origin import Origin
from gitops_push.core.tree import Fields, Node, copy_tree, start_of
from gitops_push.documents.budgets import Usage
from gitops_push.documents.rewriting import Verbatim
from gitops_push.kustomize.kustomization import FieldOptions
from gitops_push.kustomize.marks import set_at
from gitops_push.kustomize.replacements.budget import spend_text, spend_tree
from gitops_push.kustomize.replacements.matching import Untyped
from gitops_push.kustomize.replacements.places import CopiedPlace, PathError, Place, raw_text
from gitops_push.kustomize.replacements.scalars import MisfitError, retyped, untagged
from gitops_push.kustomize.shared_places import SharedPlaces
from gitops_push.kustomize.written import WrittenText

_WITHOUT_TYPE: Final = frozenset({"images", "name reference"})
ONLY_SCALARS: Final = "delimiter option can only be used with scalar nodes"


@dataclass(frozen=True, slots=True)
class SourceValue:
    """A value to copy: what stands at `place` when it is copied, or the part of it that `part` holds; or a text."""

    origin: Origin
    written: WrittenText
    place: Place | None = None
    part: str | None = None
    rewritten: bool = False

    @property
    def node(self) -> Node:
        """Return the value as it is now."""
        if self.place is None:
            return untagged(self.part or "")
        old = self.place.value
        return old if self.part is None else retyped(self.part, old)

    @property
    def text(self) -> str:
        """Return the value as a text, "" for a mapping or a list."""
        if self.part is not None or self.place is None:
            return self.part or ""
        return raw_text(self.place, self.written, rewritten=self.rewritten)

    @property
    def is_scalar(self) -> bool:
        """Return whether the value is a scalar."""
        return self.place is None or self.place.is_scalar


@dataclass(frozen=True, slots=True)
class Target:
    """What setting a value needs to know of the object.

    `shared` are its shared places; `rewritten` says that nothing is known of how it was written; `metadata` has the
    name and the annotations, which are texts whatever they look like. `keeps_texts` is for YAML in a text: there a
    number stays as it is written, and a misfit says its type; `in_flow` is for JSON in a text.
    """

    written: WrittenText
    usage: Usage
    origin: Origin
    shared: SharedPlaces
    rewritten: bool = False
    metadata: Fields = field(default_factory=Fields)
    keeps_texts: bool = False
    in_flow: bool = False


def set_value(place: Place, value: SourceValue, options: FieldOptions, target: Target) -> None:
    """Set the value. Raises PathError for a delimiter in a mapping or a list, MisfitError for a misfit."""
    if options.delimiter and not place.is_scalar:
        raise PathError(ONLY_SCALARS)
    if isinstance(place, CopiedPlace):
        return
    if not place.is_scalar:
        _replace(place, value, target)
        return
    old = raw_text(place, target.written, rewritten=target.rewritten)
    text = _joined(old, value.text, options) if options.delimiter else value.text
    spend_text(text, target.usage, target.origin)
    _put(place, _in_type(place, text, target), value, target)


def put_text(place: Place, text: str, value: SourceValue, target: Target) -> None:
    """Put a text into a scalar, in its type, as what the value made of the text that was there."""
    _put(place, _in_type(place, text, target), value, target)


def _joined(old: str, text: str, options: FieldOptions) -> str:
    parts = old.split(options.delimiter)
    if options.index < 0:
        parts.insert(0, text)
    elif options.index >= len(parts):
        parts.append(text)
    else:
        parts[options.index] = text
    return options.delimiter.join(parts)


def _replace(place: Place, value: SourceValue, target: Target) -> None:
    node = value.node
    if _is_annotation(place, target):
        node = value.text
    elif isinstance(node, (dict, list)):
        spend_tree(node, target.usage, target.origin)
    _put(place, copy_tree(node), value, target)


def _in_type(place: Place, text: str, target: Target) -> Node:
    """Return the text as a value of the place's type; a name stays a text, or the object could not be deployed."""
    if _is_annotation(place, target) or (place.container is target.metadata and place.key == "name"):
        return text
    node = _read(place, text, target)
    if target.keeps_texts and (not isinstance(node, str) or node != text):
        return Verbatim(text, "!!float" if isinstance(place.value, float) and isinstance(node, int) else "")
    return node


def _is_annotation(place: Place, target: Target) -> bool:
    return place.container is target.metadata.get("annotations")


def _read(place: Place, text: str, target: Target) -> Node:
    if _is_untyped(place, target):
        return "" if not text and _is_in_flow(place, target) else untagged(text)
    is_date = isinstance(place.container, Fields) and target.written.is_date(place.container, str(place.key))
    try:
        return retyped(text, place.value, is_date=is_date)
    except MisfitError as error:
        if target.keeps_texts:
            return Verbatim(text, str(error))
        raise


def _is_in_flow(place: Place, target: Target) -> bool:
    """Return whether the place is within braces, where kustomize reads nothing as an empty text, not as null."""
    return target.in_flow or target.written.style_at(start_of(place.container)) in {"{", "["}


def _is_untyped(place: Place, target: Target) -> bool:
    """Return whether kustomize made or set the text without a type: in plain style it is read anew."""
    if isinstance(place.value, Untyped):
        return True
    origin = place.origin
    if not isinstance(place.value, str) or origin is None or origin.step not in _WITHOUT_TYPE:
        return False
    return not target.written.quote_at(place.container, place.key)


def _put(place: Place, node: Node, value: SourceValue, target: Target) -> None:
    container, key = place.container, place.key
    origin = target.origin.after(value.origin)
    if isinstance(container, Fields):
        name = str(key)
        was_quoted = target.written.is_quoted(container, name)
        untyped = isinstance(container[name], Untyped)
        target.shared.set(container, name, node, origin)
        if isinstance(node, str):
            target.written.noted.note(container, name, was_quoted and not untyped)
    else:
        set_at(container, key, node, origin)
