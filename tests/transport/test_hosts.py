from collections.abc import Sequence
from functools import partial
from pathlib import Path

import pytest

from reconciler.errors import Unreachable
from reconciler.providers.omni.kind import OmniKind
from reconciler.transport import hosts

HOSTS = OmniKind().hosts({})
api_root = partial(hosts.api_root, hosts=HOSTS)


def check_host(root: str, allowed: str | None, own: hosts.Hosts = HOSTS, keys: Sequence[str] = ("",)) -> None:
    hosts.check_hosts([hosts.Door(root, tuple(keys))], allowed, own)


OMNI = "https://acme.omniapp.co/api"
LOOPBACK = "http://127.0.0.1:8080/api"


@pytest.mark.parametrize(
    ("url", "root"),
    [
        ("https://acme.omniapp.co", OMNI),
        ("https://acme.omniapp.co/", OMNI),
        ("https://acme.omniapp.co/api", OMNI),
        ("https://acme.omniapp.co/api/", OMNI),
        ("https://acme.omniapp.co/api/v1", OMNI),
        ("https://acme.omniapp.co/api/v1/", OMNI),
        ("HTTPS://Acme.OmniApp.co:443/", OMNI),
        ("https://acme.omniapp.co:8443", "https://acme.omniapp.co:8443/api"),
        ("http://localhost:80/api", "http://localhost/api"),
        ("http://127.0.0.1:8080", LOOPBACK),
        ("http://[0:0:0:0:0:0:0:1]:8080/", "http://[::1]:8080/api"),
    ],
)
def test_an_address_with_or_without_api_gives_one_root(url: str, root: str) -> None:
    assert api_root(url) == root
    assert api_root(root) == root


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("", "does not start with https://"),
        ("acme.omniapp.co", "does not start with https://"),
        ("ftp://acme.omniapp.co", "does not start with https://"),
        ("file:///etc/passwd", "does not start with https://"),
        ("https:/acme.omniapp.co", "does not start with https://"),
        ("https://", "is not a host"),
        ("https:///api", "is not a host"),
        ("https://acme.omniapp.co@evil.com", "holds an @"),
        ("https://user:hunter2@acme.omniapp.co", "holds an @"),
        ("https://acme.omniapp.co?x=1", "a query or a fragment"),
        ("https://acme.omniapp.co/api#x", "a query or a fragment"),
        ("https://acme.omniapp.co\\@evil.com", "holds an @"),
        ("https://acme.omniapp.co\\.evil.com", "is not a host"),
        ("https://acme.omniapp.co/api/v2", "is not a host, with /api"),
        ("https://acme.omniapp.co//api", "is not a host, with /api"),
        ("https://acme.omniapp.co/API", "is not a host, with /api"),
        ("https://acme.omniapp.co/api/../x", "is not a host, with /api"),
        ("https://acme.omniapp.co/%61pi", "is not a host, with /api"),
        ("https://acme%2eomniapp.co", "is not a host"),
        ("https://acme.omniapp.co.", "is not a host"),
        ("https://-acme.omniapp.co", "is not a host"),
        ("https://acme..omniapp.co", "is not a host"),
        ("https://acme_x.omniapp.co", "is not a host"),
        (" https://acme.omniapp.co", "a space or a control character"),
        ("https://acme.omniapp.co\n", "a space or a control character"),
        ("https://acme.omni\tapp.co", "a space or a control character"),
        ("https://acme.omniapp.co\x00", "a space or a control character"),
        ("https://acme.omniapp.co\u202e", "a space or a control character"),
        ("https://\u0430cme.omniapp.co", "outside of plain ASCII"),
        ("https://acme\uff0eomniapp.co", "outside of plain ASCII"),
        ("https://\u212acme.omniapp.co", "outside of plain ASCII"),
        ("https://xn--cme-7cd.omniapp.co", "xn--"),
        ("https://acme.omniapp.co:", "is not a host"),
        ("https://acme.omniapp.co:0", "the port 0"),
        ("https://acme.omniapp.co:65536", "the port 65536"),
        ("https://acme.omniapp.co:123456", "is not a host"),
        ("https://acme.omniapp.co:\u0664", "outside of plain ASCII"),
        ("http://2130706433", "no plain IPv4"),
        ("http://0x7f000001", "no plain IPv4"),
        ("http://127.1", "no plain IPv4"),
        ("http://0177.0.0.1", "no plain IPv4"),
        ("http://127.0.0.1.", "is not a host"),
        ("http://[::1%25eth0]", "is not a host"),
        ("http://[1:2]", "is not an IPv6 address"),
        ("https://" + ".".join(["a" * 60] * 5), "longer than 253"),
    ],
)
def test_any_other_address_is_refused_in_one_clear_line(url: str, words: str) -> None:
    with pytest.raises(ValueError, match=r".") as caught:
        api_root(url)
    message = str(caught.value)
    assert words in message
    assert message.isprintable()
    assert message.isascii()
    assert "hunter2" not in message


