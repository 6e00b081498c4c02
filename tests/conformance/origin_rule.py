"""The rule of origins: what the place of a value must show, judged from the files alone.

The places of a value (its trail, then its origin) are followed from the last one back:

- no step, or "patch": what stands at the line and column reads as the value (as its text, where it became text); for
  an operation `move` or `copy` the line has the pointer `from`, and the place before shows the value; an operation
  without a value has set null;
- namePrefix, nameSuffix: what stands there begins or ends the value, and the places before show the rest;
- name hash: the value ends in a hyphen and ten characters; the places before show the rest;
- name reference: the same place with the step of the object's own name stands before it, and shows the value;
- images: what stands there is part of the image, and there is a place before;
- namespace, labels, commonLabels, commonAnnotations, replicas: what stands there is the value;
- configMapGenerator, secretGenerator: the value stands there, or after the `=` of a literal or of a line of an env
  file, or the place is the beginning of the file that is the value (in base64 for a Secret); what every object of the
  generator has (apiVersion, kind, type Opaque) has the place of the generator's entry;

- vars: the place before is the source's: what stands there, or a part of it between delimiters, is in the value;
- replacements: the same, unless a mapping, a list or nothing stands there, which add no text; or the entry selects the
  item by the value;
- buildMetadata, managedByLabel: the option stands there;
- IAMPolicyGenerator: the value stands there, or it is the beginning of the generator's configuration.

The place of each step but "patch" also lies within the field of the kustomization that the step is named after.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final

import yaml

from gitops_push.core.origin import Origin
from gitops_push.core.tree import origin_at
from gitops_push.documents.scalars import Dialect, ScalarError, resolve_plain
from gitops_push.kustomize.hashing import go_json

Pointer = tuple[str | int, ...]

FIELDS: Final = {
    "images": ("images", "imageTags"),
    "managedByLabel": ("buildMetadata",),
    "name hash": ("configMapGenerator", "secretGenerator"),
    "configMapGenerator": ("configMapGenerator", "generatorOptions"),
    "secretGenerator": ("secretGenerator", "generatorOptions"),
}
"""The fields of a kustomization that a step's place lies in, where they are not named as the step."""

DATE: Final = re.compile(r"\d{4}-\d\d-\d\d\Z")
NAMING: Final = frozenset({"namePrefix", "nameSuffix", "name hash", "name reference"})
EXACT: Final = frozenset(
    {
        "namespace",
        "labels",
        "commonLabels",
        "LabelTransformer",
        "commonAnnotations",
        "AnnotationsTransformer",
        "replicas",
    }
)
NO_TEXT: Final = re.compile(r"-\s|[{\[]|[\w.]+:(?:\s|\Z)")
GENERATED: Final = frozenset({"v1", "ConfigMap", "Secret", "Opaque"})


def scalars(node: Any, path: Pointer = ()) -> Iterator[tuple[Pointer, Any]]:
    """Yield each scalar with its path."""
    if isinstance(node, dict):
        for key, value in node.items():
            yield from scalars(value, (*path, key))
    elif isinstance(node, list):
        for index, value in enumerate(node):
            yield from scalars(value, (*path, index))
    else:
        yield path, node


