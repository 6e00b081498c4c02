"""Sets a field within a text that holds YAML or JSON, and writes the text anew in the format that it had."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from gitops_push.core.tree import Fields, Items, as_origin
from gitops_push.documents.json_text import go_json
from gitops_push.documents.rewriting import styled_yaml
from gitops_push.kustomize.kustomization import FieldOptions
from gitops_push.kustomize.replacements.budget import spend_text, spend_tree
from gitops_push.kustomize.replacements.matching import Search, find_all, parsed_text
from gitops_push.kustomize.replacements.places import PathError, Place, find_place, raw_text, root_place
from gitops_push.kustomize.replacements.scalars import MisfitError
from gitops_push.kustomize.replacements.values import SourceValue, Target, put_text, set_value
from gitops_push.kustomize.written import WrittenText


def set_in_text(
    root: Place, path: tuple[str, ...], value: SourceValue, options: FieldOptions, target: Target, search: Search
) -> bool:
    """Set the field if the path leads into a text, and return whether it did.

    As in kustomize whatever is wrong on the way only means that it did not; the caller then goes the usual way, which
    changes nothing in a text.
    """
    found = _text_on_the_way(root, path, search)
    if found is None:
        return False
    place, rest = found
    text = raw_text(place, target.written, rewritten=target.rewritten)
    inner = target.written.with_text(text)
    is_json = text.lstrip()[:1] in {"{", "["}
    inside = replace(target, written=inner, rewritten=False, keeps_texts=not is_json, in_flow=is_json)
    try:
        tree = parsed_text(place, search)
        spend_tree(tree, target.usage, target.origin)
        whole = root_place(tree)
        fields = find_all(whole, rest, replace(search, written=inner, rewritten=False))
        for field in fields:
            set_value(field, value, options, inside)
        changed = _serialized(whole, text, inner, is_json=is_json) if fields else None
    except (PathError, MisfitError):
        return False
    if changed is None:
        return False
    spend_text(changed, target.usage, target.origin)
    put_text(place, changed, value, target)
    return True


def _text_on_the_way(root: Place, path: tuple[str, ...], search: Search) -> tuple[Place, tuple[str, ...]] | None:
    """Return the first scalar on the path that can be read as YAML, and the rest of the path."""
    for size in range(1, len(path)):
        try:
            place = find_place(root, path[:size])
            if place is not None and place.is_scalar:
                parsed_text(place, search)
                return place, path[size:]
        except PathError:
            continue
    return None


def _serialized(whole: Place, text: str, written: WrittenText, *, is_json: bool) -> str:
    if is_json:
        return go_json(whole.value, indented="\n" in text and "  " in text)

    def look(container: Any, key: Any) -> tuple[str, str | None]:
        place = Place(container, key)
        style = written.style_at(place.origin)
        scalar = not isinstance(place.value, (dict, list, str))
        return style, raw_text(place, written) if scalar else None

    def key_style(fields: Any, key: str) -> str:
        mark = (fields.key_marks or {}).get(key) if isinstance(fields, Fields) else None
        return "" if mark is None else written.style_at(as_origin(mark, fields.file))

    root = whole.container
    return styled_yaml(root if isinstance(root, Items) else Items(), 0, look, key_style).strip()
