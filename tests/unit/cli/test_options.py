"""Values of flags: what is read, and what a mistake says."""

from __future__ import annotations

import click
import pytest

from gitops_push.cli.options import Duration, NameList, OutputFormat, PruneLimit


@pytest.mark.parametrize(
    ("text", "seconds"), [("90s", 90.0), ("5m", 300.0), ("1h30m", 5400.0), ("500ms", 0.5), ("1.5m", 90.0)]
)
def test_durations_are_read_as_go_writes_them(text: str, seconds: float) -> None:
    assert Duration().convert(text, None, None) == seconds


@pytest.mark.parametrize("text", ["", "5", "m", "5 m", "-5m", "5m!", "five"])
def test_what_is_no_duration_is_refused_with_the_form(text: str) -> None:
    with pytest.raises(click.BadParameter, match="90s, 5m or 1h30m"):
        Duration().convert(text, None, None)


@pytest.mark.parametrize(("text", "limit"), [("12", (12, None)), ("20%", (None, 20)), ("0", (0, None))])
def test_a_prune_limit_is_a_number_or_a_share(text: str, limit: tuple[int | None, int | None]) -> None:
    assert PruneLimit().convert(text, None, None) == limit


@pytest.mark.parametrize("text", ["", "-1", "101%", "a", "1.5"])
def test_what_is_no_prune_limit_is_refused(text: str) -> None:
    with pytest.raises(click.BadParameter):
        PruneLimit().convert(text, None, None)


def test_an_output_may_name_a_file() -> None:
    assert OutputFormat("json", "text").convert("json=out/a=b.json", None, None) == ("json", "out/a=b.json")


def test_an_unknown_format_names_the_known_ones() -> None:
    with pytest.raises(click.BadParameter, match="json, text"):
        OutputFormat("json", "text").convert("jsn", None, None)


def test_a_list_of_words_knows_its_words() -> None:
    assert NameList("a", "b").convert("b, a", None, None) == {"a", "b"}
    with pytest.raises(click.BadParameter, match="'c' is not one of a, b"):
        NameList("a", "b").convert("a,c", None, None)
