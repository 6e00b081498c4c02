"""A config repo of many environments that share bases, components, values and folders, and random commits to it."""

from __future__ import annotations

import random
import shutil
import subprocess
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

STAGES: Final = ("dev", "stage", "prod")
CONFIG: Final = """\
version: 1
project: fleet
clusters:
  main: {}
environments:
  "{app}-{env}":
    match: apps/{app}/overlays/{env}
    cluster: main
    namespace: "{app}"
  shared:
    cluster: main
    namespace: shared
    sources: [{directory: shared, recursive: true}]
"""
SHARED_FILES: Final = ("team.env", "limits.env")
IDENTITY: Final = ("-c", "user.name=a", "-c", "user.email=a@example.com")
TAKEN_BACK: Final = 0.9


def config_map(name: str, value: object) -> str:
    return f"apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: {name}}}\ndata: {{value: '{value}'}}\n"


@dataclass(slots=True)
class Fleet:
    """A git repository in a folder, and the dice that change it."""

    folder: Path
    dice: random.Random
    apps: list[str] = field(default_factory=list)
    serial: int = 0
    _breaks: bool = False

    def make(self, apps: int) -> None:
        """Write and commit the repo: three environments an app, and one of a plain directory."""
        self.git("init", "-q", "-b", "main")
        self.write("gitops-push.yaml", CONFIG)
        for kind in ("metrics", "tracing"):
            self.write(
                f"components/{kind}/kustomization.yaml",
                f"apiVersion: kustomize.config.k8s.io/v1alpha1\nkind: Component\ncommonAnnotations: {{{kind}: 'on'}}\n",
            )
        for number in range(5):
            self.write(f"bases/base{number}/kustomization.yaml", "resources: [config.yaml]\n")
            self.write(f"bases/base{number}/config.yaml", config_map(f"base{number}", 0))
            self.write(f"shared/part{number % 2}/object{number}.yaml", config_map(f"object{number}", 0))
        for number in range(apps):
            self.add_app(f"app{number}")
        self.commit()

    def add_app(self, app: str) -> None:
        """Write the base of an app and its overlays."""
        self.apps.append(app)
        base = self.dice.randrange(5)
        self.write(
            f"apps/{app}/base/kustomization.yaml",
            f"resources: [own.yaml, ../../../bases/base{base}]\n"
            f"configMapGenerator: [{{name: files, files: [files/a.txt, files/b.txt]}}]\n",
        )
        self.write(f"apps/{app}/base/own.yaml", config_map("own", app))
        for name in ("a", "b"):
            self.write(f"apps/{app}/base/files/{name}.txt", f"{app}\n")
        for stage in STAGES:
            component = self.dice.choice(("metrics", "tracing"))
            envs = self.dice.choice(SHARED_FILES)
            place = f"apps/{app}/overlays/{stage}"
            self.write(f"{place}/{envs}", f"STAGE={stage}\n")
            self.write(
                f"{place}/kustomization.yaml",
                f"resources: [../../base]\ncomponents: [../../../../components/{component}]\n"
                f"patches: [{{path: patch.yaml}}]\nconfigMapGenerator: [{{name: env, envs: [{envs}]}}]\n",
            )
            self.write(f"{place}/patch.yaml", config_map("own", stage))
            self.write(f"{place}/notes.md", "not part of any build\n")

    def change(self) -> str:
        """Commit one random change, and return what it was; most of those that break something are taken back next."""
        self.serial += 1
        if self._breaks and self.dice.random() < TAKEN_BACK:
            self._breaks = False
            self.git(*IDENTITY, "revert", "--no-edit", "HEAD")
            return "take back"
        edits = (self._edit, self._edit, self._edit, self._add)
        breaking = (self._delete, self._rename, self._link)
        chosen = self.dice.choice((*edits, *breaking))
        self._breaks = chosen in breaking
        said = chosen()
        self.commit()
        return said

    def _edit(self) -> str:
        path = self.dice.choice(self.files())
        if path == "gitops-push.yaml":
            text = (self.folder / path).read_text()
            other = "fleet" if "other" in text else "other"
            self.write(path, text.replace(f"project: {'other' if other == 'fleet' else 'fleet'}", f"project: {other}"))
        elif path.endswith("kustomization.yaml"):
            self.append(path, f"commonLabels: {{serial: s{self.serial}}}\n", once="commonLabels")
        elif path.endswith(".yaml"):
            self.write(
                path, (self.folder / path).read_text().rpartition("data:")[0] + f"data: {{value: '{self.serial}'}}\n"
            )
        else:
            self.append(path, f"N{self.serial}=1\n")
        return f"edit {path}"

    def _add(self) -> str:
        folder = str(Path(self.dice.choice(self.files())).parent)
        path = self.dice.choice(
            (f"{folder}/new{self.serial}.yaml", f"shared/deep{self.serial}/new.yaml", "apps/README.md")
        )
        if self.dice.random() < 0.1:
            self.add_app(f"late{self.serial}")
            return f"add an app late{self.serial}"
        self.write(path, config_map(f"new{self.serial}", 1))
        return f"add {path}"

    def _delete(self) -> str:
        path = self.dice.choice([path for path in self.files() if path != "gitops-push.yaml"])
        (self.folder / path).unlink()
        return f"delete {path}"

    def _rename(self) -> str:
        path = self.dice.choice([path for path in self.files() if path.startswith(("apps/", "shared/"))])
        to = f"{path}.{self.serial}.yaml"
        (self.folder / path).rename(self.folder / to)
        kustomization = (self.folder / path).parent / "kustomization.yaml"
        if kustomization.is_file() and self.dice.random() < 0.7:
            kustomization.write_text(kustomization.read_text().replace(Path(path).name, Path(to).name))
        return f"rename {path}"

    def _link(self) -> str:
        """Put a link in the place of a directory or a file, to a copy that has another content now or later."""
        path = self.dice.choice([path for path in self.files() if path.startswith("bases/")])
        place = self.folder / path
        if place.is_symlink():
            return self._edit()
        target = self.folder / f"copies/copy{self.serial}{place.suffix}"
        target.parent.mkdir(exist_ok=True)
        shutil.copyfile(place, target)
        place.unlink()
        place.symlink_to(Path("../" * path.count("/")) / "copies" / target.name)
        return f"link {path}"

    def files(self) -> list[str]:
        return self.git("ls-files").split()

    def write(self, path: str, text: str) -> None:
        place = self.folder / path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(text)

    def append(self, path: str, text: str, once: str = "") -> None:
        old = (self.folder / path).read_text()
        kept = "".join(line for line in old.splitlines(keepends=True) if not once or not line.startswith(once))
        self.write(path, kept + text)

    def commit(self) -> None:
        self.git("add", "-A")
        self.git(*IDENTITY, "commit", "-q", "--allow-empty", "-m", "change")

    def git(self, *arguments: str) -> str:
        done = subprocess.run(["git", *arguments], cwd=self.folder, capture_output=True, text=True, check=True)
        return done.stdout
