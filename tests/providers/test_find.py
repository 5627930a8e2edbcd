"""A question costs no request that cannot be answered."""

import pytest
from executing import Recorder

from reconciler.providers.omni.provider import Omni
from reconciler.providers.question import Question
from reconciler.sandbox.omni.instance import Sandbox
from reconciler.sandbox.omni.store import Store
from reconciler.transport.auth import Secret, bearer
from reconciler.transport.messages import Reader


@pytest.mark.parametrize(("text", "requests"), [("Ada Lovelace", 0), ("a/b", 0), ("..", 0), ("x-1_Z", 1)])
def test_a_name_that_no_id_looks_like_is_not_asked_for_as_one(text: str, requests: int) -> None:
    sandbox = Sandbox(Store.from_seed({"switches": {"requests_per_minute": 0}, "users": {}}))
    recorder = Recorder(bearer(sandbox, Secret("sandbox")), [], None)
    found = Omni().find(Reader(recorder), Question("user", "id", text))
    assert found is not None
    assert found.users == ()
    assert len(recorder.sent) == requests
