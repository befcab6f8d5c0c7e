"""Members that join, sync, work, die, come back and leave as they like, over a broker that may lose power.

What holds after every step: durable state is what its records lead to; a generation that anybody was told an assignment
of has only that one; its leader is a member; whoever waits is going to be answered, by a timer if by nothing else.
"""

from __future__ import annotations

from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from broker_core.coordinator_journal import Journal
from broker_core.errors import ErrorCode
from broker_core.group.membership import MembershipTable
from broker_core.group.session import ClassicGroup
from broker_core.group.states import GroupState
from broker_core.group.table import OffsetTable
from broker_core.group.timers import Timer, TimerKind
from broker_core.txn.table import TransactionTable
from tests.unit.broker_core.coordinator_world import OFFSETS, A, commit_request
from tests.unit.broker_core.group.group_world import Answer, GroupWorld, subscription

DYNAMIC = ("a", "b", "c")
STATIC = ("s", "t")
REBALANCE_MS = 7_000
"""Shorter than a session, so that members are late that are not dead."""
NAMES = st.sampled_from(DYNAMIC + STATIC)
GONE = {ErrorCode.UNKNOWN_MEMBER_ID, ErrorCode.FENCED_INSTANCE_ID}
AGAIN = {ErrorCode.REBALANCE_IN_PROGRESS, ErrorCode.ILLEGAL_GENERATION, ErrorCode.NOT_COORDINATOR}