@pytest.mark.parametrize("suffix", HOSTS.suffixes)
def test_the_key_may_go_to_the_domains_of_omni(suffix: str) -> None:
    check_host(api_root(f"https://acme{suffix}"), None)
    check_host(api_root(f"https://acme.playground{suffix}"), None)


@pytest.mark.parametrize(
    "url",
    [
        "https://evilomniapp.co",
        "https://omniapp.co",
        "https://omniapp.co.evil.com",
        "https://acme.omniapp.co.evil.com",
        "https://acme.omniapp.com",
        "https://acme-omniapp.co",
        "https://acme.xembed-omniapp.co",
        "https://acme.omniapp.co:8443",
        "https://acme.omniapp.co:80",
        "https://localhost",
        "https://127.0.0.1",
        "http://127.0.0.1:8080",
        "http://localhost:8080",
        "http://[::1]:8080",
    ],
)
def test_without_a_list_the_key_goes_nowhere_else_and_the_hint_says_what_to_set(url: str) -> None:
    root = api_root(url)
    with pytest.raises(Unreachable, match="not one of Omni's own hosts; if it is yours, set") as caught:
        check_host(root, None)
    hint = str(caught.value).rpartition("RECONCILER_ALLOWED_HOSTS=")[2]
    check_host(root, hint)


@pytest.mark.parametrize("allowed", [None, "acme.omniapp.co", ".omniapp.co:80", "example.com example.com:80"])
@pytest.mark.parametrize(
    "url", ["http://acme.omniapp.co", "http://example.com", "http://10.0.0.1", "http://128.0.0.1"]
)
def test_http_is_for_loopback_only_whatever_the_list_says(url: str, allowed: str | None) -> None:
    with pytest.raises(Unreachable, match="use https"):
        check_host(api_root(url), allowed)


@pytest.mark.parametrize(
    ("url", "allowed"),
    [
        ("https://proxy.acme.com", "proxy.acme.com"),
        ("https://proxy.acme.com", "PROXY.Acme.com"),
        ("https://proxy.acme.com", "one.com, proxy.acme.com"),
        ("https://proxy.acme.com", " one.com\tproxy.acme.com\n"),
        ("https://proxy.acme.com", ".acme.com"),
        ("https://proxy.acme.com", "*.acme.com"),
        ("https://proxy.acme.com", "proxy.acme.com:443"),
        ("https://proxy.acme.com:8443", "proxy.acme.com:8443"),
        ("https://a.b.acme.com:8443", "*.acme.com:8443"),
        ("http://127.0.0.1:8080", "127.0.0.1:8080"),
        ("http://127.3.2.1", "127.3.2.1"),
        ("http://localhost", "localhost"),
        ("http://[::1]:8080", "[::1]:8080"),
        ("http://[::1]:8080", "[0::1]:8080"),
    ],
)
def test_a_listed_host_may_get_the_key(url: str, allowed: str) -> None:
    check_host(api_root(url), allowed)


