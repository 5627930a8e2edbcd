from collections.abc import Iterator

import pytest
from wire import Server, running


@pytest.fixture
def server() -> Iterator[Server]:
    yield from running(Server())
