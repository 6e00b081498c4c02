"""Random structural schemas, and random custom resources for them: valid ones, and ones with a few slips."""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import dataclass
from random import Random
from typing import Any

from tests.format_texts import INVALID, VALID

Schema = dict[str, Any]

FORMATS = {name: (*texts, *INVALID[name]) for name, texts in VALID.items()} | {"unheard-of": ("anything",)}
PATTERNS: dict[str, tuple[str, ...]] = {
    r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$": ("a.b-c", "A", "a-.b", "a" * 80, ""),
    r"^(\d+)(ms|s|m|h)$": ("10ms", "10", "s", "10s\n"),
    r"[[:upper:]]{2,3}": ("abCD", "aBc", ""),
    r"(?i)^(true|false)$": ("TRUE", "False", "no"),
    r"^\p{Greek}+$": ("abc",),
    r"^[^\s/]+(/[^\s/]+)?$": ("a/b", "a b", "a/b/c", "a\u00a0b"),
    r"^\p{Lu}\w*$": ("\u00c4b", "ab", "Ab", "A\u00e4"),
    r"^(a+)+$": ("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaab", "aa"),
    r"^a|b$": ("ax", "xb", "x"),
    r"^\S+@\S+\.\S+$": ("a@b.c", "a@b", " a@b.c"),
    r"^.{0,3}$": ("abc", "abcd", "a\nb"),
    r"^v(0|[1-9]\d*)\.(0|[1-9]\d*)(-[0-9A-Za-z.-]+)?$": ("v1.2", "v01.2", "v1.2-rc.1"),
    r"^\Qa.b\E+$": ("a.bbb", "axb"),
    r"(?s)^.+$": ("a\nb", ""),
    r"(?m)^b$": ("a\nb", "ab"),
    r"\bweb\b": ("my web app", "webs"),
    r"^[\]\-a]+$": ("]-a", "b"),
    r"^\x41\x{42}\.$": ("AB.", "ABx"),
}
NAMES = ("alpha", "beta", "gamma", "delta", "with-dash", "camelCase")


@dataclass(frozen=True)
class Case:
    """A schema of a version, and objects of it (without apiVersion, kind and name)."""

    schema: Schema
    objects: tuple[dict[str, Any], ...]


def random_case(seed: str, objects: int) -> Case:
    """Return a case; the same for the same seed."""
    rng = Random(seed)
    spec = _object(rng, 3)
    spec.pop("default", None)
    root: Schema = {"type": "object", "properties": {"spec": spec}}
    if rng.random() < 0.3:
        root["required"] = ["spec"]
    if rng.random() < 0.1:
        root["properties"]["metadata"] = {"type": "object", "properties": {"name": {"type": "string", "maxLength": 4}}}
    found = []
    for _ in range(objects):
        value = sample(rng, spec)
        for _ in range(rng.choice((0, 0, 0, 1, 1, 2))):
            value = slip(rng, value)
        body = {"spec": value} if rng.random() < 0.97 else {}
        if rng.random() < 0.02:
            body["spce"] = 1
        found.append(body)
    return Case(root, tuple(found))


def random_schema(rng: Random, depth: int) -> Schema:
    """Return a schema of any type."""
    makers: list[Callable[[Random, int], Schema]] = [_string, _string, _integer, _number, _boolean, _int_or_string]
    if depth:
        makers += [_object, _object, _map, _array, _array, _free, _resource]
    schema = rng.choice(makers)(rng, depth - 1)
    if rng.random() < 0.15 and not schema.get("x-kubernetes-embedded-resource"):
        schema["nullable"] = True
    if rng.random() < 0.15 and "type" in schema:
        value = sample(rng, schema)
        if _is_plain(value):
            schema["default"] = value
    return schema


def _is_plain(value: Any) -> bool:
    """A default must be valid; only those are given that surely are, and the rest is weeded out by the server."""
    return isinstance(value, (bool, int)) or value in ("a", "abc")