@pytest.mark.parametrize(
    ("url", "allowed"),
    [
        ("https://acme.omniapp.co", "proxy.acme.com"),
        ("https://proxy.acme.com:8443", "proxy.acme.com"),
        ("https://proxy.acme.com", "proxy.acme.com:8443"),
        ("https://x.proxy.acme.com", "proxy.acme.com"),
        ("https://acme.com", ".acme.com"),
        ("https://evilacme.com", ".acme.com"),
        ("https://acme.com.evil.com", ".acme.com"),
        ("http://127.0.0.1:8080", "127.0.0.1"),
        ("http://127.0.0.1:8080", "localhost:8080"),
    ],
)
def test_the_list_is_the_whole_list(url: str, allowed: str) -> None:
    root = api_root(url)
    with pytest.raises(Unreachable, match="not in RECONCILER_ALLOWED_HOSTS; if it is yours, add"):
        check_host(root, allowed)


@pytest.mark.parametrize("allowed", ["", " ", ",", " , \n"])
def test_a_list_that_is_set_but_empty_allows_nothing(allowed: str) -> None:
    with pytest.raises(Unreachable, match="is set but names no host; unset it"):
        check_host(OMNI, allowed)


@pytest.mark.parametrize(
    "entry",
    [
        "*",
        ".",
        "https://acme.com",
        "acme.com/api",
        "a*.com",
        "acme.com.",
        "acme.com:x",
        "acme.com:0",
        "\u212a.com",
        ".0.0.1",
        "[1:2]",
        "u@acme.com",
        "\x1b[31m",
    ],
)
def test_an_entry_that_is_no_host_is_named_and_stops(entry: str) -> None:
    with pytest.raises(Unreachable, match="which is none of host, host:port") as caught:
        check_host(OMNI, f"acme.omniapp.co {entry}")
    assert str(caught.value).isascii()
    assert str(caught.value).isprintable()


BOUND = "OMNI=acme.omniapp.co, SCIM=directory.example SCIM=.eu.directory.example, plain.example"


@pytest.mark.parametrize(
    ("key", "host", "refused"),
    [
        ("OMNI", "acme.omniapp.co", ""),
        ("SCIM", "directory.example", ""),
        ("SCIM", "x.eu.directory.example", ""),
        ("OTHER", "plain.example", ""),
        ("/run/secrets/other", "plain.example", ""),
        ("OMNI", "directory.example", "binds it to acme.omniapp.co"),
        ("OMNI", "plain.example", "binds it to acme.omniapp.co"),
        ("OMNI", "acme.omniapp.co:8443", "binds it to acme.omniapp.co"),
        ("SCIM", "acme.omniapp.co", "binds it to directory.example and .eu.directory.example"),
        ("OTHER", "directory.example", "does not name it for that host"),
        ("/run/secrets/other", "directory.example", "does not name it for that host"),
        ("omni", "acme.omniapp.co", "does not name it for that host"),
    ],
)
def test_a_key_that_is_bound_goes_to_its_own_hosts_alone(key: str, host: str, refused: str) -> None:
    root = api_root(f"https://{host}")
    if not refused:
        check_host(root, BOUND, keys=[key])
        return
    line = f"{','.join(BOUND.replace(',', ' ').split())},{key}={host}"
    with pytest.raises(Unreachable) as caught:
        check_host(root, BOUND, keys=["SCIM", key] if key == "OMNI" and "directory" in host else [key])
    said = f"the key of {key} is not sent to {host}: RECONCILER_ALLOWED_HOSTS {refused}; if it is meant, set "
    assert str(caught.value) == f"{said}RECONCILER_ALLOWED_HOSTS={line}"
    check_host(root, line, keys=[key])


def test_a_file_is_bound_by_its_path_however_that_is_written(tmp_path: Path) -> None:
    (tmp_path / "key").write_text("k")
    (tmp_path / "link").symlink_to("key")
    root = api_root("https://acme.omniapp.co")
    for written in ("key", "link", "../" + tmp_path.name + "/key"):
        check_host(root, f"{tmp_path}/link=acme.omniapp.co", keys=[f"{tmp_path}/{written}"])
        with pytest.raises(Unreachable, match="binds it to"):
            check_host(root, f"{tmp_path}/key=b.omniapp.co acme.omniapp.co", keys=[f"{tmp_path}/{written}"])


