"""Who reviews what: the CODEOWNERS of a new repository.

Source for all of it: GitHub docs, "About code owners".
"""

import re
from importlib.resources import files
from pathlib import Path

PLACES = (".github/CODEOWNERS", "CODEOWNERS", "docs/CODEOWNERS")
"""Where it may lie in a repository: GitHub reads one file only, the first that exists."""
# A login, a team of an organization, an address.
_OWNER = re.compile(
    r"@[A-Za-z0-9][A-Za-z0-9_-]*(/[A-Za-z0-9][A-Za-z0-9._-]*)?"
    r"|[A-Za-z0-9._%+-]+@[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+"
)
_NOBODY = """\
# Nobody is named here yet, so nobody's review is asked for. Put your own people in the place of
# @acme/security, and remove the `# ` before each line with a path.
"""


def owners_of(text: str) -> str:
    """The owners as CODEOWNERS takes them; raises ValueError for one that GitHub would not know."""
    names = text.split()
    if not names or not all(_OWNER.fullmatch(name) for name in names):
        message = f"owners are @user, @org/team or an e-mail address, separated by blanks; not {text!r}"
        raise ValueError(message)
    return " ".join(names)


def owners_file(root: Path) -> Path:
    """The path of CODEOWNERS below ``root``, where it lies or is to lie."""
    paths = [Path(place) for place in PLACES]
    return next((path for path in paths if (root / path).exists()), paths[0])


def code_owners(owners: str) -> str:
    """The text of CODEOWNERS; without owners its lines are comments, and its top says what to replace."""
    text = (files("reconciler.starter") / "CODEOWNERS").read_text("utf-8")
    if owners:
        return text.replace("@OWNERS@", owners)
    lines = [f"# {line}" if "@OWNERS@" in line else line for line in text.splitlines()]
    return _NOBODY + "\n".join(lines).replace("@OWNERS@", "@acme/security") + "\n"
