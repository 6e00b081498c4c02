"""What reaches a screen, a CI log and a pipe: nothing moves a cursor, runs a command, or changes how a run ends."""

from __future__ import annotations

import json
import os
import pty
import re
import select
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import cycle

import pytest

from gitops_push.documents.reader import read_one
from gitops_push.documents.scalars import Dialect
from tests.controlplane.cluster import ControlPlane
from tests.controlplane.kubectl import Kubectl
from tests.e2e.judging import writes_since
from tests.e2e.program import PYTHON, Finished, Program, config, config_map, deployment

CI = {"CI": "true", "GITHUB_ACTIONS": "true", "TERM": "xterm-256color"}
CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2066-\u2069]")
RUNNER_COMMAND = re.compile(r"^\s*::[\w-]+.*?::|##\[[\w-]+|##vso\[", re.MULTILINE)
"""What GitHub's and Azure's runners take for a command."""

HOSTILE = {
    "mask": "::add-mask::x",
    "spaced": "  ::stop-commands::x",
    "group": "##[error]deployed",
    "azure": "##vso[task.setvariable variable=x]y",
    "color": "\x1b[31mred\x1b[2K\x1b[1A",
    "title": "\x1b]0;title\x07",
    "bidi": "user\u202e\u2066nimda\u2069",
    "hidden": "ze\u200bro\ufeff",
    "return": "fine\r::error::not fine",
    "lines": "one\n::error file=a::two\n##[warning]three\n\x1b[31mfour\n",
    "separator": "one\u2028::error::two",
    "escape": "\x9b31m\x08\x7f",
}


def assert_harmless(text: str) -> None:
    found = CONTROL.search(text) or RUNNER_COMMAND.search(text)
    assert found is None, f"{found[0]!r} in:\n{text!r}"


def hostile_manifest(suffix: str) -> str:
    """JSON is YAML: every character is escaped. Server-side, annotations and data take any text."""
    values = {key: value + suffix for key, value in HOSTILE.items()}
    body = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "hostile"}, "data": values}
    body["metadata"]["annotations"] = {f"example.com/{key}": value for key, value in values.items()}  # type: ignore[index]
    return json.dumps(body)


HOSTILE_FILES = ("app/::error::x.yaml", "app/##[error]x.yaml", "app/\x1b[31mred\u202e.yaml", "app/a\n::error::b.yaml")


@pytest.fixture
def hostile(program: Program) -> Program:
    """A deployed set of hostile texts in hostile files, and a change to all of them."""
    program.write("app/hostile.yaml", hostile_manifest(""))
    for number, path in enumerate(HOSTILE_FILES):
        program.write(path, config_map(f"in-file-{number}"))
    program.commit("::error::a commit")
    done = program.having(**CI)("apply", "test", "--yes")
    assert done.code == 0, done
    assert_harmless(done.out + done.err)
    program.write("app/hostile.yaml", hostile_manifest(" changed"))
    for number, path in enumerate(HOSTILE_FILES):
        program.write(path, config_map(f"in-file-{number}", "2"))
    return program.having(**CI)


def test_every_character_arrives_in_the_cluster_as_it_was_written(
    hostile: Program, kubectl: Kubectl, namespace: str
) -> None:
    """The server reads what is sent as YAML, where raw line separators become spaces and control characters fail."""
    live = kubectl.get("configmap", "hostile", "-n", namespace)
    assert live["data"] == HOSTILE
    assert {f"example.com/{key}": value for key, value in HOSTILE.items()}.items() <= live["metadata"][
        "annotations"
    ].items()
    assert hostile("apply", "test", "--yes").code == 0
    assert hostile("diff", "test", "--exit-code").code == 0


@pytest.mark.parametrize("command", ["diff", "drift"])
def test_hostile_texts_of_the_config_and_the_cluster_are_shown_harmless(hostile: Program, command: str) -> None:
    done = hostile(command, "test", "--verbose")
    assert done.code == 0, done
    assert "add-mask" in done.out
    assert "\\x1b[31m" in done.out
    assert_harmless(done.out + done.err)


