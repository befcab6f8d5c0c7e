from __future__ import annotations

from broker_core.errors import ErrorCode
from streams.client.offset_requests import Gather
from streams.errors import ClientError


def test_gather_waits_for_all() -> None:
    heard: list[str] = []
    gathered = Gather(2, lambda: heard.append("done"), lambda error: heard.append("failed"))
    gathered.done()
    assert heard == []
    gathered.done()
    assert heard == ["done"]


def test_gather_tells_the_first_error_and_nothing_more() -> None:
    heard: list[str] = []
    gathered = Gather(3, lambda: heard.append("done"), lambda error: heard.append(str(error)))
    gathered.done()
    gathered.fail(ClientError(ErrorCode.INVALID_REQUEST, "one"))
    gathered.fail(ClientError(ErrorCode.INVALID_REQUEST, "two"))
    gathered.done()
    assert heard == ["one"]
