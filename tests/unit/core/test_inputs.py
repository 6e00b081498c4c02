"""What a build has seen is the same in another tree, or it counts as affected."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gitops_push.core.inputs import Inputs, PathKind, TreeEntry, changes_between

NAMES = st.sampled_from(("a", "b", "c"))
PATHS = st.lists(NAMES, min_size=1, max_size=3).map("/".join)
CONTENTS = st.sampled_from(("1", "2"))


@st.composite
def trees(draw: st.DrawFn) -> dict[str, TreeEntry]:
    found: dict[str, TreeEntry] = {}
    for path, content in draw(st.dictionaries(PATHS, CONTENTS, max_size=6)).items():
        clash = any(path.startswith(f"{other}/") or other.startswith(f"{path}/") for other in found)
        found.update({} if clash else {path: TreeEntry(PathKind.FILE, content)})
    return found


def what_is_at(tree: dict[str, TreeEntry], path: str) -> str:
    if path in tree:
        return "file"
    return "directory" if path == "." or any(other.startswith(f"{path}/") for other in tree) else "nothing"


def names_in(tree: dict[str, TreeEntry], path: str) -> set[tuple[str, str]]:
    prefix = "" if path == "." else f"{path}/"
    below = {other.removeprefix(prefix).partition("/")[0] for other in tree if other.startswith(prefix)}
    return {(name, what_is_at(tree, f"{prefix}{name}")) for name in below}


@given(
    trees(), trees(), st.sets(PATHS, max_size=4), st.sets(PATHS, max_size=4), st.sets(PATHS | st.just("."), max_size=3)
)
def test_where_there_is_no_reason_everything_seen_is_the_same_before(
    before: dict[str, TreeEntry], after: dict[str, TreeEntry], read: set[str], looked: set[str], listed: set[str]
) -> None:
    seen = Inputs(
        frozenset(path for path in read if path in after),
        frozenset(looked | read),
        frozenset(path for path in listed if what_is_at(after, path) == "directory"),
    )
    if changes_between(before, after).reason(seen):
        return
    assert all(before.get(path) == after.get(path) for path in seen.read)
    assert all(what_is_at(before, path) == what_is_at(after, path) for path in seen.looked)
    assert all(names_in(before, path) == names_in(after, path) for path in seen.listed)


@given(trees(), st.sets(PATHS, max_size=4))
def test_the_same_tree_is_never_a_reason(tree: dict[str, TreeEntry], looked: set[str]) -> None:
    seen = Inputs(frozenset(tree), frozenset(looked | tree.keys()), frozenset({"."}))
    assert changes_between(tree, tree).reason(seen) == ""


FILE = TreeEntry(PathKind.FILE, "1")


@pytest.mark.parametrize(
    ("before", "after", "seen", "reason"),
    [
        (
            {"base": TreeEntry(PathKind.LINK, "1"), "one/a": FILE},
            {"base": TreeEntry(PathKind.LINK, "2"), "one/a": FILE},
            Inputs(frozenset({"one/a"}), frozenset({"base/a"})),
            "base/a is reached by the link base",
        ),
        (
            {"base": TreeEntry(PathKind.LINK, "1"), "x": FILE},
            {"base": TreeEntry(PathKind.LINK, "1"), "x": FILE, "one/a": FILE},
            Inputs(looked=frozenset({"base/b"})),
            "base/b is reached by the link base",
        ),
        (
            {"lib": TreeEntry(PathKind.SUBMODULE, "1")},
            {"lib": TreeEntry(PathKind.SUBMODULE, "2")},
            Inputs(frozenset({"lib/a"}), frozenset({"lib/a"})),
            "lib/a is in a submodule",
        ),
        ({"a": FILE}, {"a": FILE}, Inputs(frozenset({"charts/b"})), "charts/b is not tracked by git"),
        ({"a": FILE}, {"a": FILE}, Inputs(unknown="a program reads it"), "a program reads it"),
        ({"a": FILE}, {"a": FILE, "b": FILE}, Inputs(frozenset({"a"}), frozenset({"a"})), ""),
        ({"a": FILE}, {"a": FILE, "b": FILE}, Inputs(listed=frozenset({"."})), "b"),
    ],
)
def test_links_submodules_and_what_git_does_not_know(
    before: dict[str, TreeEntry], after: dict[str, TreeEntry], seen: Inputs, reason: str
) -> None:
    assert changes_between(before, after).reason(seen) == reason
