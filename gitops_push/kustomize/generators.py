"""`configMapGenerator` and `secretGenerator`: objects made of files, env files and literals."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from gitops_push.core.codes import Code
from gitops_push.core.errors import BuildError, Problem
from gitops_push.core.origin import Origin
from gitops_push.core.tree import Fields, put, remove
from gitops_push.documents.budgets import DEFAULT_BUDGET
from gitops_push.kustomize.accumulator import ResourceSet
from gitops_push.kustomize.build_metadata import keep_origin
from gitops_push.kustomize.errors import invalid
from gitops_push.kustomize.kustomization import GeneratorEntry, GeneratorOptions
from gitops_push.kustomize.loader import Loader
from gitops_push.kustomize.marks import place_of
from gitops_push.kustomize.quotes import is_set_in_quotes
from gitops_push.kustomize.resource import Resource
from gitops_push.kustomize.typed_fields import Pair, Text
from gitops_push.kustomize.written import WrittenText

_BASE64_LINE: Final = 70
_GO_SPACE: Final = " \t\n\v\f\r\x85\xa0"


@dataclass(frozen=True, slots=True)
class Datum:
    """One key of the data with the place that its value comes from."""

    key: str
    value: bytes
    origin: Origin


def generate(entry: GeneratorEntry, shared: GeneratorOptions, loader: Loader) -> Resource:
    """Return the generated object, with what is to be done with one that is there already. Raises `BuildError`."""
    options = _merged_options(entry.options, shared)
    if not entry.name.value:
        raise invalid(f"a {entry.kind} generator must have a name", entry.origin, "add `name:`")
    data = _data(entry, loader)
    _count(data, entry, loader)
    body = _body(entry, options, data)
    generated = Resource(body, entry.origin.by(_field(entry)))
    generated.hashed = not options.disable_name_suffix_hash
    generated.behavior = entry.behavior
    _note_quotes(body, loader.written)
    return generated


def _body(entry: GeneratorEntry, options: GeneratorOptions, data: list[Datum]) -> Fields:
    origin = entry.origin.by(_field(entry))
    body = Fields(start=origin)
    put(body, "apiVersion", "v1", origin)
    put(body, "kind", entry.kind, origin)
    metadata = Fields(start=origin)
    put(body, "metadata", metadata, origin)
    put(metadata, "name", entry.name.value, entry.name.origin.by(origin.step))
    if entry.namespace:
        put(metadata, "namespace", entry.namespace.value, entry.namespace.origin.by(origin.step))
    for field, pairs in (("labels", options.labels), ("annotations", options.annotations)):
        if pairs:
            put(metadata, field, _pairs(pairs, origin), origin)
    if entry.kind == "Secret":
        secret_type = entry.type or Text("Opaque", origin)
        put(body, "type", secret_type.value, secret_type.origin.by(origin.step))
        put(body, "data", Fields(start=origin), origin)
    for datum in data:
        field, value = _encoded(entry.kind, datum.value)
        if field not in body:
            put(body, field, Fields(start=origin), origin)
        put(body[field], datum.key, value, datum.origin)
    if options.immutable:
        put(body, "immutable", True, (options.origin or origin).by(origin.step))
    return body


def _encoded(kind: str, value: bytes) -> tuple[str, str]:
    """Return the field and the text of a value: text as it is, everything else and all of a Secret in base64."""
    if kind == "Secret":
        return "data", _wrapped_base64(value)
    try:
        return "data", value.decode()
    except UnicodeDecodeError:
        return "binaryData", _wrapped_base64(value)


def _wrapped_base64(value: bytes) -> str:
    """Return base64, broken into lines of 70 characters when it is longer than one."""
    text = base64.b64encode(value).decode()
    if len(text) < _BASE64_LINE:
        return text
    return "".join(f"{text[start : start + _BASE64_LINE]}\n" for start in range(0, len(text), _BASE64_LINE))


def _data(entry: GeneratorEntry, loader: Loader) -> list[Datum]:
    data: dict[str, Datum] = {}
    for datum in _sources(entry, loader):
        if datum.key in data:
            raise invalid(
                f"{entry.kind} {entry.name.value} illegally repeats the key `{datum.key}`, "
                f"first at {data[datum.key].origin}",
                datum.origin,
                "remove one of the two",
            )
        data[datum.key] = datum
    return sorted(data.values(), key=lambda datum: datum.key)


def _count(data: list[Datum], entry: GeneratorEntry, loader: Loader) -> None:
    """Count the data against the budget of the build: one file can be put into any number of objects."""
    loader.usage.bytes += sum(len(datum.value) for datum in data)
    if loader.usage.bytes > DEFAULT_BUDGET.total_bytes:
        limit = f"{DEFAULT_BUDGET.total_bytes >> 20} MiB"
        message = f"the build holds more than {limit} with {entry.kind} {entry.name.value}"
        hint = "a ConfigMap or Secret holds at most 1 MiB in Kubernetes: generate from smaller files"
        raise BuildError(Problem(Code.BUDGET_EXCEEDED, message, entry.origin, hint=hint))


def _sources(entry: GeneratorEntry, loader: Loader) -> Iterator[Datum]:
    step = _field(entry)
    for env in entry.envs:
        content, file = loader.read(env)
        yield from _env_lines(content, file, env.origin.by(step))
    for literal in entry.literals:
        yield _literal(literal, entry, step)
    for source in entry.files:
        key, path = _file_source(source)
        content, file = loader.read(Text(path, source.origin))
        yield Datum(key, content, Origin(file, 1, 1, step).after(source.origin.by(step)))


def _env_lines(content: bytes, file: str, entry: Origin) -> Iterator[Datum]:
    """Yield the pairs of an env file: no quotes, no escapes, everything after the first `=` is the value."""
    for number, line in enumerate(content.split(b"\n"), start=1):
        origin = Origin(file, number, 1, entry.step).after(entry)
        try:
            text = line.decode().removesuffix("\r")
        except UnicodeDecodeError as error:
            raise invalid(f"line {number} of {file} has invalid utf8 bytes", origin) from error
        text = (text.removeprefix("\ufeff") if number == 1 else text).lstrip(_GO_SPACE)
        key, _, value = text.partition("=")
        if key and not text.startswith("#"):
            yield Datum(key, value.encode(), origin)


def _literal(literal: Text, entry: GeneratorEntry, step: str) -> Datum:
    key, equals, value = literal.value.partition("=")
    if not key or not equals:
        shown = f" of Secret {entry.name.value}" if entry.kind == "Secret" else f" {literal.value!r}"
        message = f"invalid literal source{shown}, expected key=value"
        raise invalid(message, literal.origin, "write it as KEY=VALUE")
    if len(value) > 1 and value[0] == value[-1] and value[0] in "\"'":
        value = value[1:-1]
    return Datum(key, value.encode(), literal.origin.by(step))


def _file_source(source: Text) -> tuple[str, str]:
    """Return (key, path) of `path` or `key=path`."""
    key, equals, path = source.value.partition("=")
    if not equals:
        return source.value.rpartition("/")[2], source.value
    if not key:
        raise invalid(f"missing key name for file path {path!r} in source {source.value!r}", source.origin)
    if not path:
        raise invalid(f"missing file path for key name {key!r} in source {source.value!r}", source.origin)
    if "=" in path:
        raise invalid(f"source {source.value!r} key name or file path contains '='", source.origin)
    return key, path


def absorb(resources: ResourceSet, generated: Resource, written: WrittenText) -> None:
    """Add the object, or put it into the place of the one with the same identity, as its behavior says."""
    identity = generated.current_id()
    found = resources.with_any_id(identity)
    if len(found) > 1:
        raise invalid(f"found multiple objects that could accept merge of {identity}", generated.origin)
    is_change = generated.behavior in {"merge", "replace"}
    if not found:
        if is_change:
            hint = "use behavior: create, or correct the name and namespace"
            raise invalid(f"id {identity} does not exist; cannot merge or replace", generated.origin, hint)
        resources.append(generated)
    elif not is_change:
        raise _already_there(identity, found[0], generated)
    else:
        _take_over(found[0], generated, written)


def _already_there(identity: object, old: Resource, generated: Resource) -> BuildError:
    return invalid(
        f"id {identity} exists; can not use behavior: '{generated.behavior or 'unspecified'}', "
        f"behavior must be merge or replace (first defined in {old.origin})",
        generated.origin,
        "set behavior: merge or replace, or give it another name",
    )


def _take_over(old: Resource, generated: Resource, written: WrittenText) -> None:
    """Make the old object the generated one; it keeps its name, namespace, history, labels and annotations."""
    body, metadata = generated.body, generated.metadata
    for field in ("name", "namespace"):
        _copy_place(old.metadata, metadata, field)
    if generated.behavior == "merge":
        keep_origin(old, generated)
    for field in ("labels", "annotations"):
        merged = _merged_texts(old.metadata.get(field), metadata.get(field), generated.origin, written)
        _put_or_drop(metadata, field, merged, generated.origin)
    if generated.behavior == "merge":
        _move_string_data(old, written)
        for field in ("data", "binaryData"):
            merged = _merged_texts(old.body.get(field), body.get(field), generated.origin, written)
            _put_or_drop(body, field, merged, generated.origin)
    old.body = body
    _note_quotes(body, written)
    old.shared.clear()
    old.hashed = old.hashed and generated.hashed


def _move_string_data(secret: Resource, written: WrittenText) -> None:
    """Move the stringData of a Secret, which wins, into its data, so that nothing of it is lost in a merge."""
    texts = secret.body.get("stringData")
    if (secret.api_version, secret.kind) != ("v1", "Secret") or texts is None:
        return
    if not isinstance(texts, Fields):
        raise invalid("stringData must be a mapping of texts", place_of(secret.body, "stringData") or secret.origin)
    data = secret.body.get("data")
    if not isinstance(data, Fields):
        data = Fields(start=secret.origin)
        put(secret.body, "data", data, secret.origin)
    for key, value in texts.items():
        place = place_of(texts, key) or secret.origin
        if isinstance(value, (dict, list)):
            raise invalid(f'stringData value for key "{key}" must be a scalar', place)
        put(data, key, _wrapped_base64(written.text_at(texts, key).encode()), place)
    remove(secret.body, "stringData")


def _note_quotes(body: Fields, written: WrittenText) -> None:
    """Note where kustomize puts texts in quotes: all data, labels and annotations are set as strings."""
    for parent, field in ((body, "data"), (body, "binaryData"), (body["metadata"], "labels")):
        for key, value in parent.get(field, {}).items():
            written.noted.note(parent[field], key, is_set_in_quotes(value))


def _copy_place(old: Fields, new: Fields, field: str) -> None:
    place = place_of(old, field)
    if field in old and place is not None:
        new[field] = old[field]
        new.marks[field] = place
    elif field in new and field not in old:
        del new[field]


def _merged_texts(old: object, new: object, origin: Origin, written: WrittenText) -> Fields:
    merged = Fields(start=origin)
    for fields in (old, new):
        if isinstance(fields, Fields):
            for key in fields:
                put(merged, key, written.text_at(fields, key), place_of(fields, key) or origin)
    return merged


def _put_or_drop(fields: Fields, name: str, merged: Fields, origin: Origin) -> None:
    if merged:
        put(fields, name, merged, origin)
    else:
        fields.pop(name, None)


def _merged_options(local: GeneratorOptions, shared: GeneratorOptions) -> GeneratorOptions:
    """Return the options of one generator: its own labels win, flags that are set for all cannot be unset."""
    return GeneratorOptions(
        labels=_first_wins(local.labels, shared.labels),
        annotations=_first_wins(local.annotations, shared.annotations),
        disable_name_suffix_hash=local.disable_name_suffix_hash or shared.disable_name_suffix_hash,
        immutable=local.immutable or shared.immutable,
        origin=local.origin if local.immutable else shared.origin,
    )


def _first_wins(local: tuple[Pair, ...], shared: tuple[Pair, ...]) -> tuple[Pair, ...]:
    known = {pair.key for pair in local}
    return (*local, *(pair for pair in shared if pair.key not in known))


def _pairs(pairs: tuple[Pair, ...], origin: Origin) -> Fields:
    fields = Fields(start=origin)
    for pair in pairs:
        put(fields, pair.key, pair.value, pair.origin.by(origin.step))
    return fields


def _field(entry: GeneratorEntry) -> str:
    return "secretGenerator" if entry.kind == "Secret" else "configMapGenerator"
