"""Outcomes are told apart by their class, whatever is in them."""

from __future__ import annotations

from broker_core.outcome import Connection, NoReply, Parked, Reply, SyncResult


def test_outcomes_are_distinct() -> None:
    assert not isinstance(Reply(1), Parked)
    assert not isinstance(Parked(1), Reply)
    assert NoReply() == NoReply(failed=False)
    assert Connection(id=1).client_address == "embedded"
    assert SyncResult() == SyncResult(done=(), failed=())
