from __future__ import annotations

import base64
import html
import json
import re
import time
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from gitops_push.core.codes import Code
from gitops_push.core.errors import Problem
from gitops_push.core.objects import ObjectRef
from gitops_push.core.redaction import SHORTEST, Masked, Redactor
from gitops_push.core.secret_values import LAST_APPLIED, secret_values_of
from gitops_push.core.untrusted import clean_line, clean_text

KEY = b"a key of this run"
TAG = re.compile("\u2039secret:[0-9a-f]{8}\u203a")

# Values that can be told from what surrounds them: the marker itself is made of hex digits and of the word "secret".
secret_text = st.text(st.characters(codec="utf-8"), min_size=8, max_size=60).filter(
    lambda text: len(text.strip()) >= SHORTEST and not set(text) <= set("secret:0123456789abcdef\u2039\u203a ")
)
plain_text = st.text(st.characters(codec="utf-8"), max_size=40)


def base64_of(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


ENCODINGS = {
    "raw": str,
    "base64": base64_of,
    "base64 without padding": lambda text: base64_of(text).rstrip("="),
    "base64url": lambda text: base64.urlsafe_b64encode(text.encode()).decode(),
    "hex": lambda text: text.encode().hex(),
    "upper-case hex": lambda text: text.encode().hex().upper(),
    "JSON": lambda text: json.dumps(text)[1:-1],
    "JSON with Unicode": lambda text: json.dumps(text, ensure_ascii=False)[1:-1],
    "JSON in JSON": lambda text: json.dumps(json.dumps(text)[1:-1])[1:-1],
    "percent": lambda text: quote(text, safe=""),
    "percent with slashes": quote,
    "form": quote_plus,
    "repr": lambda text: repr(text)[1:-1],
}


@pytest.mark.parametrize("encode", ENCODINGS.values(), ids=ENCODINGS.keys())
@given(value=secret_text, before=plain_text, after=plain_text)
def test_no_collected_value_is_left_in_any_encoding(encode, value: str, before: str, after: str) -> None:  # type: ignore[no-untyped-def]
    hidden = encode(value)
    assume(not TAG.search(before + after))
    masked = Redactor(KEY, [value]).mask_text(f"{before} {hidden} {after}")
    assert hidden not in TAG.sub("\0", masked)
    assert TAG.search(masked)


@given(values=st.lists(secret_text, min_size=1, max_size=6), text=st.lists(plain_text, max_size=6), seed=st.randoms())
def test_no_value_is_left_however_values_overlap_and_repeat(values: list[str], text: list[str], seed) -> None:  # type: ignore[no-untyped-def]
    pieces = [*values, *values, *(value[len(value) // 2 :] + values[0] for value in values), *text]
    seed.shuffle(pieces)
    masked = Redactor(KEY, values).mask_text("".join(pieces))
    rest = TAG.sub("\0", masked)
    assert not [value for value in values if value in rest]


@given(values=st.lists(secret_text, max_size=4), text=plain_text)
def test_text_without_secrets_stays_as_it_is_and_masking_twice_is_masking_once(values: list[str], text: str) -> None:
    redactor = Redactor(KEY, values)
    masked = redactor.mask_text(text + "".join(values))
    assert redactor.mask_text(masked) == masked
    assert Redactor(KEY).mask_text(text) == text


@given(user=st.text(st.sampled_from("abcdefgh"), max_size=7), value=secret_text)
def test_a_value_inside_of_a_longer_base64_text_is_found_at_each_offset(user: str, value: str) -> None:
    encoded = base64_of(f"{user}:{value}")
    masked = Redactor(KEY, [value]).mask_text(f"auth: {encoded}")
    left = TAG.sub("\0", masked)
    assert TAG.search(masked)
    assert len(left) <= len("auth: ") + len(user) * 4 // 3 + 8


def test_two_values_that_overlap_in_a_text_leave_no_end_visible() -> None:
    masked = Redactor(KEY, ["alpha-bravo", "bravo-charlie"]).mask_text("<alpha-bravo-charlie>")
    assert re.fullmatch(f"<{TAG.pattern}>", masked)


def test_the_longer_of_two_values_is_masked_whole() -> None:
    redactor = Redactor(KEY, ["password", "password-of-the-database"])
    assert redactor.mask_text("password-of-the-database") == str(redactor.mask_value("password-of-the-database"))


def test_a_short_value_is_masked_by_position_only() -> None:
    redactor = Redactor(KEY, ["3", "true", "abcde"])
    assert redactor.mask_text("replicas: 3, abcde, true") == "replicas: 3, abcde, true"
    assert isinstance(redactor.mask_value("3"), Masked)


def test_a_public_word_is_masked_by_position_only() -> None:
    redactor = Redactor(KEY, ["postgres", "hunter2hunter2"], public=["postgres"])
    assert redactor.mask_text("Deployment shop/postgres") == "Deployment shop/postgres"
    assert "hunter2" not in redactor.mask_text("postgres:hunter2hunter2")


def test_equal_values_have_equal_tags_in_every_encoding_and_other_runs_have_others() -> None:
    redactor = Redactor(KEY, ["correct-horse"])
    tag = str(redactor.mask_value("correct-horse"))
    assert redactor.mask_text(f"correct-horse {base64_of('correct-horse')}") == f"{tag} {tag}"
    assert Redactor(b"another key").mask_value("correct-horse") != redactor.mask_value("correct-horse")
    assert redactor.mask_value("correct-horsf") != redactor.mask_value("correct-horse")


def test_a_tag_has_the_same_length_for_every_value() -> None:
    redactor = Redactor(KEY)
    assert len({len(str(redactor.mask_value("x" * length))) for length in (0, 1, 10, 1000)}) == 1


def test_values_that_are_no_text_have_tags_too() -> None:
    redactor = Redactor(KEY)
    assert redactor.mask_value({"b": 1, "a": [True]}) == redactor.mask_value({"a": [True], "b": 1})
    assert redactor.mask_value(1) != redactor.mask_value(2)


def test_more_values_can_be_added_and_tags_stay() -> None:
    first = Redactor(KEY, ["one-secret"], public=["public-word"])
    second = first.with_values(["two-secret", "public-word"])
    assert second.mask_text("one-secret two-secret public-word").endswith("public-word")
    assert second.mask_value("one-secret") == first.mask_value("one-secret")
    assert first.mask_text("two-secret") == "two-secret"


@pytest.mark.parametrize("value", ["secret", "secret:", "\u2039secret:", "deadbeef", "\u2039secret:deadbeef\u203a"])
def test_a_value_that_looks_like_a_marker_does_not_break_the_markers(value: str) -> None:
    redactor = Redactor(KEY, [value])
    once = redactor.mask_text(f"a {value} b")
    assert once == f"a {redactor.mask_value(value)} b"
    assert redactor.mask_text(once) == once


def test_a_marker_in_foreign_text_does_not_hide_a_value() -> None:
    masked = Redactor(KEY, ["deadbeef"]).mask_text("\u2039secret:deadbeef\u203a")
    assert "deadbeef" not in masked


def test_the_lines_of_a_key_are_masked_one_by_one_and_its_frame_stays_readable() -> None:
    lines = ["MIIEvQIBADANBgkqhkiG9w0BAQEFAASC", "BKcwggSjAgEAAoIBAQC7VJTUt9Us8cKj"]
    pem = "\n".join(["-----BEGIN PRIVATE KEY-----", *lines, "-----END PRIVATE KEY-----", ""])
    masked = Redactor(KEY, [pem]).mask_text(f"| -----BEGIN PRIVATE KEY-----\n| {lines[0]}\n| {lines[1]}")
    assert "BEGIN PRIVATE KEY" in masked
    assert not [line for line in lines if line in masked]


def test_the_words_of_a_config_file_in_a_secret_do_not_blind_the_reader() -> None:
    kubeconfig = "apiVersion: v1\nkind: Config\nusers:\n- name: me\n"
    assert Redactor(KEY, [kubeconfig]).mask_text("apiVersion: v1\nkind: Service") == "apiVersion: v1\nkind: Service"


def test_bytes_that_are_no_text_are_found_as_base64_and_hex() -> None:
    content = bytes(range(200, 240))
    body = {"kind": "Secret", "data": {"keystore": base64.b64encode(content).decode()}}
    masked = Redactor(KEY, secret_values_of(body)).mask_text(f"{base64.b64encode(content).decode()} {content.hex()}")
    assert re.fullmatch(f"{TAG.pattern} {TAG.pattern}", masked)


@given(cut=st.integers(16, 200), encode=st.sampled_from([str, base64_of]))
def test_a_token_that_was_cut_off_is_masked_as_far_as_it_goes(cut: int, encode) -> None:  # type: ignore[no-untyped-def]
    token = "eyJhbGciOiJSUzI1NiIsImtpZCI6InRlc3QifQ." + "".join(f"{n:x}zQ" for n in range(60))
    redactor = Redactor(KEY, [token])
    assert TAG.sub("", redactor.mask_text(f"invalid bearer {encode(token)[:cut]} (cut)")) == "invalid bearer  (cut)"


def test_the_beginning_of_a_url_or_of_a_document_is_no_secret() -> None:
    values = ["https://hooks.example.com/services/T0000/B0000/XXXX", "apiVersion: v1\nkind: Config\nusers: []\n"]
    text = "https://hooks.example.com/ and apiVersion: v1\nkind: ConfigMap"
    assert Redactor(KEY, values).mask_text(text) == text


@given(secret_text)
def test_a_value_is_found_after_the_text_around_it_was_made_harmless(value: str) -> None:
    redactor = Redactor(KEY, [value])
    assert TAG.search(redactor.mask_text(clean_line(f"says {value}")))
    assert TAG.search(redactor.mask_text(clean_text(f"says {value}")))


def test_all_values_of_a_secret_are_collected() -> None:
    earlier = {"kind": "Secret", "data": {"old": base64_of("old-password")}, "stringData": {"also": "older-password"}}
    body = {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"annotations": {LAST_APPLIED: json.dumps(earlier)}},
        "data": {
            "password": base64_of("hunter2-hunter2\n"),
            "broken": "%% no base64 %%",
            "empty": None,
            "number": 123456,
        },
        "stringData": {"plain": "plain-password"},
    }
    values = set(secret_values_of(body))
    assert values >= {
        "hunter2-hunter2\n",
        "hunter2-hunter2",
        base64_of("hunter2-hunter2\n"),
        "%% no base64 %%",
        "123456",
        "plain-password",
        "old-password",
        "older-password",
    }


def test_the_passwords_of_a_registry_login_are_collected_but_not_the_registry() -> None:
    login = {
        "auths": {"ghcr.io": {"username": "deployer", "password": "p4ssword!", "auth": base64_of("deployer:p4ssword!")}}
    }
    body = {"kind": "Secret", "data": {".dockerconfigjson": base64_of(json.dumps(login))}}
    redactor = Redactor(KEY, secret_values_of(body))
    assert redactor.mask_text("image: ghcr.io/shop/web:1 for deployer") == "image: ghcr.io/shop/web:1 for deployer"
    assert "p4ssword" not in redactor.mask_text(f"401 for deployer:p4ssword! {base64_of('deployer:p4ssword!')}")


@pytest.mark.parametrize(
    "body",
    [
        {"kind": "ConfigMap", "data": {"a": "hunter2-hunter2"}},
        {"kind": "Secret"},
        {"kind": "Secret", "data": None, "metadata": None},
        {"kind": "Secret", "data": ["no", "mapping"], "metadata": {"annotations": []}},
        {"kind": "Secret", "metadata": {"annotations": {LAST_APPLIED: "{ no json"}}},
        {"kind": "Secret", "metadata": {"annotations": {LAST_APPLIED: "[" * 100_000}}},
        {},
    ],
)
def test_objects_without_secret_values_give_none(body: dict[str, object]) -> None:
    assert list(secret_values_of(body)) == []


@given(st.text(max_size=30))
def test_any_text_can_be_a_value(value: str) -> None:
    redactor = Redactor(KEY, [value])
    redactor.mask_text(html.escape(value) + value)
    assert redactor.mask_value(value).tag


def test_a_problem_is_masked_and_names_no_object_whose_name_is_a_secret() -> None:
    redactor = Redactor(KEY, ["hunter2-hunter2"])
    named = ObjectRef("", "Secret", "shop", "hunter2-hunter2")
    told = redactor.mask_problem(
        Problem(Code.APPLY_FAILED, "hunter2-hunter2 is wrong", ref=named, hint="hunter2-hunter2")
    )
    assert "hunter2" not in f"{told}"
    assert told.ref is None
    plain = Problem(Code.APPLY_FAILED, "no", ref=ObjectRef("", "Secret", "shop", "web"))
    assert redactor.mask_problem(plain) == plain


def test_a_megabyte_is_masked_for_a_thousand_values_in_seconds() -> None:
    values = [f"{number:08x}-{number * 7919:08x}" for number in range(1000)]
    text = "        image: registry.example.com/shop/web:1.2.3\n" * 20_000 + values[500]
    redactor = Redactor(KEY, values)
    started = time.perf_counter()
    assert redactor.mask_text(text).endswith(str(redactor.mask_value(values[500])))
    assert time.perf_counter() - started < 5