class Groups(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.world = GroupWorld()
        self.told: dict[int, bytes] = {}
        """Assignments by generation; a leader gives all members the same."""
        self.plans = 0
        self.lives = dict.fromkeys(DYNAMIC + STATIC, 0)
        self.to_sync: dict[str, Any] = {}
        self.settled: set[str] = set()
        """Processes that have an assignment and know of nothing newer."""
        self.newest = 0

    @initialize(delay_ms=st.sampled_from([0, 3_000]))
    def begin(self, delay_ms: int) -> None:
        self.world = GroupWorld(group_initial_rebalance_delay_ms=delay_ms)

    # -- clients

    def name(self, person: str) -> str:
        """The process that is called so in its present life."""
        return f"{person}{'*' * self.lives[person]}"

    def listen(self) -> None:
        """Everybody takes note of what was answered."""
        for answer in self.world.take():
            person = answer.name.rstrip("*")
            if answer.kind == "sync" and answer.code is ErrorCode.NONE:
                self.assigned(answer)
            if answer.name != self.name(person):
                continue  # nobody is there any more to hear it
            if answer.code is not ErrorCode.NONE or answer.kind == "join":
                self.settled.discard(answer.name)
            elif answer.kind == "sync":
                self.settled.add(answer.name)
            if answer.kind == "join":
                self.to_sync.pop(answer.name, None)
                if answer.code is ErrorCode.NONE:
                    self.to_sync[answer.name] = answer.body
            elif answer.kind == "leave" or answer.code in AGAIN:
                self.to_sync.pop(answer.name, None)
            if answer.kind != "commit" and answer.code in GONE:
                self.world.who(answer.name).member_id = ""
                self.to_sync.pop(answer.name, None)

    def assigned(self, answer: Answer) -> None:
        plan = answer.body.assignment
        generation = int(plan.partition(b":")[0])
        assert self.told.setdefault(generation, plan) == plan, "two assignments of one generation"

    @rule(person=NAMES, topic=st.sampled_from(["x", "x", "x", "y"]), version=st.sampled_from([2, 5, 9, 9]))
    def join(self, person: str, topic: str, version: int) -> None:
        name = self.name(person)
        if not self.world.is_waiting(name):
            instance = person if person in STATIC else None
            protocols = {"range": subscription(topic)}
            self.world.join(
                name,
                max(version, 5) if instance else version,
                instance=instance,
                protocols=protocols,
                rebalance_ms=REBALANCE_MS,
            )
            self.listen()

    @rule(person=NAMES)
    def sync(self, person: str) -> None:
        name = self.name(person)
        joined = self.to_sync.get(name)
        if joined is None or self.world.is_waiting(name):
            return
        del self.to_sync[name]
        assignments = {}
        if joined.members and not joined.skip_assignment:
            self.plans += 1
            plan = f"{joined.generation_id}:{self.plans}".encode()
            assignments = {member.member_id: plan for member in joined.members}
        self.world.sync_ids(name, assignments)
        self.listen()

    @rule(person=NAMES)
    def heartbeat(self, person: str) -> None:
        if not self.world.is_waiting(self.name(person)):
            self.world.heartbeat(self.name(person))
            self.listen()

    @rule(person=NAMES)
    def commit(self, person: str) -> None:
        name = self.name(person)
        someone = self.world.who(name)
        if not self.world.is_waiting(name):
            body = commit_request({A: 1}, generation=someone.generation, member=someone.member_id)
            answer = self.world.submit(body, 9)
            if isinstance(answer, int) and (group := self.group) is not None and group.members:
                assert someone.member_id in group.members, "taken from a stranger"

    @rule(person=NAMES)
    def leave(self, person: str) -> None:
        """On its own behalf, or by an administrator while a request of its own is parked."""
        self.world.leave(self.name(person))
        self.listen()

    @rule(person=NAMES)
    def die(self, person: str) -> None:
        """The process is killed, perhaps with a request under way, and started again under its old name."""
        self.lives[person] += 1

    @rule(
        steps=st.lists(st.tuples(NAMES, st.integers(0, 19)), min_size=20, max_size=60),
        passed_ms=st.sampled_from([500, 1_500, 4_000]),
    )
    def go_on(self, steps: list[tuple[str, int]], passed_ms: int) -> None:
        """Clients do what the protocol asks of them, mostly; disk and time go on."""
        for person, choice in steps:
            name = self.name(person)
            if choice >= 16:
                self.disk()
                self.tick(passed_ms)
            elif choice == 0 and (name in self.settled or self.world.is_waiting(name)):
                self.leave(person)
            elif name in self.to_sync:
                self.sync(person)
            elif name in self.settled and choice > 1:
                self.heartbeat(person)
            else:
                self.join(person, "x", 9)

    # -- disk, time, power

    @rule()
    def disk(self) -> None:
        self.world.settle()
        self.listen()

    @rule(passed_ms=st.sampled_from([500, 3_000, 5_000, 10_000, 60_000]))
    def tick(self, passed_ms: int) -> None:
        self.world.tick(passed_ms)
        self.listen()

    @rule()
    def power_failure(self) -> None:
        self.world.crash()
        self.world.waiting.clear()
        self.world.replies.clear()
        self.to_sync.clear()
        self.newest = 0

    # -- properties

    @property
    def group(self) -> ClassicGroup | None:
        return self.world.coordinator.groups.find("g")

    @invariant()
    def durable_state_is_what_its_records_lead_to(self) -> None:
        again = MembershipTable()
        reader = Journal(self.world.logs, TransactionTable(1), OffsetTable(1), again)
        reader.load(OFFSETS, b"".join(self.world.logs.logs[OFFSETS].batches))
        assert dict(again) == dict(self.world.coordinator.groups.memberships)

    @invariant()
    def members_and_leader_belong_together(self) -> None:
        group = self.group
        if group is None:
            return
        assert group.generation >= self.newest
        self.newest = group.generation
        assert all(member_id == member.member_id for member_id, member in group.members.items())
        assert sorted(group.static.values()) == sorted(
            member.member_id for member in group.members.values() if member.instance_id is not None
        )
        if group.state in {GroupState.COMPLETING_REBALANCE, GroupState.STABLE}:
            assert group.leader in group.members
            assert group.protocol is not None
        if group.state is GroupState.EMPTY:
            assert not group.members
            assert group.leader is None
        if group.state is GroupState.STABLE:
            stored = self.world.stored
            assert stored is not None
            assert (stored.generation, stored.leader) == (group.generation, group.leader)
            assert [member.member_id for member in stored.members] == list(group.members)

    @invariant()
    def whoever_waits_will_be_answered(self) -> None:
        group = self.group
        timers = self.world.coordinator.groups._timers
        if group is not None:
            if group.state is GroupState.PREPARING_REBALANCE:
                assert timers.deadline(Timer("g", TimerKind.JOIN)) is not None
            if group.unsynced:
                assert timers.deadline(Timer("g", TimerKind.SYNC)) is not None
            for member in group.members.values():
                parked = member.join is not None or member.sync is not None
                has_session = timers.deadline(Timer("g", TimerKind.SESSION, member.member_id)) is not None
                assert parked or has_session, "nobody would miss it"
                if group.state is GroupState.COMPLETING_REBALANCE:
                    assert member.join is None, "a member of the generation that was not told"
                if group.state is GroupState.STABLE:
                    assert member.sync is None
        members = group.members.values() if group is not None else ()
        parked_tokens = {ticket.token for member in members for ticket in (member.join, member.sync) if ticket}
        waits = self.world.coordinator._steps.waits._waits
        held = {answer.token for wait in waits for answer in wait.answers}
        assert set(self.world.waiting) <= parked_tokens | held

    def teardown(self) -> None:
        """Everybody dies: all that waits is answered, and the group is empty."""
        for _ in range(40):
            self.tick(60_000)
            self.disk()
        assert not self.world.waiting
        assert self.world.group_state in {"Empty", "Dead"}


TestGroups = Groups.TestCase
TestGroups.settings = settings(
    max_examples=100, stateful_step_count=20, deadline=None, suppress_health_check=list(HealthCheck)
)
