"""What an application says: that it subscribes, is alive, and leaves."""

from __future__ import annotations

from broker_core.errors import ErrorCode
from broker_core.protocol.heartbeat import HeartbeatRequest
from broker_core.protocol.join_group import JoinGroupRequest
from broker_core.protocol.leave_group import LeaveGroupRequest
from streams.client.group_conversation import State
from tests.unit.streams.client.group_scripts import REBALANCE, Script


def test_nothing_is_said_before_something_is_subscribed() -> None:
    script = Script()
    script.member.polled(script.now_ms)
    assert script.says_nothing()
    assert script.member.next_deadline() is None


def test_leaving_lets_go_first_and_then_says_so() -> None:
    script = Script().member_of(0)
    script.member.give_up()
    assert script.told() == ["Revoked t0"]
    left = script.member.leave(script.now_ms)
    body = script.answer(LeaveGroupRequest)
    assert [entry.member_id for entry in body.members] == ["me"]
    assert left.done
    assert script.member.state is State.OUT
    assert script.after(60_000).says_nothing()


def test_a_static_member_leaves_in_silence() -> None:
    """KIP-345: it may come back within its session without a rebalance."""
    script = Script(instance_id="one").member_of(0)
    assert script.member.leave(script.now_ms).done
    assert script.says_nothing()


def test_leaving_ends_even_if_nobody_is_there_to_be_told() -> None:
    script = Script().member_of(0)
    script.node = None
    left = script.member.leave(script.now_ms)
    assert script.says_nothing()
    deadline = script.member.next_deadline()
    assert deadline is not None
    script.after(5_000).says_nothing()
    assert left.done
    assert script.member.state is State.OUT


def test_answers_of_before_mean_nothing_to_one_who_leaves() -> None:
    script = Script().member_of(0)
    script.after(3_000).take(HeartbeatRequest)
    heartbeat = script._calls.pop()
    script.member.leave(script.now_ms)
    from broker_core.protocol.heartbeat import HeartbeatResponse

    heartbeat.answered(HeartbeatResponse(error_code=REBALANCE), script.now_ms)
    assert script.member.state is State.LEAVING


def test_an_application_that_is_stuck_leaves_and_joins_anew_when_it_is_back() -> None:
    script = Script(max_poll_interval_ms=5_000).member_of(0)
    script.after(3_000).answer(HeartbeatRequest)
    script.after(2_000)
    script.take(LeaveGroupRequest)
    script._calls.clear()
    assert script.member.state is State.OUT
    assert script.after(60_000).says_nothing()
    script.member.polled(script.now_ms)
    assert script.says_nothing(), "it has to know first that it has lost everything"
    assert script.told() == ["Lost t0"]
    assert script.take(JoinGroupRequest).member_id == ""


def test_an_application_that_polls_is_not_stuck() -> None:
    script = Script(max_poll_interval_ms=5_000).member_of(0)
    for _ in range(4):
        script.after(3_000).answer(HeartbeatRequest)
        script.member.polled(script.now_ms)
    assert script.member.state is State.STABLE


def test_a_refused_commit_is_news_of_the_membership() -> None:
    script = Script().member_of(0)
    identity = script.member.identity
    script.member.refused(identity, REBALANCE, script.now_ms)
    assert script.told() == ["Revoked t0"]
    script.joined(generation=2)
    script.synced(0)
    script.member.refused(identity, ErrorCode.ILLEGAL_GENERATION, script.now_ms)
    assert script.told() == ["Assigned t0"], "that was about the generation before"
    script.member.refused(script.member.identity, ErrorCode.UNKNOWN_MEMBER_ID, script.now_ms)
    assert script.told() == ["Lost t0"]
