"""Traps for every test: no socket but loopback, no home directory, no key from outside, no waits."""

import os
import shutil
import socket
import ssl
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from providers.toy import Toy
from wire import Server, running

from reconciler.providers import registry
from reconciler.transport.clock import SystemClock

MEMORY = Path("/dev/shm")  # noqa: S108 (what is made in it has a name that nobody can guess)
ROOM = 2 << 30
"""Bytes that must be free there."""


def _in_memory() -> bool:
    """Whether temporary files can be in memory: journals are synced line by line, git makes many files."""
    if "TMPDIR" in os.environ or not os.access(MEMORY, os.W_OK):
        return False
    found = os.statvfs(MEMORY)
    return found.f_bavail * found.f_frsize > ROOM and not found.f_flag & os.ST_NOEXEC


if _in_memory():
    os.environ["TMPDIR"] = str(MEMORY)
settings.register_profile(
    "default",
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
settings.load_profile("default")


@pytest.fixture(autouse=True)
def _traps(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> None:
    monkeypatch.setenv("HOME", str(tmp_path_factory.getbasetemp() / "no-home"))
    for name in ("CI", "GITHUB_ACTIONS", "OMNI_API_KEY", "RECONCILER_ALLOWED_HOSTS", "NO_COLOR"):
        monkeypatch.delenv(name, raising=False)
    for name in [name for name in os.environ if name.lower().endswith("_proxy")]:
        monkeypatch.delenv(name)
    connect = socket.socket.connect

    def only_loopback(self: socket.socket, address: object) -> None:
        if isinstance(address, tuple) and not str(address[0]).startswith(("127.", "::1", "localhost")):
            message = f"a test reached for {address}"
            raise AssertionError(message)
        connect(self, address)  # type: ignore[arg-type]

    monkeypatch.setattr(socket.socket, "connect", only_loopback)


@pytest.fixture(autouse=True)
def _no_waits(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever is waited for in this process has come at once; ``real_time`` is for tests of the clock."""
    if "real_time" not in request.fixturenames:
        sleep = SystemClock.sleep
        monkeypatch.setattr(SystemClock, "sleep", lambda clock, _: sleep(clock, 0))


@pytest.fixture
def real_time() -> None:
    """The machine's clock as it is."""


@pytest.fixture
def uncounted() -> Iterator[None]:
    """Nothing counts lines meanwhile: for much work of one kind, where counting takes longer than that."""
    counting = sys.gettrace()
    sys.settrace(None)
    yield
    sys.settrace(counting)


@pytest.fixture
def toy(monkeypatch: pytest.MonkeyPatch) -> None:
    """The kind of system of `providers/toy.py` is one that there is."""
    monkeypatch.setitem(registry.KINDS, "toy", Toy())  # type: ignore[arg-type]


@pytest.fixture
def a_target(tmp_path: Path) -> Path:
    """A folder below desired-state/ for the files of one target, with the working directory above."""
    folder = tmp_path / "desired-state" / "acme"
    folder.mkdir(parents=True)
    return folder


@pytest.fixture(scope="session")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A self-signed certificate for 127.0.0.1 and its key, in one file."""
    openssl = shutil.which("openssl")
    if openssl is None:
        pytest.skip("makes a certificate with openssl, which is not there")
    folder = tmp_path_factory.mktemp("tls")
    key, pem = folder / "key.pem", folder / "both.pem"
    command = [
        openssl,
        "req",
        "-x509",
        "-nodes",
        "-newkey",
        "rsa:2048",
        "-days",
        "2",
        "-subj",
        "/CN=127.0.0.1",
    ]
    command += [
        "-addext",
        "subjectAltName=IP:127.0.0.1",
        "-addext",
        "keyUsage=critical,digitalSignature,keyCertSign",
    ]
    command += ["-keyout", str(key), "-out", str(pem)]
    subprocess.run(command, check=True, capture_output=True)
    pem.write_text(pem.read_text() + key.read_text())
    return pem


@pytest.fixture
def tls_server(certificate: Path) -> Iterator[Server]:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    yield from running(Server(context))
