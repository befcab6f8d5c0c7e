"""What a member says to its coordinator, and what it makes of the answers. The test is the coordinator."""

from __future__ import annotations

import pytest

from broker_core.errors import ErrorCode
from broker_core.protocol.heartbeat import HeartbeatRequest
from broker_core.protocol.join_group import JoinGroupRequest
from broker_core.protocol.sync_group import SyncGroupRequest
from streams.assignment import CooperativeStickyAssignor, GroupMember, RangeAssignor, StickyAssignor
from streams.assignment.wire import decode_assignment, decode_sticky
from streams.client.group_conversation import TRANSITIONS, State
from tests.unit.streams.assignment.groups import places
from tests.unit.streams.client.group_scripts import REBALANCE, Script

COOPERATIVE = (CooperativeStickyAssignor(),)


def test_the_first_join_is_asked_to_come_again_with_a_name() -> None:
    """KIP-394: the coordinator names the member before it counts on it."""
    script = Script()
    script.member.subscribe(["t"], script.now_ms)
    first = script.answer(JoinGroupRequest, ErrorCode.MEMBER_ID_REQUIRED, member_id="me-1")
    assert (first.member_id, first.group_id, first.protocol_type) == ("", "g", "consumer")
    assert (first.session_timeout_ms, first.rebalance_timeout_ms) == (10_000, 300_000)
    assert [offered.name for offered in first.protocols] == ["range", "cooperative-sticky"]
    assert script.take(JoinGroupRequest).member_id == "me-1", "at once"


def test_a_follower_gets_what_the_leader_planned() -> None:
    script = Script()
    script.member.subscribe(["t"], script.now_ms)
    assert script.joined(generation=3).topics == ("t",)
    sent = script.synced(1, 2)
    assert (sent.generation_id, sent.member_id, sent.protocol_name, sent.assignments) == (3, "me", "range", ())
    assert script.told() == ["Assigned t1 t2"]
    assert script.member.state is State.STABLE
    assert script.member.identity[:3] == ("g", "me", 3)


def test_the_leader_plans_for_all_with_the_chosen_assignor() -> None:
    script = Script({"t": 3})
    script.member.subscribe(["t"], script.now_ms)
    members = [GroupMember(member_id="me", topics=("t",)), GroupMember(member_id="other", topics=("t", "missing"))]
    script.joined(leader=True, members=members)
    sent = script.take(SyncGroupRequest)
    plan = {entry.member_id: decode_assignment(entry.assignment).partitions for entry in sent.assignments}
    assert plan == {"me": places("t", 0, 1), "other": places("t", 2)}


def test_a_leader_that_the_coordinator_tells_not_to_plan_does_not() -> None:
    """KIP-814: a static leader came back and nothing has changed."""
    script = Script(instance_id="one")
    script.member.subscribe(["t"], script.now_ms)
    assert script.take(JoinGroupRequest).group_instance_id == "one"
    script.joined(leader=True, skip_assignment=True)
    assert script.synced(0).assignments == ()


def test_eager_members_let_go_before_they_join_again() -> None:
    script = Script(assignors=(StickyAssignor(),)).member_of(0, 1, protocol="sticky")
    script.after(3_000).answer(HeartbeatRequest, REBALANCE)
    assert script.says_nothing(), "the application has not let go"
    assert script.told() == ["Revoked t0 t1"]
    said = script.joined(generation=2, protocol="sticky")
    assert (said.owned, decode_sticky(said.user_data)) == ((), (places("t", 0, 1), 1))
    script.synced(0)
    assert script.told() == ["Assigned t0"]


def test_cooperative_members_keep_reading_and_join_again_once_they_let_go() -> None:
    """KIP-429: what moves is given up after the first rebalance, and handed out by a second one."""
    script = Script(assignors=COOPERATIVE).member_of(0, 1, protocol="cooperative-sticky")
    script.after(3_000).answer(HeartbeatRequest, REBALANCE)
    assert script.told() == []
    said = script.joined(generation=2, protocol="cooperative-sticky")
    assert (said.owned, said.generation) == (places("t", 0, 1), 1)
    script.synced(0)
    assert script.says_nothing(), "t1 has not been let go of"
    assert script.told() == ["Revoked t1", "Assigned"]
    assert script.joined(generation=3, protocol="cooperative-sticky").owned == places("t", 0)
    script.synced(0)
    script.after(2_000)
    assert script.told() == ["Assigned"]
    assert script.says_nothing()


