"""Random data of a given shape, and random variations of it: what objects before and after an edit are made of."""

from __future__ import annotations

import copy
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from random import Random
from typing import Any, Final

CHANCE: Final = 0.18
"""How often a variation changes one thing."""


class Shape(ABC):
    """What a value may look like. Values are plain JSON; a field that is absent is no key at all."""

    @abstractmethod
    def make(self, rng: Random) -> Any:
        """Return a new value."""

    def vary(self, rng: Random, value: Any) -> Any:
        """Return a variation of a value; what the shape does not know of it stays."""
        return self.make(rng) if rng.random() < CHANCE else value


@dataclass(frozen=True)
class OneOf(Shape):
    """One of these values."""

    values: Sequence[Any]

    def make(self, rng: Random) -> Any:
        return copy.deepcopy(rng.choice(self.values))


@dataclass(frozen=True)
class Record(Shape):
    """A mapping with these fields; the optional ones are there or not."""

    required: Mapping[str, Shape]
    optional: Mapping[str, Shape]

    def make(self, rng: Random) -> Any:
        some = {name: shape for name, shape in self.optional.items() if rng.random() < 0.5}
        return {name: shape.make(rng) for name, shape in {**self.required, **some}.items()}

    def vary(self, rng: Random, value: Any) -> Any:
        varied = dict(value) if isinstance(value, dict) else {}
        for name, shape in {**self.required, **self.optional}.items():
            if name not in varied:
                if name in self.required or rng.random() < CHANCE:
                    varied[name] = shape.make(rng)
            elif name in self.optional and rng.random() < CHANCE / 2:
                del varied[name]
            else:
                varied[name] = shape.vary(rng, varied[name])
        return varied


@dataclass(frozen=True)
class Keyed(Shape):
    """A list of records told apart by these fields, of which `identities` has the values. `at_least` stay."""

    item: Shape
    identities: Sequence[Mapping[str, Any]]
    at_least: int = 0

    def make(self, rng: Random) -> Any:
        chosen = rng.sample(self.identities, rng.randint(self.at_least, len(self.identities)))
        return [{**identity, **self.item.make(rng)} for identity in chosen]

    def vary(self, rng: Random, value: Any) -> Any:
        items = [self.item.vary(rng, item) for item in value or ()]
        if len(items) > max(self.at_least, 0) and rng.random() < CHANCE:
            del items[rng.randrange(len(items))]
        free = [i for i in self.identities if not any(i.items() <= item.items() for item in items)]
        if free and rng.random() < CHANCE:
            items.insert(rng.randint(0, len(items)), {**rng.choice(free), **self.item.make(rng)})
        if rng.random() < CHANCE / 3:
            rng.shuffle(items)
        return items


@dataclass(frozen=True)
class Atomic(Shape):
    """A list of values that is set as a whole, or a set of distinct ones."""

    item: Shape
    most: int = 3
    least: int = 0
    distinct: bool = False

    def make(self, rng: Random) -> Any:
        items = [self.item.make(rng) for _ in range(rng.randint(self.least, self.most))]
        return [item for i, item in enumerate(items) if item not in items[:i]] if self.distinct else items


@dataclass(frozen=True)
class Strings(Shape):
    """A map from some of these keys to values."""

    keys: Sequence[str]
    value: Shape
    least: int = 0

    def make(self, rng: Random) -> Any:
        return {key: self.value.make(rng) for key in rng.sample(self.keys, rng.randint(self.least, len(self.keys)))}

    def vary(self, rng: Random, value: Any) -> Any:
        varied = dict(value or {})
        for key in self.keys:
            if rng.random() < CHANCE:
                varied[key] = self.value.make(rng)
            elif key in varied and len(varied) > self.least and rng.random() < CHANCE:
                del varied[key]
        return varied
