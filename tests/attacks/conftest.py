"""What the stories start from."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from team import Team, working


@pytest.fixture
def team(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Team]:
    """A team on GitHub, whose members are ada, bob and carl; mallory can push, too."""
    with working(tmp_path, monkeypatch) as team:
        team.github.rights["mallory"] = "write"
        yield team