class OriginRule:
    """Judges the origins of a build of the files below `root`."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._texts: dict[str, str] = {}
        self.checked = 0

    def violations(self, body: Any) -> Iterator[str]:
        """Yield a line for every scalar whose origin does not show where it comes from."""
        for path, value in scalars(body):
            self.checked += 1
            origin = origin_at(body, path)
            if origin is None or not self._shown(value, (*origin.trail, origin)):
                places = [f"{place} {place.step}" for place in (*origin.trail, origin)] if origin else []
                yield f"{path} = {value!r}: {places}"

    def _shown(self, value: Any, places: Sequence[Origin]) -> bool:
        """Return whether the last of the places shows the value, with what those before it show."""
        if not places:
            return False
        place, before = places[-1], places[:-1]
        if place.step in {"", "patch"}:
            return self._reads_as(place, value) or (place.step == "patch" and self._is_patched(place, value, before))
        if place.step in NAMING:
            return self._is_named(str(value), place, before)
        return (not place.column or self._lies_in_its_field(place)) and self._is_set(value, place, before)

    def _is_named(self, name: str, place: Origin, before: Sequence[Origin]) -> bool:
        if place.step == "name reference":
            return bool(before) and str(before[-1]) == str(place) and self._shown(name, before)
        if not self._lies_in_its_field(place):
            return False
        if place.step == "name hash":
            found = re.fullmatch(r"(.*)-[a-z0-9]{10}", name)
            return found is not None and self._shown(found[1], before)
        cut = str.removeprefix if place.step == "namePrefix" else str.removesuffix
        rests = {cut(name, text) for text in self._readings(place)} - {name}
        return any(self._shown(rest, before) or (not rest and self._shown(None, before)) for rest in rests)

    def _is_set(self, value: Any, place: Origin, before: Sequence[Origin]) -> bool:
        match place.step:
            case "images":
                return bool(before) and any(text in value for text in self._readings(place))
            case "configMapGenerator" | "secretGenerator":
                return self._is_generated(place, before, value)
            case "vars":
                return self._has_source(value, before)
            case "replacements":
                return self._has_source(value, before) or f"={value}]" in self._text(place.file)
            case "buildMetadata":
                return any(option.endswith("Annotations") for option in self._readings(place))
            case "managedByLabel":
                return place.column == 0 or "managedByLabel" in self._readings(place)
            case "IAMPolicyGenerator":
                return self._reads_as(place, value) or self._begins_an_entry(place)
        return place.step in EXACT and self._reads_as(place, value)

    def _has_source(self, value: Any, before: Sequence[Origin]) -> bool:
        """Return whether the source of the value shows a part of it; it may have come from other places itself."""
        while before and before[-1].step in {"replacements", "vars", "name hash"}:
            before = before[:-1]
        if not before:
            return False
        return self._is_no_text(before[-1]) or any(_is_part(text, value) for text in self._readings(before[-1]))

    def _is_no_text(self, place: Origin) -> bool:
        """Return whether a mapping, a list, a null or an empty text stands at a place."""
        rest = self._line(place)[max(place.column - 1, 0) :]
        return bool(NO_TEXT.match(rest)) or any(text in {"", "null", "~"} for text in self._readings(place))

    def _is_generated(self, place: Origin, before: Sequence[Origin], value: Any) -> bool:
        if before and before[-1].step == place.step and not _is_kustomization(place.file):
            return self._is_content(place, value)
        if value in GENERATED and self._begins_an_entry(place):
            return True
        literals = [reading.partition("=")[2] for reading in self._readings(place)]
        return self._reads_as(place, value) or any(_is_made_of(value, literal) for literal in literals)

    def _begins_an_entry(self, place: Origin) -> bool:
        line, at = self._line(place), place.column - 1
        return line[:at].strip(" ") in {"", "-"} or line[at] == "{"

    def _is_content(self, place: Origin, value: str) -> bool:
        line = self._line(place).partition("=")[2].removesuffix("\r")
        content = (self._root / place.file).read_bytes()
        encoded = base64.b64encode(content).decode()
        whole = (place.line, place.column) == (1, 1) and (
            value.encode() == content or value.replace("\n", "") == encoded
        )
        return whole or _is_made_of(value, line)

    def _is_patched(self, place: Origin, value: Any, before: Sequence[Origin]) -> bool:
        """Return whether an operation moved or copied the value there, or sets null by having none.

        The values of a patch that stands in one line, in quotes, have the place of that text.
        """
        if any('"op"' in text and str(value) in text for text in self._readings(place)):
            return True
        line = self._line(place)
        if re.search(r"\bfrom\b['\"]?:", line):
            return self._shown(value, before)
        return value is None and re.search(r"\bop\b['\"]?:", line) is not None

    def _reads_as(self, place: Origin, value: Any) -> bool:
        return any(_same(value, reading) for reading in self._readings(place))

    def _readings(self, place: Origin) -> list[str]:
        """Return what the scalar at a place may be, as text: alone on its line, in braces, or over several lines."""
        if not place.line or not place.column:
            return []
        lines = self._text(place.file).split("\n")
        line = lines[place.line - 1][place.column - 1 :]
        rest = "\n".join([line, *lines[place.line :]])
        if line.partition("#")[0].strip() in {"", "-"} or line.lstrip(" ")[:1] in {",", "}", "]"}:
            return [""]
        block = line.lstrip("&!abcdefghijklmnopqrstuvwxyz ")[:1] in {"|", ">", "'", '"'}
        texts = [line, f"[{line}", *([rest] if block else [])]
        return [found for text in texts if (found := _first_scalar(text)) is not None]

    def _lies_in_its_field(self, place: Origin) -> bool:
        if not _is_kustomization(place.file):
            return place.step in {"configMapGenerator", "secretGenerator"} or self._is_configuration(place)
        lines = self._text(place.file).split("\n")[: place.line]
        keys = [found[1].lower() for line in lines if (found := re.match(r"['\"]?(\w+)['\"]?:", line))]
        fields = {field.lower() for field in FIELDS.get(place.step, (place.step,))}
        return bool(keys) and keys[-1] in {*fields, "transformers", "generators"}

    def _is_configuration(self, place: Origin) -> bool:
        """Return whether the file configures a plugin, or holds the replacements that an entry names."""
        text = self._text(place.file)
        return bool(re.search(r"^kind: \w+(Transformer|Generator)", text, re.MULTILINE)) or (
            place.step == "replacements" and "targets" in text
        )

    def _line(self, place: Origin) -> str:
        return self._text(place.file).split("\n")[place.line - 1]

    def _text(self, file: str) -> str:
        if file not in self._texts:
            self._texts[file] = (self._root / file).read_bytes().decode("utf-8", "replace")
        return self._texts[file]


def _is_kustomization(file: str) -> bool:
    return Path(file).stem.lower() == "kustomization"


def _first_scalar(text: str) -> str | None:
    """Return the first scalar that YAML sees in a text; a null or an empty value is the empty text."""
    try:
        for event in yaml.parse(text, Loader=yaml.CSafeLoader):
            if isinstance(event, yaml.ScalarEvent):
                return event.value
    except yaml.YAMLError:
        return None
    return None


def _same(value: Any, text: str) -> bool:
    """Return whether a text, without the quotes it was in, is read as the value, or as what has become its text."""
    read = _read(text)
    if value is None:
        return None in read
    if isinstance(value, str):
        texts = {
            text,
            text.removesuffix("\n"),
            text.replace("$$", "$"),
            text.replace("\x85", " "),
            *(go_json(one) for one in read if not isinstance(one, str)),
        }
        return value in texts or bool(DATE.match(text) and value == f"{text}T00:00:00Z")
    return any(one == value or _numbers(one, value) for one in read)


def _read(text: str) -> list[Any]:
    try:
        return [resolve_plain(text, dialect).value for dialect in Dialect]
    except ScalarError:
        return [text]


def _numbers(one: Any, other: Any) -> bool:
    both = isinstance(one, (int, float)) and isinstance(other, (int, float))
    return both and float(one) == float(other)


def _is_part(text: str, value: Any) -> bool:
    """Return whether a text, or a part of it between delimiters, is the value or stands in it, perhaps within JSON."""
    whole = value if isinstance(value, str) else go_json(value)
    parts = [text, text.rstrip("\n"), *filter(None, re.split(r"[-.,:=/|\s]", text))]
    forms = {form for part in parts for form in (part, json.dumps(part)[1:-1], *map(go_json, _read(part)))}
    return any(form in whole for form in forms) or any(_same(value, part) for part in parts)


def _is_made_of(value: Any, text: str) -> bool:
    """Return whether the value is the text, perhaps without quotes around it, or that in base64."""
    if not isinstance(value, str):
        return False
    bare = text[1:-1] if len(text) > 1 and text[0] == text[-1] and text[0] in "\"'" else text
    return any(
        value == one or value.replace("\n", "") == base64.b64encode(one.encode()).decode() for one in (text, bare)
    )
