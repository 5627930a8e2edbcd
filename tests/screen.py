"""What a person sees of the command, and types."""

import io
import re
import sys
from pathlib import Path

import pytest

Output = pytest.CaptureFixture[str]
RUN_NAME = re.compile(r"acme-\d{8}T\d{6}\.\d{6}Z")

PLAN = """\
Plan for acme: Cleo joins, bob@acme.com leaves, Ada Lovelace changes
(omni, https://acme.omniapp.co) against the embedded pretend system

1 removal
  - 1 user deactivated
Additions and updates
  + 1 user created
  + 1 membership added
  ~ 1 user updated
  ~ 1 group updated
  ~ 1 attribute value set

note: the system does not say whose key this is: name its owner under `protect.users`
note: 1 live user and 0 live groups are not in the files: kept

+ user/cleo@acme.com  create  desired-state/acme/people.yaml:6:3
    + name    Cleo
    + region  [emea]

~ user/ada@acme.com  update  desired-state/acme/people.yaml:2:3
    ~ name  Ada -> Ada Lovelace

~ group/Finance  add 1 member  desired-state/acme/people.yaml:11:3
    + cleo@acme.com

- user/bob@acme.com  deactivate  desired-state/acme/people.yaml:4:3
    - active  true -> false

4 writes, without waiting (the pace is 55 a minute); the reads before and after come on top
"""
"""What `reconciler plan` prints for the small project."""


class Terminal(io.StringIO):
    """A stream that says it is a terminal."""

    def isatty(self) -> bool:
        return True


def at_a_terminal(monkeypatch: pytest.MonkeyPatch, answer: str) -> Terminal:
    """Let a person sit there who types this; returns what they see on standard error."""
    screen = Terminal()
    monkeypatch.setattr(sys, "stdin", Terminal(answer))
    monkeypatch.setattr(sys, "stderr", screen)
    return screen


def plain(text: str) -> str:
    """Without what differs from run to run."""
    text = re.sub(r"plan [0-9a-f]{12}$", "plan DIGEST", text, flags=re.MULTILINE)
    return RUN_NAME.sub("acme-RUN", re.sub(r"in \d+ s", "in 0 s", text))


def files() -> list[str]:
    """What stands in the working directory."""
    return sorted(path.name for path in Path().iterdir())
