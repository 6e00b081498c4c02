"""The parts of an image reference, and what an `images` entry makes of it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gitops_push.core.origin import Origin
from gitops_push.kustomize.kustomization import ImageEntry
from gitops_push.kustomize.transformers.images import renamed_image, split_image


@pytest.mark.parametrize(
    ("image", "parts"),
    [
        ("nginx", ("nginx", "", "")),
        ("nginx:1", ("nginx", "1", "")),
        ("r:5000/nginx", ("r:5000/nginx", "", "")),
        ("r:5000/a/nginx:1", ("r:5000/a/nginx", "1", "")),
        ("nginx@sha256:ab", ("nginx", "", "sha256:ab")),
        ("nginx:1@sha256:ab", ("nginx", "1", "sha256:ab")),
    ],
)
def test_an_image_is_split_at_its_tag_and_digest(image: str, parts: tuple[str, str, str]) -> None:
    assert split_image(image) == parts


@pytest.mark.parametrize(
    ("changes", "result"),
    [
        ({"new_tag": "2"}, "a:2"),
        ({"digest": "sha256:c"}, "a@sha256:c"),
        ({"new_tag": "2", "digest": "sha256:c"}, "a:2@sha256:c"),
        ({"new_name": "b"}, "b:1@sha256:ab"),
        ({"tag_suffix": "-x"}, "a:1-x"),
        ({}, "a:1@sha256:ab"),
    ],
)
def test_a_new_tag_drops_the_digest_and_the_other_way_round(changes: dict[str, str], result: str) -> None:
    assert renamed_image("a:1@sha256:ab", ImageEntry("a", Origin("k"), **changes)) == result


@given(
    name=st.from_regex(r"[a-z]{1,3}(:[0-9]{2}/[a-z]{1,3})?", fullmatch=True),
    tag=st.from_regex(r"[a-z0-9.]{1,4}", fullmatch=True),
)
def test_the_parts_give_the_image_again(name: str, tag: str) -> None:
    assert split_image(f"{name}:{tag}") == (name, tag, "")
    assert split_image(f"{name}:{tag}@sha256:0") == (name, tag, "sha256:0")