@pytest.mark.parametrize("entry", ["=acme.com", "A==acme.com", "A=", "A-B=acme.com", "A=B=acme.com", "1=a"])
def test_a_binding_that_is_none_is_named_and_stops(entry: str) -> None:
    with pytest.raises(Unreachable, match="nor NAME= before one of them"):
        check_host(OMNI, f"acme.omniapp.co {entry}", keys=["OMNI"])


OTHER = hosts.Hosts(owner="Acme", suffixes=(".acme.example",), example="https://eu.acme.example")


def test_another_kind_has_hosts_of_its_own_and_no_path_behind_them() -> None:
    assert hosts.api_root("https://eu.acme.example/", OTHER) == "https://eu.acme.example"
    with pytest.raises(ValueError, match="not a host, with nothing behind it; write it like https://eu"):
        hosts.api_root("https://eu.acme.example/api", OTHER)
    check_host("https://eu.acme.example", None, OTHER)
    with pytest.raises(Unreachable, match="not one of Acme's own hosts"):
        check_host("https://acme.omniapp.co", None, OTHER)


ANY = hosts.Hosts("a directory", (), "https://directory.example/scim/v2", any_path=True)


@pytest.mark.parametrize(
    ("url", "root"),
    [
        ("https://directory.example", "https://directory.example"),
        ("https://directory.example/", "https://directory.example"),
        ("HTTPS://Directory.Example:443/Scim/v2/", "https://directory.example/Scim/v2"),
        (
            "https://directory.example:8443/t/acme.com/scim2",
            "https://directory.example:8443/t/acme.com/scim2",
        ),
        ("https://directory.example/~a/..b/c...", "https://directory.example/~a/..b/c..."),
    ],
)
def test_where_any_path_may_be_an_address_keeps_its_own(url: str, root: str) -> None:
    assert hosts.api_root(url, ANY) == root
    assert hosts.api_root(root, ANY) == root


@pytest.mark.parametrize(
    "path", ["//", "/a//b", "/a/../b", "/..", "/./a", "/a/.", "/a%2fb", "/a\\b", "/a;%00", "/a|b", "/<a>"]
)
def test_a_path_that_may_lead_elsewhere_is_none(path: str) -> None:
    with pytest.raises(ValueError, match="is not a host, with a plain path behind it; write it like https:"):
        hosts.api_root(f"https://directory.example{path}", ANY)


DOORS = [
    hosts.Door("https://directory.example/scim/v2", ("ID",)),
    hosts.Door("https://login.example:8443/oauth2/token", ("ID", "SECRET")),
]


@pytest.mark.parametrize("allowed", [None, "", " , "])
def test_a_kind_without_hosts_of_its_own_names_the_line_that_opens_all_its_doors(allowed: str | None) -> None:
    line = "RECONCILER_ALLOWED_HOSTS=directory.example,login.example:8443"
    with pytest.raises(Unreachable) as caught:
        hosts.check_hosts(DOORS, allowed, ANY)
    why, _, hint = str(caught.value).partition("; ")
    assert why.startswith("the key is not sent to directory.example: ")
    assert hint.endswith(line)
    assert "unset it" not in hint
    assert ("has no hosts that are known to be its own; if it is yours, export " in str(caught.value)) is (
        allowed is None
    )
    hosts.check_hosts(DOORS, line.partition("=")[2], ANY)


@pytest.mark.parametrize(
    ("allowed", "refused"),
    [
        ("ID=directory.example,ID=login.example:8443,SECRET=login.example:8443", ""),
        (".example,login.example:8443", ""),
        ("directory.example", "the key is not sent to login.example:8443: it is not in"),
        ("login.example:8443", "the key is not sent to directory.example: it is not in"),
        ("ID=directory.example,SECRET=login.example:8443", "the key of ID is not sent to login.example:8443"),
        (
            "ID=directory.example,ID=login.example:8443,SECRET=directory.example",
            "the key of SECRET is not sent to login.example:8443: .* binds it to directory.example",
        ),
    ],
)
def test_each_door_is_checked_for_each_of_its_keys(allowed: str, refused: str) -> None:
    if not refused:
        hosts.check_hosts(DOORS, allowed, ANY)
        return
    with pytest.raises(Unreachable, match=refused):
        hosts.check_hosts(DOORS, allowed, ANY)