@pytest.mark.parametrize("command", ["diff", "drift", "status", "validate"])
def test_hostile_texts_keep_json_and_yaml_in_one_piece(hostile: Program, command: str) -> None:
    as_json = hostile(command, "test", "-o", "json")
    assert_harmless(as_json.out + as_json.err)
    as_yaml = hostile(command, "test", "-o", "yaml")
    assert_harmless(as_yaml.out + as_yaml.err)
    document = read_one(as_yaml.out.encode(), "out", Dialect.KUBECTL).value
    assert isinstance(document, dict)
    assert (as_json.json["exitCode"], document["exitCode"]) == (0, 0)
    if command == "diff":
        (change,) = (c for c in as_json.json["changes"] if c["name"] == "hostile")
        after = {field["path"]: field["after"] for field in change["fields"] if field["path"].startswith("data.")}
        assert after == {f"data.{key}": f"{value} changed" for key, value in HOSTILE.items()}


MISTAKES = {
    "a label that the server refuses": config_map("x").replace(
        "{name: x}", '{name: x, labels: {a: "##[error]\\e[31mx"}}'
    ),
    "a misspelt field": config_map("x") + '"::error::x": 1\n',
    "a kind that is none": config_map("x").replace("ConfigMap", '"##[error]x"'),
    "an object of an unknown kind": config_map("x").replace("v1", "example.com/v1"),
    "a name that is none": config_map("'::error::x'"),
    "broken YAML": "a: [\n::error::x: ##[error]\n",
}


@pytest.mark.parametrize(("mistake", "path"), list(zip(MISTAKES, cycle(HOSTILE_FILES), strict=False)))
def test_errors_about_hostile_texts_are_harmless(program: Program, mistake: str, path: str) -> None:
    program.write(path, MISTAKES[mistake])
    for flags in ((), ("-o", "json")):
        done = program.having(**CI)("diff", "test", *flags)
        assert done.code in {12, 14}, done
        assert_harmless(done.out + done.err)


@pytest.mark.parametrize(
    "command", [("diff", "test"), ("apply", "test", "--yes"), ("drift", "test"), ("status", "test")]
)
def test_a_ci_log_gets_plain_lines(program: Program, command: tuple[str, ...]) -> None:
    done = program.having(**CI)(*command)
    assert done.code == 0, done
    assert_harmless(done.out + done.err)


def test_colours_are_given_when_asked_for_and_never_in_documents(program: Program) -> None:
    assert "\x1b[" in program("diff", "test", "--color", "always").out
    assert "\x1b[" in program.having(FORCE_COLOR="1")("diff", "test").out
    assert "\x1b[" not in program.having(FORCE_COLOR="1", NO_COLOR="1")("diff", "test").out
    assert "\x1b[" not in program.having(FORCE_COLOR="1")("diff", "test", "--color", "never").out
    for name in ("json", "yaml", "name"):
        assert "\x1b" not in program("diff", "test", "--color", "always", "-o", name).out


@pytest.mark.parametrize("closed", ["stdout", "stderr", "both"])
def test_a_reader_that_goes_away_changes_neither_the_exit_code_nor_the_deploy(
    program: Program, kubectl: Kubectl, namespace: str, closed: str
) -> None:
    program.write("app/settings.yaml", "---\n".join(config_map(f"settings-{number}") for number in range(60)))
    assert run_without_reader(program, closed, "diff", "test", "--exit-code") == 3
    assert run_without_reader(program, closed, "diff", "test", "--exit-code", "-o", "json") == 3
    assert run_without_reader(program, closed, "build", "test") == 0
    assert run_without_reader(program, closed, "apply", "test", "--yes") == 0
    assert kubectl("get", "configmap", "settings-59", "-n", namespace, "-o", "name")
    assert run_without_reader(program, closed, "apply", "tset", "--yes") == 10


def run_without_reader(program: Program, closed: str, *arguments: str) -> int:
    """Return the exit code of a run whose output goes into a pipe that nobody reads any more."""
    reader, writer = os.pipe()
    os.close(reader)
    try:
        done = subprocess.run(
            [*PYTHON, *arguments],
            cwd=program.folder,
            env=program.full_environ,
            stdin=subprocess.DEVNULL,
            stdout=writer if closed in {"stdout", "both"} else subprocess.DEVNULL,
            stderr=writer if closed in {"stderr", "both"} else subprocess.DEVNULL,
            timeout=60,
            check=False,
        )
    finally:
        os.close(writer)
    return done.returncode


