"""Where a key may be sent: the address of a target, read strictly, and the hosts that may get a key.

Nobody who can edit a YAML file must be able to send the key elsewhere. So an
address has one plain form and no room for tricks (no user part, no query, no
letters that look like others, no number spelled in two ways), and its host
must be one of its kind's own, or be named in the environment, which a YAML file
cannot reach. There each key can be bound to its hosts, so that those of several
targets do not mix.
"""

import os
import re
from collections.abc import Sequence
from dataclasses import dataclass
from ipaddress import AddressValueError, IPv4Address, IPv6Address

from reconciler.errors import Unreachable

ALLOWED_HOSTS = "RECONCILER_ALLOWED_HOSTS"
"""The environment variable that, where set, is the whole list of hosts a key may be sent to."""

_DEFAULT_PORT = {"https": 443, "http": 80}
_LAST_PORT = 65535
_LONGEST_HOST = 253

_LABEL = r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"
_HOST = rf"{_LABEL}(?:\.{_LABEL})*|\[[0-9a-f:.]+\]"
_ADDRESS = re.compile(rf"(https?)://({_HOST})(?::([0-9]{{1,5}}))?((?:/[^?#]*)?)")
_STEPS = re.compile(r"(/(?!\.{1,2}(/|$))[A-Za-z0-9._~!$&'()*+,;=:@-]+)*")
_ENTRY = re.compile(rf"(\*?\.)?({_HOST})(?::([0-9]{{1,5}}))?")
_KEY = re.compile(r"[A-Za-z_][A-Za-z0-9_]*|[^=,\s]*/[^=,\s]*")
_TEXTS = re.compile(r"[,\s]+")
_NUMBER = re.compile(r"[0-9]+|0x[0-9a-f]*")


@dataclass(frozen=True, slots=True)
class Hosts:
    """Where systems of one kind are, and what their addresses look like.

    A key may go to what is below ``suffixes``, the domains of ``owner``, with no
    further word; where there are none, it goes where the environment says, and nowhere else.
    ``api`` is the path of the API behind an address, in each form that people write; the
    first is the one that is used. With ``any_path`` an address has its path itself.
    """

    owner: str
    suffixes: tuple[str, ...]
    example: str
    api: tuple[str, ...] = ("",)
    any_path: bool = False


@dataclass(frozen=True, slots=True)
class Door:
    """An address as api_root gives it, and the names of the keys that are sent there."""

    root: str
    keys: tuple[str, ...] = ("",)


@dataclass(frozen=True, slots=True)
class _Origin:
    scheme: str
    host: str
    port: int

    def __str__(self) -> str:
        port = "" if self.port == _DEFAULT_PORT[self.scheme] else f":{self.port}"
        return f"{self.host}{port}"

    @property
    def is_loopback(self) -> bool:
        return self.host in {"localhost", "[::1]"} or (
            _is_ipv4(self.host) and IPv4Address(self.host).is_loopback
        )


@dataclass(frozen=True, slots=True)
class _Entry:
    """One entry of the list of allowed hosts; a suffix stands for what is below it, not for itself.

    ``key`` is the variable or the file that it is for, empty for any; ``written`` is the host as written.
    """

    is_suffix: bool
    host: str
    port: int
    key: str
    written: str

    def covers(self, origin: _Origin) -> bool:
        if self.port != origin.port:
            return False
        return origin.host.endswith(f".{self.host}") if self.is_suffix else origin.host == self.host


def api_root(url: str, hosts: Hosts) -> str:
    """The API root of a target, ``https://host[:port]`` and the path of its API, from its address.

    The address may end with a slash, or with the path of the API in any of its
    forms. Raises ValueError, in one line that never repeats a password, for
    everything else.
    """
    origin, path = _origin(url, hosts)
    return f"{origin.scheme}://{origin}{path if hosts.any_path else hosts.api[0]}"


def check_hosts(doors: Sequence[Door], allowed: str | None, hosts: Hosts) -> None:
    """Raise Unreachable unless the keys of each door may be sent to it.

    ``allowed`` is the value of RECONCILER_ALLOWED_HOSTS, None where it is not
    set. Where it is set it is the whole list, even when empty: ``host`` and
    ``.suffix`` or ``*.suffix`` for the scheme's own port, ``host:port`` for
    another, separated by commas or spaces. Loopback must be named in it too.
    An entry may begin with ``NAME=``: what is in this variable, or in the file of this
    path, goes where such entries of its own say, and nowhere else. The keys of a door are such
    names; one that is in no entry goes where entries without a name say.
    """
    origins = [_origin(door.root, hosts)[0] for door in doors]
    for door, origin in zip(doors, origins, strict=True):
        for key in door.keys:
            if problem := _objection(origin, allowed, hosts, key, origins):
                of = f" of {key}" if key and allowed and _entries(allowed, origin.scheme, bound=True) else ""
                message = f"the key{of} is not sent to {origin}: {problem}"
                raise Unreachable(message)


def goes_unasked(root: str, hosts: Hosts) -> bool:
    """Whether a key may be sent to this address where the environment says nothing."""
    try:
        check_hosts([Door(root)], None, hosts)
    except Unreachable:
        return False
    return True


def bound_to(key: str, allowed: str | None) -> list[str]:
    """The hosts that a key of this name is bound to, as written; raises Unreachable for a bad list."""
    found = _entries(allowed or "", "https", bound=True)
    return [entry.written for entry in found if entry.key == _name(key)]


