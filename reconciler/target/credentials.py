"""The credentials that target.yaml refers to, fetched from the environment, from .env or from files."""

import errno
import os
import stat
from collections.abc import Mapping
from io import StringIO
from pathlib import Path

from dotenv import dotenv_values

from reconciler.errors import Invalid, Place, Problem
from reconciler.links import left_through_link
from reconciler.target.settings import Target
from reconciler.transport.auth import Secret
from reconciler.transport.hosts import Door

_LARGEST = 64 * 1024
"""The most characters that are read of a key file or of .env."""


def environment(folder: Path) -> dict[str, str]:
    """The process's environment; ``.env`` wins over it. Raises as ``dot_env``."""
    return {**os.environ, **dot_env(folder)}


def dot_env(folder: Path) -> dict[str, str]:
    """The variables that the ``.env`` of a folder sets; an empty value sets nothing.

    Where ``CI`` is set the file is not read, since a pull request can write it.
    Raises Invalid where it cannot be read, or is no regular file.
    """
    path = folder / ".env"
    if _in_ci() or not path.exists():
        return {}
    values = dotenv_values(stream=StringIO(_read(path, Place(str(path)), str(path))), interpolate=False)
    return {key: value for key, value in values.items() if value and value.strip()}


def _in_ci() -> bool:
    return bool(os.environ.get("CI"))


def key_names(target: Target) -> list[str]:
    """The variable or the path of each secret: what binds it to a host goes by that."""
    return [_name(reference) for one in target.credentials for reference in one.secrets.values()]


def doors(target: Target, root: str) -> list[Door]:
    """Where its secrets go: to the API root, or to the host that gives tokens for them.

    A token goes to the API root by the name of the id that it was asked for with.
    """
    found = []
    for one in target.credentials:
        names = {part: _name(reference) for part, reference in one.secrets.items()}
        if one.grant is None:
            found.append(Door(root, tuple(names.values())))
        else:
            found += [Door(root, (names["id"],)), Door(one.grant.url, tuple(names.values()))]
    return found


def _name(reference: Mapping[str, str]) -> str:
    return reference.get("env") or str(Path(reference["file"]).absolute())


def resolve(target: Target, environ: Mapping[str, str]) -> list[dict[str, Secret]]:
    """Fetch the credentials that target.yaml refers to: the secrets of each, by their parts.

    Raises Invalid where one is missing, or is there twice.
    """
    found = [
        {part: _resolve(target, reference, environ) for part, reference in one.secrets.items()}
        for one in target.credentials
    ]
    if len({tuple(secret.reveal() for secret in one.values()) for one in found}) < len(found):
        message = "two of the keys are the same key"
        raise Invalid([Problem(target.place, message, "make another key, or leave one out")])
    return found


def _resolve(target: Target, reference: Mapping[str, str], environ: Mapping[str, str]) -> Secret:
    if name := reference.get("env"):
        value = environ.get(name, "")
        origin = f"the environment variable {name}"
        hint = f"export {name}=..., or write it into .env, which git must ignore"
        if _in_ci():
            hint = "give it to this step of the job, from its secrets"
    else:
        path = Path(reference["file"])
        origin, hint = f"the key file {path}", "write the key into it"
        if what := left_through_link(path):
            message = f"{origin} leads out of the {what}, through a link"
            raise Invalid([Problem(target.place, message, "name the file that it leads to")])
        value = _read(path, target.place, origin)
    if not value.strip():
        raise Invalid([Problem(target.place, f"{origin} is not set, or is empty", hint)])
    try:
        return Secret(value.strip(), origin)
    except ValueError as error:
        raise Invalid([Problem(target.place, str(error))]) from None


def _read(path: Path, place: Place, name: str) -> str:
    """The text of a small file; raises Invalid at ``place``, where ``name`` cannot be read."""
    try:
        with open(path, encoding="utf-8-sig", opener=_regular) as file:
            return file.read(_LARGEST)
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8 text"
        hint = "check that it is there and that you may read it"
        raise Invalid([Problem(place, f"{name} cannot be read: {reason}", hint)]) from None


def _regular(path: str, flags: int) -> int:
    """Open a regular file; anything else is an error at once: a pipe may never open, a device never end."""
    handle = os.open(path, flags | os.O_NONBLOCK)
    if stat.S_ISREG(os.fstat(handle).st_mode):
        return handle
    os.close(handle)
    raise OSError(errno.EINVAL, "it is no regular file")