@dataclass
class Terminal:
    """A run of the program at a terminal: what it shows, and what is typed."""

    process: subprocess.Popen[bytes]
    screen: int
    shown: str = field(default="")

    def wait_for(self, text: str, seconds: float = 60) -> None:
        """Read until the text is shown."""
        deadline = time.monotonic() + seconds
        while text not in self.shown:
            assert time.monotonic() < deadline, self.shown
            if not self._read():
                raise AssertionError(f"it ended without showing {text!r}:\n{self.shown}")

    def type(self, text: str) -> None:
        os.write(self.screen, text.encode())

    def end(self) -> Finished:
        """Read to the end; everything is on one screen."""
        while self._read():
            pass
        return Finished(self.process.wait(timeout=60), self.shown, "")

    def _read(self) -> bool:
        ready, _, _ = select.select([self.screen], [], [], 1)
        if not ready:
            return True
        try:
            data = os.read(self.screen, 65536)
        except OSError:  # the last process left the terminal
            return False
        self.shown += data.decode("utf-8", "replace")
        return bool(data)


@contextmanager
def at_a_terminal(program: Program, *arguments: str) -> Iterator[Terminal]:
    screen, inside = pty.openpty()
    process = subprocess.Popen(
        [*PYTHON, *arguments],
        cwd=program.folder,
        env={"TERM": "xterm", **program.full_environ},
        stdin=inside,
        stdout=inside,
        stderr=inside,
        start_new_session=True,
    )
    os.close(inside)
    try:
        yield Terminal(process, screen)
    finally:
        process.kill()
        process.wait()
        os.close(screen)


def test_at_a_terminal_the_plan_is_shown_and_no_writes_nothing(
    program: Program, own_control_plane: ControlPlane
) -> None:
    mark = own_control_plane.audit_mark()
    for answer in ("n\n", "\n", "yesterday\n", "\x04"):
        with at_a_terminal(program, "apply", "test") as terminal:
            terminal.wait_for("[y/N]")
            assert "create" in terminal.shown
            assert "settings" in terminal.shown
            terminal.type(answer)
            done = terminal.end()
        assert done.code == 130, done
        assert "nothing was written" in done.out
    assert not writes_since(own_control_plane, mark)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_at_the_question_ends_without_a_write(
    program: Program, own_control_plane: ControlPlane, number: signal.Signals
) -> None:
    mark = own_control_plane.audit_mark()
    with at_a_terminal(program, "apply", "test") as terminal:
        terminal.wait_for("[y/N]")
        terminal.process.send_signal(number)
        done = terminal.end()
    assert done.code == 128 + number, done
    assert not writes_since(own_control_plane, mark)


def test_at_a_terminal_yes_applies_in_colour_and_a_second_run_does_not_ask(
    program: Program, kubectl: Kubectl, namespace: str
) -> None:
    with at_a_terminal(program, "apply", "test") as terminal:
        terminal.wait_for("[y/N]")
        terminal.type("y\n")
        done = terminal.end()
    assert done.code == 0, done
    assert "DEPLOYED test" in done.out
    assert "\x1b[" in done.out
    assert kubectl("get", "configmap", "settings", "-n", namespace, "-o", "name")
    with at_a_terminal(program, "apply", "test") as terminal:
        again = terminal.end()
    assert again.code == 0, again
    assert "[y/N]" not in again.out


def test_no_color_is_honoured_at_a_terminal(program: Program) -> None:
    with at_a_terminal(program.having(NO_COLOR="1"), "diff", "test") as terminal:
        done = terminal.end()
    assert done.code == 0, done
    assert not re.search(r"\x1b\[[0-9;]*m", done.out), done.out


def test_a_ci_job_with_a_terminal_is_never_asked(program: Program) -> None:
    """Some runners give a job a pseudo-terminal."""
    with at_a_terminal(program.having(**CI), "apply", "test") as terminal:
        done = terminal.end()
    assert done.code == 2, done
    assert_harmless(done.out.replace("\r\n", "\n"))


def test_a_hostile_name_of_the_repository_and_of_the_path_is_harmless(program: Program, namespace: str) -> None:
    program.write("gitops-push.yaml", config(namespace).replace("project:", 'project: "##[error]x" #'))
    program.write("web/web.yaml", deployment("web"))
    for arguments in (
        ("diff", "test"),
        ("diff", "##[error]x"),
        ("diff", "::error::x"),
        ("diff", "\x1b[31m"),
        ("##[x]",),
    ):
        done = program.having(**CI)(*arguments)
        assert done.code in {2, 10}, done
        assert_harmless(done.out + done.err)
