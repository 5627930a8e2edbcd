"""A small GitHub behind a socket, and the client that speaks to it."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from clocks import FakeClock
from fake_github import REPOSITORY, TOKEN, FakeGitHub, serving
from fake_settings import a_checkout

from reconciler.github.api import GitHub
from reconciler.github.limits import patient
from reconciler.transport.auth import Secret, bearer
from reconciler.transport.network import Network


@pytest.fixture
def fake() -> Iterator[FakeGitHub]:
    with serving() as fake:
        yield fake


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def github(fake: FakeGitHub, clock: FakeClock) -> Iterator[GitHub]:
    network = Network(fake.url, returns_redirects=True)
    yield GitHub(patient(bearer(network, Secret(TOKEN)), clock), REPOSITORY)
    network.close()


@pytest.fixture
def top(tmp_path: Path) -> Path:
    """A checkout of a repository in which everything is as it must be."""
    return a_checkout(tmp_path / "access")