def test_what_the_application_was_not_told_yet_counts_as_owned_and_goes_without_a_word() -> None:
    script = Script(assignors=COOPERATIVE)
    script.member.subscribe(["t"], script.now_ms)
    script.joined(protocol="cooperative-sticky")
    script.synced(0, 1)
    script.after(3_000).answer(HeartbeatRequest, REBALANCE)
    assert script.joined(generation=2, protocol="cooperative-sticky").owned == places("t", 0, 1)
    script.synced(0)
    script.take(JoinGroupRequest)  # nothing to let go of: the second rebalance begins at once
    assert script.told() == ["Assigned t0"]


def test_a_cooperative_assignor_in_company_is_eager() -> None:
    """A group may choose either: with range in the list nobody could keep anything."""
    script = Script(assignors=(RangeAssignor(), *COOPERATIVE)).member_of(0)
    script.after(3_000).answer(HeartbeatRequest, REBALANCE)
    assert script.told() == ["Revoked t0"]


def test_heartbeats_keep_their_interval_and_the_deadline_says_when() -> None:
    script = Script().member_of(0)
    assert script.member.next_deadline() == script.now_ms + 3_000
    assert script.after(2_999).says_nothing()
    body = script.after(1).answer(HeartbeatRequest)
    assert (body.generation_id, body.member_id) == (1, "me")
    assert script.member.next_deadline() == script.now_ms + 3_000


def test_heartbeats_go_on_while_the_application_takes_its_time_to_let_go() -> None:
    script = Script().member_of(0)
    script.after(3_000).answer(HeartbeatRequest, REBALANCE)
    script.after(3_000).answer(HeartbeatRequest, REBALANCE)
    assert script.told() == ["Revoked t0"], "once"


@pytest.mark.parametrize("code", [ErrorCode.UNKNOWN_MEMBER_ID, ErrorCode.ILLEGAL_GENERATION])
def test_a_generation_that_went_on_without_us_loses_everything(code: ErrorCode) -> None:
    script = Script(assignors=COOPERATIVE).member_of(0, 1, protocol="cooperative-sticky")
    script.after(3_000).answer(HeartbeatRequest, code)
    assert script.member.identity.generation == -1
    assert script.says_nothing(), "the application does not know yet"
    assert script.told() == ["Lost t0 t1"]
    request = script.take(JoinGroupRequest)
    assert request.member_id == ("" if code == ErrorCode.UNKNOWN_MEMBER_ID else "me")


def test_lost_while_letting_go_is_told_for_the_rest_only() -> None:
    script = Script(assignors=COOPERATIVE).member_of(0, 1, protocol="cooperative-sticky")
    script.after(3_000).answer(HeartbeatRequest, REBALANCE)
    script.joined(generation=2, protocol="cooperative-sticky")
    script.synced(0)
    event = script.member.next_event()
    assert event is not None
    assert event.partitions == places("t", 1)
    script.after(3_000).answer(HeartbeatRequest, ErrorCode.UNKNOWN_MEMBER_ID)
    script.member.handover.released()
    assert script.told() == ["Lost t0"]


@pytest.mark.parametrize("code", [ErrorCode.NOT_COORDINATOR, ErrorCode.COORDINATOR_NOT_AVAILABLE])
def test_a_coordinator_that_moved_is_found_again(code: ErrorCode) -> None:
    script = Script().member_of(0)
    script.after(3_000).answer(HeartbeatRequest, code)
    assert script.forgotten == 1
    script.after(25).answer(HeartbeatRequest)
    assert script.told() == [], "the membership lives on"


def test_a_join_without_an_answer_is_tried_elsewhere() -> None:
    script = Script()
    script.member.subscribe(["t"], script.now_ms)
    script.lose(JoinGroupRequest)
    assert script.forgotten == 1
    assert script.says_nothing()
    script.after(25).take(JoinGroupRequest)


@pytest.mark.parametrize("code", [ErrorCode.COORDINATOR_LOAD_IN_PROGRESS, REBALANCE, ErrorCode.REQUEST_TIMED_OUT])
def test_a_coordinator_that_is_not_ready_is_asked_again_later(code: ErrorCode) -> None:
    script = Script()
    script.member.subscribe(["t"], script.now_ms)
    script.answer(JoinGroupRequest, code)
    assert script.says_nothing()
    assert script.member.next_deadline() is not None
    script.after(25).take(JoinGroupRequest)