def _string(rng: Random, depth: int) -> Schema:
    schema: Schema = {"type": "string"}
    match rng.randrange(7):
        case 0:
            schema["format"] = rng.choice(tuple(FORMATS))
        case 1 | 2:
            schema["pattern"] = rng.choice(tuple(PATTERNS))
        case 3:
            schema["enum"] = ["a", "abc", "b"][: rng.randint(1, 3)]
        case 4:
            schema |= {"minLength": rng.randint(0, 2), "maxLength": rng.randint(2, 4)}
        case 5:
            junctor = rng.choice(("anyOf", "oneOf", "allOf"))
            parts = [{"maxLength": 2}, {"pattern": "^a"}, {"enum": ["abc", "b"]}, {"format": "ipv4"}]
            schema[junctor] = rng.sample(parts, 2)
        case 6:
            schema["not"] = rng.choice(
                ({"pattern": "^a"}, {"enum": ["abc"]}, {"minLength": 3}, {"pattern": r"\p{Greek}"}, {"format": "uri"})
            )
    if rng.random() < 0.04:
        schema["x-kubernetes-validations"] = [{"rule": "self != 'abc'"}]
        schema["maxLength"] = 100
    return schema


def _integer(rng: Random, depth: int) -> Schema:
    schema: Schema = {"type": "integer"}
    _add_bounds(rng, schema, (-3, 0, 2, 5))
    if rng.random() < 0.4:
        schema["format"] = rng.choice(("int32", "int64", "int16"))
    if rng.random() < 0.2:
        schema["multipleOf"] = rng.choice((2, 3, 10))
    if rng.random() < 0.2:
        schema["enum"] = rng.sample((0, 1, 2, 5, 8080), 3)
    return schema


def _number(rng: Random, depth: int) -> Schema:
    schema: Schema = {"type": "number"}
    _add_bounds(rng, schema, (-2.5, 0, 0.5, 2.5))
    if rng.random() < 0.3:
        schema["format"] = rng.choice(("float", "double", "int32"))
    if rng.random() < 0.2:
        schema["multipleOf"] = rng.choice((0.1, 0.5, 2.5))
    if rng.random() < 0.2:
        schema["enum"] = rng.sample((0, 1, 1.5, 2), 3)
    return schema


def _add_bounds(rng: Random, schema: Schema, bounds: tuple[float, ...]) -> None:
    if rng.random() < 0.4:
        schema |= {"minimum": rng.choice(bounds), "exclusiveMinimum": rng.random() < 0.3}
    if rng.random() < 0.4:
        schema |= {"maximum": rng.choice(bounds) + 3, "exclusiveMaximum": rng.random() < 0.3}


def _boolean(rng: Random, depth: int) -> Schema:
    return {"type": "boolean"}


def _int_or_string(rng: Random, depth: int) -> Schema:
    schema: Schema = {"x-kubernetes-int-or-string": True}
    if rng.random() < 0.6:
        schema["anyOf"] = [{"type": "integer"}, {"type": "string"}]
    if rng.random() < 0.3:
        schema["pattern"] = "^[0-9]+%$"
    if rng.random() < 0.2:
        schema["maximum"] = 100
    return schema


def _object(rng: Random, depth: int) -> Schema:
    names = rng.sample(NAMES, rng.randint(1, 4))
    schema: Schema = {"type": "object", "properties": {name: random_schema(rng, depth) for name in names}}
    if rng.random() < 0.5:
        schema["required"] = rng.sample(names, rng.randint(1, len(names)))
    if rng.random() < 0.1:
        schema["x-kubernetes-preserve-unknown-fields"] = True
    if rng.random() < 0.15:
        schema["minProperties"] = rng.randint(1, 3)
    if rng.random() < 0.15:
        schema["maxProperties"] = rng.randint(1, 3)
    if rng.random() < 0.2 and len(names) > 1:
        junctor = rng.choice(("anyOf", "oneOf", "allOf"))
        schema[junctor] = [{"required": [names[0]]}, {"required": [names[1]]}]
    if rng.random() < 0.1:
        schema["not"] = {"required": [names[0]]}
    if rng.random() < 0.1:
        schema["allOf"] = [{"properties": {names[0]: {"enum": ["a", 1, True]}}}]
    return schema


def _map(rng: Random, depth: int) -> Schema:
    schema: Schema = {"type": "object", "additionalProperties": random_schema(rng, depth)}
    if rng.random() < 0.1:
        schema["additionalProperties"] = True
    if rng.random() < 0.2:
        schema["maxProperties"] = 2
    return schema


def _array(rng: Random, depth: int) -> Schema:
    schema: Schema = {"type": "array"}
    if rng.random() < 0.3:
        schema |= {"minItems": rng.randint(0, 2), "maxItems": rng.randint(2, 3)}
    match rng.randrange(3):
        case 0:
            schema["items"] = random_schema(rng, depth)
        case 1:
            schema |= {"items": rng.choice((_string, _integer))(rng, 0), "x-kubernetes-list-type": "set"}
        case 2:
            item = _object(rng, depth)
            item["properties"]["name"] = {"type": "string"}
            item["required"] = sorted({*item.get("required", ()), "name"})
            keys = ["name"]
            if rng.random() < 0.4:
                item["properties"]["port"] = {"type": "integer", "default": 80}
                keys.append("port")
            schema |= {"items": item, "x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": keys}
    return schema


