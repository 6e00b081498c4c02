"""Draws docs/images/demo.svg from a real run: `python -m tests.picture`, by hand when the output has changed."""

from __future__ import annotations

import io
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

from rich.console import Console
from rich.terminal_theme import TerminalTheme
from rich.text import Text

from tests.controlplane.cluster import open_control_plane
from tests.controlplane.kubectl import make_kubectl
from tests.demo import VARIABLE, make_checkout

PICTURE = Path(__file__).parents[1] / "docs" / "images" / "demo.svg"
WIDTH = 132
_HUES = [(240, 113, 120), (149, 206, 124), (235, 203, 119), (97, 175, 239), (198, 120, 221), (86, 182, 194)]
_DARK, _LIGHT = (24, 27, 33), (214, 217, 224)
THEME = TerminalTheme(_DARK, _LIGHT, [_DARK, *_HUES, _LIGHT], [(92, 99, 112), *_HUES, (255, 255, 255)])
STORY = (
    "gitops-push apply prod --yes -q",
    "kubectl -n production set image deployment my-app my-app=registry.example.com/my-app:1.4.1-hotfix",
    "gitops-push drift prod",
    "gitops-push diff prod",
)
SVG = """<svg class="rich-terminal" viewBox="0 0 {width} {height}" xmlns="http://www.w3.org/2000/svg" role="img"
 aria-label="gitops-push apply, an edit by hand, the drift report, and the plan that puts it right">
<style>
.{unique_id}-matrix {{ font-family: ui-monospace, "DejaVu Sans Mono", Menlo, Consolas, monospace;
 font-size: {char_height}px; line-height: {line_height}px; font-variant-east-asian: full-width; }}
.{unique_id}-title {{ font-size: 18px; font-weight: bold; font-family: sans-serif; }}
{styles}
</style>
<defs><clipPath id="{unique_id}-clip-terminal"><rect x="0" y="0" width="{terminal_width}" height="{terminal_height}" />
</clipPath>{lines}</defs>
{chrome}
<g transform="translate({terminal_x}, {terminal_y})" clip-path="url(#{unique_id}-clip-terminal)">
{backgrounds}
<g class="{unique_id}-matrix">{matrix}</g>
</g>
</svg>
"""


def main() -> int:
    """Run the story on a fresh control plane and draw what it printed."""
    console = Console(record=True, width=WIDTH, file=io.StringIO())
    with tempfile.TemporaryDirectory() as folder, open_control_plane(os.environ) as plane:
        checkout = make_checkout(Path(folder))
        environ = {"PATH": os.environ["PATH"], "HOME": folder, "FORCE_COLOR": "1", VARIABLE: plane.kubeconfig}
        for command in STORY:
            program, *arguments = command.split()
            if program == "kubectl":
                printed = make_kubectl(Path(folder), plane.kubeconfig)(*arguments)
            else:
                whole = [sys.executable, "-m", "gitops_push", *arguments]
                done = subprocess.run(whole, cwd=checkout, env=environ, capture_output=True, text=True, check=True)
                printed = done.stdout
            console.print(Text(f"$ {command}", style="bold"))
            console.print(Text.from_ansi(printed.rstrip()))
            console.print()
    PICTURE.parent.mkdir(parents=True, exist_ok=True)
    svg = console.export_svg(title="gitops-push", theme=THEME, code_format=SVG, unique_id="demo")
    PICTURE.write_text(re.sub(r"[ \t]+$", "", svg, flags=re.MULTILINE))
    return 0


if __name__ == "__main__":
    sys.exit(main())
