"""`diff --base REF`: two builds are compared, and neither a credential nor the network is touched."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.e2e.program import Finished, Program, config, config_map, new_program

GUARD = """
import sys
def forbid(event, arguments):
    if event in {"socket.connect", "socket.getaddrinfo", "socket.bind"}:
        raise SystemExit(f"the network was used: {event} {arguments}")
    if event == "open" and "kubeconfig" in str(arguments[0]).lower():
        raise SystemExit(f"a kubeconfig was read: {arguments[0]}")
sys.addaudithook(forbid)
sys.argv = ["gitops-push", *sys.argv[1:]]
from gitops_push.__main__ import main
main()
"""


@pytest.fixture
def program(tmp_path: Path) -> Program:
    """The program in a config repo with a commit, and a kubeconfig that nobody may read."""
    made = new_program(tmp_path / "repo", "no kubeconfig")
    made.write("gitops-push.yaml", config("shop"))
    made.write("app/settings.yaml", config_map("settings"))
    made.write("app/old.yaml", config_map("old"))
    made.commit()
    return made


def guarded(program: Program, *arguments: str) -> Finished:
    environ = {**program.full_environ, "KUBECONFIG": str(program.folder / "kubeconfig")}
    done = subprocess.run(
        [sys.executable, "-c", GUARD, *arguments],
        cwd=program.folder,
        env=environ,
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
        check=False,
    )
    return Finished(done.returncode, done.stdout, done.stderr)


def change(program: Program) -> None:
    program.write("app/settings.yaml", config_map("settings", "2"))
    program.write("app/new.yaml", config_map("new"))
    (program.folder / "app/old.yaml").unlink()


def test_the_guard_sees_a_request_and_a_kubeconfig(program: Program) -> None:
    kubeconfig = program.write("kubeconfig", "apiVersion: v1\n")
    assert "a kubeconfig was read" in guarded(program, "diff", "test", "--kubeconfig", str(kubeconfig)).err


def test_the_working_tree_is_compared_with_a_commit(program: Program) -> None:
    change(program)
    done = guarded(program, "diff", "test", "--base", "HEAD", "--exit-code")
    assert done.code == 3, done
    lines = done.out.splitlines()
    assert lines[1].startswith("compared with the build of HEAD (")
    assert lines[2:] == [
        "!  delete  v1/ConfigMap shop/old       no longer in the config",
        '~  update  v1/ConfigMap shop/settings  data.key "1" -> "2"',
        "+  create  v1/ConfigMap shop/new",
        "",
        "v1/ConfigMap shop/settings",
        '    data.key: "1" -> "2"',
        "        app/settings.yaml:4:13",
        "CHANGES test: 1 create, 1 update, 1 delete",
    ]


def test_the_same_build_is_told_in_a_word(program: Program) -> None:
    first = program.commit()
    program.write("README.md", "no manifest\n")
    program.commit()
    done = guarded(program, "diff", "test", "--base", first, "--exit-code")
    assert done.code == 0, done
    assert done.out.splitlines()[-1] == f"SAME test: 2 objects, built as at {first} ({first[:7]})"


def test_json_says_which_commit_and_what_changes(program: Program) -> None:
    first = program.commit()
    change(program)
    done = guarded(program, "diff", "test", "--base", "main", "-o", "json")
    document = done.json
    assert document["kind"] == "BuildDiff"
    assert document["base"] == {"ref": "main", "commit": first}
    assert document["counts"] == {"create": 1, "update": 1, "delete": 1}
    assert document["hasChanges"] is True
    (field,) = next(item for item in document["changes"] if item["name"] == "settings")["fields"]
    assert (field["path"], field["before"], field["after"]) == ("data.key", "1", "2")
    assert field["origin"]["file"] == "app/settings.yaml"


def test_environments_that_only_one_side_has_are_compared_with_nothing(program: Program) -> None:
    program.write("gitops-push.yaml", config("shop", environment="other").replace("directory: app", "directory: two"))
    program.write("two/settings.yaml", config_map("settings"))
    done = guarded(program, "diff", "--all", "--base", "HEAD", "-o", "json", "--exit-code")
    assert done.code == 3, done
    other, test = done.json["items"]
    assert (other["environment"], other["counts"]) == ("other", {"create": 1})
    assert (test["environment"], test["counts"]) == ("test", {"delete": 2})


def test_a_path_without_any_config_is_compared(program: Program) -> None:
    (program.folder / "gitops-push.yaml").unlink()
    program.commit()
    change(program)
    for place in ("./app", str(program.folder / "app")):
        done = guarded(program, "diff", place, "--base", "HEAD", "-o", "json")
        assert done.json["counts"] == {"create": 1, "update": 1, "delete": 1}, done


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (("test", "--base", "nowhere"), 10, "the commit nowhere is not in this clone"),
        (("nothing", "--base", "HEAD"), 10, "there is no environment 'nothing'"),
        (("test", "--base", "HEAD", "--no-dry-run"), 2, "no dry run to leave out"),
        (("--base", "HEAD"), 2, "name an environment"),
    ],
    ids=["commit", "environment", "flags", "no environment"],
)
def test_what_cannot_be_compared_is_an_error(
    program: Program, arguments: tuple[str, ...], code: int, words: str
) -> None:
    done = guarded(program, "diff", *arguments)
    assert done.code == code, done
    assert words in done.err
    assert "Traceback" not in done.err


def test_a_base_that_cannot_be_built_says_where_and_shows_no_line_of_this_checkout(program: Program) -> None:
    program.write("app/settings.yaml", "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: UPPER}\n")
    program.commit()
    program.write("app/settings.yaml", config_map("settings"))
    program.write("gitops-push.yaml", config("shop", environment="test"))
    done = guarded(program, "diff", "test", "--base", "HEAD")
    assert done.code == 12, done
    assert "at HEAD: app/settings.yaml:" in done.err
    assert "-->" not in done.err


def test_one_environment_that_fails_does_not_stop_the_others(program: Program) -> None:
    text = config("shop", more="  bad: {cluster: plane, namespace: shop, sources: [{directory: nowhere}]}\n")
    program.write("gitops-push.yaml", text)
    change(program)
    done = guarded(program, "diff", "--all", "--base", "HEAD", "--exit-code")
    assert done.code > 3, done
    assert "CHANGES test" in done.out