def _free(rng: Random, depth: int) -> Schema:
    schema: Schema = {"x-kubernetes-preserve-unknown-fields": True}
    if rng.random() < 0.5:
        schema |= {"type": "object", "properties": {"alpha": random_schema(rng, depth)}}
    return schema


def _resource(rng: Random, depth: int) -> Schema:
    return {"type": "object", "x-kubernetes-embedded-resource": True, "x-kubernetes-preserve-unknown-fields": True}


def sample(rng: Random, schema: Schema) -> Any:
    """Return a value that is mostly what the schema asks for."""
    if schema.get("nullable") and rng.random() < 0.2:
        return None
    if schema.get("x-kubernetes-embedded-resource"):
        return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "inner"}, "data": {"a": "1"}}
    if "enum" in schema:
        return rng.choice(schema["enum"])
    if schema.get("x-kubernetes-int-or-string"):
        return rng.choice((1, "1", "50%", 200))
    match schema.get("type"):
        case "string":
            return _text(rng, schema)
        case "integer":
            return _in_bounds(rng, schema, (1, 2, 4, 5, 6, 10), (0, 2**31, -(2**31) - 1, 2**64))
        case "number":
            return _in_bounds(rng, schema, (0, 1, 0.5, 1.5, 2, 2.5, 3.0), (0.3, 1e39))
        case "boolean":
            return rng.random() < 0.5
        case "array":
            return _list(rng, schema)
        case "object" if isinstance(schema.get("additionalProperties"), dict):
            names = rng.sample(("x", "y", "z.example/w"), rng.randint(0, 3))
            return {name: sample(rng, schema["additionalProperties"]) for name in names}
        case "object":
            wanted = schema.get("required", [])
            fields = schema.get("properties", {})
            return {n: sample(rng, fields[n]) for n in fields if n in wanted or rng.random() < 0.5}
        case _:
            return rng.choice(({"any": [1]}, [1, {"a": None}], "text", 3))


def _text(rng: Random, schema: Schema) -> str:
    if "pattern" in schema:
        return _mostly_first(rng, PATTERNS[schema["pattern"]])
    if "format" in schema:
        return _mostly_first(rng, FORMATS[schema["format"]])
    return rng.choice(("a", "abc", "b", "", "10.0.0.1", "\u00e4\u00f6\U0001f600"))


def _in_bounds(rng: Random, schema: Schema, usual: tuple[float, ...], unusual: tuple[float, ...]) -> float:
    """Return a number that is in bounds at nine times of ten, if one of the usual ones is."""
    low, high = schema.get("minimum", usual[0]), schema.get("maximum", usual[-1])
    good = [n for n in usual if low <= n <= high and n % schema.get("multipleOf", n or 1) == 0]
    return rng.choice(good) if good and rng.random() < 0.9 else rng.choice((*usual, *unusual))


def _mostly_first(rng: Random, texts: tuple[str, ...]) -> str:
    return texts[0] if rng.random() < 0.5 else rng.choice(texts)


def _list(rng: Random, schema: Schema) -> list[Any]:
    found = [sample(rng, schema["items"]) for _ in range(rng.randint(0, 3))]
    if schema.get("x-kubernetes-list-type") == "map":
        for number, item in enumerate(found):
            if item is not None:
                item["name"] = f"n{number if rng.random() < 0.85 else 0}"
    return found


def slip(rng: Random, value: Any) -> Any:
    """Return a copy of a value with one thing in it changed."""
    changed = copy.deepcopy(value)
    place = rng.choice(tuple(_places(changed)) or (None,))
    if place is None:
        return rng.choice((changed, None, "text", []))
    container, key = place
    match rng.randrange(5):
        case 0 if isinstance(container, dict):
            del container[key]
        case 1 if isinstance(container, dict):
            container[rng.choice((*NAMES, "aplha"))] = rng.choice((1, "a", {"x": 1}, [1]))
        case 1:
            container.append(copy.deepcopy(container[key]))
        case 2:
            container[key] = None
        case _:
            container[key] = rng.choice((0, 7, -1, 1.5, 2.0, "a", "", True, [], ["a", "a"], {}, {"name": "n0"}, 2**40))
    return changed


def _places(value: Any) -> Any:
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, item in items:
        yield value, key
        yield from _places(item)