@pytest.mark.parametrize("code", [REBALANCE, ErrorCode.NOT_COORDINATOR, ErrorCode.UNKNOWN_MEMBER_ID])
def test_a_refused_sync_joins_again(code: ErrorCode) -> None:
    script = Script()
    script.member.subscribe(["t"], script.now_ms)
    script.joined()
    script.answer(SyncGroupRequest, code)
    script.after(25).take(JoinGroupRequest)
    assert script.told() == []


@pytest.mark.parametrize(
    "code",
    [
        ErrorCode.FENCED_INSTANCE_ID, ErrorCode.INCONSISTENT_GROUP_PROTOCOL, ErrorCode.GROUP_AUTHORIZATION_FAILED,
        ErrorCode.INVALID_SESSION_TIMEOUT, ErrorCode.GROUP_MAX_SIZE_REACHED, 12345,
    ],
)  # fmt: skip
def test_what_no_request_helps_with_ends_the_membership(code: int) -> None:
    script = Script(assignors=COOPERATIVE).member_of(0, protocol="cooperative-sticky")
    script.after(3_000).answer(HeartbeatRequest, REBALANCE)
    script.answer(JoinGroupRequest, code)
    assert script.member.state is State.FAILED
    assert script.told() == ["Lost t0"]
    assert script.member.error is not None
    assert script.member.error.code == code
    assert "group g" in str(script.member.error)
    assert script.after(60_000).says_nothing()
    assert script.member.next_deadline() is None


def test_a_session_without_answers_looks_for_another_coordinator() -> None:
    script = Script().member_of(0)
    script.after(3_000).take(HeartbeatRequest)
    assert script.member.next_deadline() == script.now_ms + 7_000
    script._calls.clear()  # its answer never comes
    script.after(7_000).take(HeartbeatRequest)
    assert script.forgotten == 1


def test_no_coordinator_known_is_no_busy_loop() -> None:
    script = Script().member_of(0)
    script.node = None
    assert script.after(3_000).says_nothing()
    deadline = script.member.next_deadline()
    assert deadline is not None
    assert deadline > script.now_ms


def test_a_changed_subscription_lets_go_of_its_topics_and_joins_again() -> None:
    script = Script({"t": 1, "u": 1}, assignors=COOPERATIVE)
    script.member.subscribe(["t", "u"], script.now_ms)
    script.joined(protocol="cooperative-sticky")
    script.synced(0)
    script.told()
    script.member.subscribe(["u"], script.now_ms)
    assert script.told() == ["Revoked t0"]
    said = script.joined(generation=2, protocol="cooperative-sticky")
    assert (said.topics, said.owned) == (("u",), ())


def test_a_subscription_that_changes_in_the_middle_of_a_rebalance_is_joined_next() -> None:
    script = Script()
    script.member.subscribe(["t"], script.now_ms)
    script.joined()
    script.member.subscribe(["t", "u"], script.now_ms)
    script.synced(0)
    assert script.told() == [], "what is about to go is not told"
    assert script.joined(generation=2).topics == ("t", "u")


def test_new_partitions_make_the_leader_ask_for_a_rebalance() -> None:
    script = Script({"t": 2})
    script.member.subscribe(["t"], script.now_ms)
    script.joined(leader=True, members=[GroupMember(member_id="me", topics=("t",))])
    script.synced(0, 1)
    script.told()
    script.counts["t"] = 3
    for _ in range(10):
        script.after(3_000).answer(HeartbeatRequest)
    script.member.calls(script.now_ms)
    assert script.told() == ["Revoked t0 t1"]
    script.take(JoinGroupRequest)


def test_rubbish_in_the_group_names_the_member() -> None:
    script = Script()
    script.member.subscribe(["t"], script.now_ms)
    script.take(JoinGroupRequest)
    from broker_core.protocol.join_group import JoinGroupResponseMember

    script.answer(
        JoinGroupRequest, generation_id=1, protocol_name="range", member_id="me", leader="me",
        members=(JoinGroupResponseMember(member_id="odd", metadata=b"\x00"),),
    )  # fmt: skip
    assert "member odd" in str(script.member.error)


def test_every_state_has_its_row() -> None:
    assert set(TRANSITIONS) == set(State)