def _objection(
    origin: _Origin, allowed: str | None, hosts: Hosts, key: str, together: Sequence[_Origin]
) -> str:
    """Why this key does not go there, and what would let it; ``together`` are the hosts of all doors."""
    if origin.scheme == "http" and not origin.is_loopback:
        return "http can be read on the way; use https"
    line = f"{ALLOWED_HOSTS}={','.join(dict.fromkeys(map(str, together)))}"
    if allowed is None:
        if origin.port == _DEFAULT_PORT["https"] and origin.host.endswith(hosts.suffixes):
            return ""
        if hosts.suffixes:
            return f"it is not one of {hosts.owner}'s own hosts; if it is yours, set {line}"
        return f"{hosts.owner} has no hosts that are known to be its own; if it is yours, export {line}"
    if not (entries := _entries(allowed, origin.scheme)):
        return (
            f"{ALLOWED_HOSTS} is set but names no host; {'unset it, or ' if hosts.suffixes else ''}set {line}"
        )
    return _not_listed(origin, allowed, entries, key)


def _not_listed(origin: _Origin, allowed: str, entries: Sequence[_Entry], key: str) -> str:
    """Why no entry lets this key go there, and what would; empty where one does."""
    own = [entry for entry in entries if entry.key and entry.key == _name(key)]
    if any(entry.covers(origin) for entry in own or entries if own or not entry.key):
        return ""
    if not key or not any(entry.key for entry in entries):
        return f"it is not in {ALLOWED_HOSTS}; if it is yours, add {origin} to that list"
    where = " and ".join(entry.written for entry in own)
    why = f"{ALLOWED_HOSTS} binds it to {where}" if own else f"{ALLOWED_HOSTS} does not name it for that host"
    line = ",".join([*_TEXTS.split(allowed.strip(", \t\n")), f"{key}={origin}"])
    return f"{why}; if it is meant, set {ALLOWED_HOSTS}={line}"


def _entries(allowed: str, scheme: str, *, bound: bool = False) -> list[_Entry]:
    """The entries of the list, or those that are bound to a key; raises Unreachable for a bad one."""
    found = [_entry(text, scheme) for text in _TEXTS.split(allowed) if text]
    return [entry for entry in found if entry.key or not bound]


def _name(key: str) -> str:
    """The one spelling of a key's name: a path leads to its file."""
    return os.path.realpath(key) if "/" in key else key


def _origin(url: str, hosts: Hosts) -> tuple[_Origin, str]:
    """Where an address is, and its path without a slash at the end."""
    scheme, _, rest = url.partition("://")
    authority, slash, path = rest.partition("/")
    match = _ADDRESS.fullmatch(f"{scheme.lower()}://{authority.lower()}{slash}{path}")
    path = match[4].removesuffix("/") if match else ""
    plain = _STEPS.fullmatch(path) if hosts.any_path else path in ("", *hosts.api)
    if match is None or not plain or not url.isascii():
        message = f"the address {_what_is_wrong(url, hosts)}; write it like {hosts.example}"
        raise ValueError(message)
    return _Origin(match[1], _host(match[2]), _port(match[3], match[1])), path


def _what_is_wrong(url: str, hosts: Hosts) -> str:
    if any(character.isspace() or not character.isprintable() for character in url):
        return "holds a space or a control character"
    if not url.isascii():
        return "holds a letter outside of plain ASCII"
    if "@" in url:
        return "holds an @: no user, password or key belongs in it"
    if "?" in url or "#" in url:
        return "holds a query or a fragment"
    if not url.lower().startswith(("https://", "http://")):
        return "does not start with https://"
    behind = " or ".join(filter(None, (hosts.api[0], "nothing")))
    return f"is not a host, with {'a plain path' if hosts.any_path else behind} behind it"


def _host(host: str) -> str:
    """The one spelling of a host; raises ValueError for a host that could be misread."""
    if host.startswith("["):
        try:
            return f"[{IPv6Address(host[1:-1]).compressed}]"
        except AddressValueError:
            message = f"the host {host} is not an IPv6 address"
            raise ValueError(message) from None
    labels = host.split(".")
    problem = ""
    if len(host) > _LONGEST_HOST:
        problem = f"is longer than {_LONGEST_HOST} characters"
    elif any(label.startswith("xn--") for label in labels):
        problem = "is an international name in disguise (xn--); use a plain one"
    elif _NUMBER.fullmatch(labels[-1]) and not _is_ipv4(host):
        problem = "is a number, but no plain IPv4 address"
    if problem:
        message = f"the host {host} {problem}"
        raise ValueError(message)
    return host


def _is_ipv4(host: str) -> bool:
    try:
        IPv4Address(host)
    except ValueError:
        return False
    return True


def _port(text: str | None, scheme: str) -> int:
    port = int(text) if text else _DEFAULT_PORT[scheme]
    if not 0 < port <= _LAST_PORT:
        message = f"the port {port} is not between 1 and {_LAST_PORT}"
        raise ValueError(message)
    return port


def _entry(text: str, scheme: str) -> _Entry:
    key, _, address = text.rpartition("=")
    match = _ENTRY.fullmatch(address.lower())
    try:
        if match and text.isascii() and bool(key) == ("=" in text) and (not key or _KEY.fullmatch(key)):
            host, port = _host(match[2]), _port(match[3], scheme)
            return _Entry(bool(match[1]), host, port, _name(key), address)
    except ValueError:
        pass
    message = (
        f"{ALLOWED_HOSTS} holds {text!a}, which is none of host, host:port, .suffix or *.suffix, "
        "nor NAME= before one of them"
    )
    raise Unreachable(message)
