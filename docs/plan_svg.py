"""Draw docs/plan.svg: the plan of the demo, as a terminal shows it.

It is the real output of a real plan, made in a fresh copy of the demo. Only
whole blocks are left out, and the picture says how many. To draw it again:
.venv/bin/python docs/plan_svg.py
"""
# ruff: noqa: INP001 (a script, no package)

import re
import shutil
import tempfile
from contextlib import chdir
from html import escape
from pathlib import Path

from reconciler import workflow
from reconciler.target.session import connect
from reconciler.target.settings import load_targets
from reconciler.views.text import plan_text

ROOT = Path(__file__).parents[1]
PICTURE = ROOT / "docs" / "plan.svg"
COLUMNS = 92
SHOWN = (
    "user/barbara@",
    "user/alan@",
    "group/Finance",
    "group/Operations",
    "user/charles@",
    "group/Spring",
)

CELL, ROW, MARGIN, BAR = 8.43, 20, 22, 38
CLASSES = {"32": "add", "33": "change", "31": "remove", "1": "strong", "2": "dim", "1;31": "alarm"}
STYLE = """
  text { font: 14px ui-monospace, SFMono-Regular, Menlo, Consolas, "DejaVu Sans Mono", monospace;
         white-space: pre; fill: #1f2328 }
  .window { fill: #ffffff; stroke: #d1d9e0 } .bar { fill: #f6f8fa } .dot { fill: #d1d9e0 }
  .add { fill: #1a7f37 } .change { fill: #9a6700 } .remove, .alarm { fill: #cf222e }
  .dim { fill: #6e7781 } .strong, .alarm { font-weight: 600 }
  @media (prefers-color-scheme: dark) {
    text { fill: #e6edf3 }
    .window { fill: #0d1117; stroke: #3d444d } .bar { fill: #161b22 } .dot { fill: #3d444d }
    .add { fill: #56d364 } .change { fill: #e3b341 } .remove, .alarm { fill: #ff7b72 }
    .dim { fill: #8d96a0 }
  }
"""


def demo_plan() -> str:
    """The coloured text of the demo's first plan."""
    with tempfile.TemporaryDirectory() as folder:
        ignored = shutil.ignore_patterns(".reconciler")
        shutil.copytree(ROOT / "desired-state", Path(folder) / "desired-state", ignore=ignored)
        with chdir(folder):
            (target,) = load_targets(Path("desired-state"), ["demo"])
            with connect(target) as session:
                plan = workflow.plan(target, session).plan
    return plan_text(plan, width=COLUMNS, color=True)


def shorten(text: str) -> list[str]:
    """The rows of the plan with some of its changes, and before the last row how many are left out."""
    *blocks, effort = text.rstrip("\n").split("\n\n")
    kept = [block for block in blocks if is_shown(re.sub(r"\x1b\[[0-9;]*m", "", block))]
    note = f"\x1b[2m... and {len(blocks) - len(kept)} more changes, left out of this picture\x1b[0m"
    return "\n\n".join([*kept, note, effort]).split("\n")


def is_shown(block: str) -> bool:
    """Whether a block is one of the chosen changes, or no change at all."""
    return block[:2] not in ("+ ", "~ ", "- ") or block[2:].startswith(SHOWN)


def row_svg(row: str, y: float) -> str:
    """One row of text as SVG."""
    parts = re.split(r"\x1b\[([0-9;]*)m", row)
    spans = [escape(parts[0])]
    for code, text in zip(parts[1::2], parts[2::2], strict=True):
        css = CLASSES.get(code)
        spans.append(f'<tspan class="{css}">{escape(text)}</tspan>' if css else escape(text))
    return f'<text x="{MARGIN}" y="{y}" xml:space="preserve">{"".join(spans)}</text>'


def draw(rows: list[str]) -> str:
    """The whole picture."""
    width = round(COLUMNS * CELL + 2 * MARGIN)
    height = BAR + ROW * len(rows) + MARGIN
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" role="img">',
        "<title>The plan that make demo prints</title>",
        f"<style>{STYLE}</style>",
        f'<rect class="window" x="0.5" y="0.5" width="{width - 1}" height="{height - 1}" rx="9"/>',
        f'<path class="bar" d="M1 {BAR - 8}V10a9 9 0 0 1 9-9H{width - 10}a9 9 0 0 1 9 9V{BAR - 8}z"/>',
        *(f'<circle class="dot" cx="{x}" cy="{(BAR - 8) / 2}" r="5"/>' for x in (20, 38, 56)),
    ]
    lines += [row_svg(row, BAR + ROW * (number + 0.8)) for number, row in enumerate(rows) if row]
    return "\n".join([*lines, "</svg>", ""])


if __name__ == "__main__":
    command = "\x1b[2m$\x1b[0m \x1b[1mreconciler plan demo\x1b[0m"
    PICTURE.write_text(draw([command, "", *shorten(demo_plan())]), encoding="utf-8")
