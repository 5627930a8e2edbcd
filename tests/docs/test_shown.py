"""What the book shows is what happens: its files are written, its commands are run, and the outputs compared.

A page is a story. ``<!-- scene: NAME -->`` begins one in an empty folder, with
what ``scenes/NAME.yaml`` says: ``live`` is what the pretend Omni holds, ``files``
is there already, ``git`` puts it under version control, and ``run`` is what was
done before. From there on a block of YAML or Python whose first line names a file writes
that file, and a block of ``console`` runs each line behind a ``$``. A line
``...`` stands for any lines.

``<!-- by hand: {...} -->`` is what somebody does at Omni's own pages.
``<!-- down: now -->`` or ``after N`` (writes) has Omni fail, until ``over``.
Nobody waits.

``UPDATE_GOLDEN=1 .venv/bin/python -m pytest tests/docs/test_shown.py`` writes the
outputs anew; read the diff.
"""

import os
import re
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
import yaml
from book import PAGES, Fence, Note, parts, replaced
from stage import Stage, published

Said = tuple[str, str, str]
"""A command, the output that the book shows, and the one that came out."""


def steps(text: str) -> Iterator[tuple[str, str]]:
    """Each command of a block, and the output that is shown for it."""
    for step in re.split(r"^(?=\$ )", text, flags=re.MULTILINE):
        command, _, shown = step.partition("\n")
        if command.startswith("$ "):
            yield command[2:], shown.strip("\n")


def holds(shown: str, said: str) -> bool:
    """Whether an output is the one that is shown, where ``...`` stands for any lines but all."""
    if shown == "...":
        return False
    pattern = "".join(
        r"(?:.*\n)*?" if line.strip() == "..." else re.escape(line + "\n") for line in shown.split("\n")
    )
    return re.fullmatch(pattern, said + "\n") is not None


def is_shown(fence: Fence) -> bool:
    return fence.language == "console" and fence.text.startswith("$ ")


SHOWING = [page for page in PAGES if any(isinstance(part, Fence) and is_shown(part) for part in parts(page))]


@pytest.mark.parametrize("page", SHOWING, ids=lambda page: page.stem)
def test_what_is_shown_is_what_happens(page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with ExitStack() as cleanup:
        played = list(play(page, lambda scene: Stage(tmp_path / scene, scene, monkeypatch, cleanup)))
    different = [
        (fence, said) for fence, said in played if not all(holds(shown, out) for _, shown, out in said)
    ]
    for fence, said in reversed(different):
        if os.environ.get("UPDATE_GOLDEN"):
            replaced(page, fence, anew(said))
    assert [(fence.line, said) for fence, said in different] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_no_output_is_shown_that_no_command_makes(page: Path) -> None:
    fences = [part for part in parts(page) if isinstance(part, Fence)]
    assert {fence.language for fence in fences} <= {"console", "python", "sh", "text", "yaml"}
    assert [fence.line for fence in fences if fence.language == "console" and not is_shown(fence)] == []


def play(page: Path, begin: Callable[[str], Stage]) -> Iterator[tuple[Fence, list[Said]]]:
    """Do what a page tells, in order; yields each block that shows an output, with what was said."""
    stage = None
    for part in parts(page):
        match part:
            case Note("scene", name):
                stage = begin(name)
            case Note("by hand", text) if stage:
                stage.by_hand(**yaml.safe_load(text))
            case Note("down", text) if stage:
                stage.down(text)
            case Fence("yaml" | "python") if stage and part.path:
                stage.write(part.path, part.text)
            case Fence() if is_shown(part):
                assert stage, f"{page.name}:{part.line} shows an output, and no scene has begun"
                yield (
                    part,
                    [(command, shown, published(stage.run(command))) for command, shown in steps(part.text)],
                )


def anew(said: list[Said]) -> str:
    """A block with the outputs as they are; what is shown already, and holds, stays as it is cut."""
    blocks = []
    for command, shown, found in said:
        text = shown if holds(shown, found) else found
        blocks.append(f"$ {command}\n" + (f"{text}\n" if text else ""))
    return "".join(blocks)
