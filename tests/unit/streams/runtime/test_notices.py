"""What a person is told while the application goes on, once; everything is handed on."""

from __future__ import annotations

import logging

import pytest

from streams.runtime.notices import Notices


def test_a_notice_is_told_once_and_handed_on(caplog: pytest.LogCaptureFixture) -> None:
    heard: list[str] = []

    class Listening:
        def event(self, name: str, **fields: object) -> None:
            heard.append(name)

    notices = Notices(Listening())
    with caplog.at_level(logging.WARNING, "streams"):
        for _ in range(3):
            notices.event("txn.marker_delayed", partition="lines-0", reason="disk full")
        notices.event("commit.done", duration_ms=3)
    assert caplog.messages == ["the end of a transaction waits for the disk of lines-0: disk full"]
    assert heard == ["txn.marker_delayed"] * 3 + ["commit.done"]


def test_the_last_trouble_is_remembered() -> None:
    notices = Notices()
    assert notices.last_trouble is None
    notices.event("fetch.refused", partition="lines-0", offset=3, reason="file x, position 7")
    notices.event("commit.done", duration_ms=3)
    assert notices.last_trouble == "file x, position 7"


def test_progress_is_said_and_not_logged(caplog: pytest.LogCaptureFixture) -> None:
    said: list[str] = []
    notices = Notices(say=said.append)
    with caplog.at_level(logging.WARNING, "streams"):
        notices.event("worker.resumed", after="; fed so far: 3 items into lines")
        Notices().event("worker.resumed", after="")
    assert said == ["goes on from its last commit; fed so far: 3 items into lines"]
    assert caplog.messages == []


def test_a_lost_broker_is_said_each_time() -> None:
    said: list[str] = []
    notices = Notices(say=said.append)
    for _ in range(2):
        notices.event("broker.lost", broker="h:9", reason="broker h:9: refused")
        notices.event("broker.reached", broker="h:9")
    assert said == ["broker h:9: refused; it is tried again", "broker h:9 is reached again"] * 2
