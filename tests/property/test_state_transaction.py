"""A transaction over a back end reads as a dictionary does, whatever the mix of stores, layers and commits."""

from __future__ import annotations

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from state.backends.memory import MemoryBackend
from state.model import POSITION_FAMILY
from state.transaction import TaskTransaction

FAMILIES = ("counts", "totals")
KEYS = [b"", b"\x00", b"a", b"aa", b"b", b"\xff"]

families = st.sampled_from(FAMILIES)
keys = st.sampled_from(KEYS)
bounds = st.none() | keys
Rows = dict[tuple[str, bytes], bytes]


class ReadThrough(RuleBasedStateMachine):
    """``seen`` is what the open transaction must see, ``applied`` what a query must, ``pending`` what is prepared."""

    def __init__(self) -> None:
        super().__init__()
        self.backend = MemoryBackend(FAMILIES)
        self.transaction = TaskTransaction(self.backend)
        self.seen: Rows = {}
        self.applied: Rows = {}
        self.pending: Rows | None = None
        self.commits = 0

    @rule(family=families, key=keys, value=st.binary(max_size=3))
    def put(self, family: str, key: bytes, value: bytes) -> None:
        self.transaction.put(family, key, value)
        self.seen[family, key] = value

    @rule(family=families, key=keys)
    def delete(self, family: str, key: bytes) -> None:
        self.transaction.delete(family, key)
        self.seen.pop((family, key), None)

    @rule(family=families, changed=st.lists(st.tuples(keys, st.none() | st.binary(max_size=3)), max_size=4))
    def put_many(self, family: str, changed: list[tuple[bytes, bytes | None]]) -> None:
        self.transaction.family(family).put_many([key for key, _ in changed], [value for _, value in changed])
        for key, value in changed:
            self.seen.pop((family, key), None)
            if value is not None:
                self.seen[family, key] = value

    @rule()
    def prepare(self) -> None:
        if self.pending is None:
            self.transaction.prepare()
            self.pending = dict(self.seen)

    @rule()
    def apply(self) -> None:
        self.commits += 1
        self.transaction.apply({"topic": b"%d" % self.commits})
        self.applied = dict(self.seen) if self.pending is None else self.pending
        self.pending = None
        assert self.backend.get(POSITION_FAMILY, b"topic") == b"%d" % self.commits

    @rule()
    def discard(self) -> None:
        self.transaction.discard()
        self.seen, self.pending = dict(self.applied), None

    @rule(family=families, start=bounds, end=bounds, reverse=st.booleans())
    def scan(self, family: str, start: bytes | None, end: bytes | None, reverse: bool) -> None:
        expected = sorted(
            (
                (key, value)
                for (owner, key), value in self.seen.items()
                if owner == family and (start is None or key >= start) and (end is None or key < end)
            ),
            reverse=reverse,
        )
        assert list(self.transaction.scan(family, start, end, reverse=reverse)) == expected

    @invariant()
    def reads_are_those_of_the_model(self) -> None:
        for family in FAMILIES:
            seen = [self.seen.get((family, key)) for key in KEYS]
            assert self.transaction.get_many(family, KEYS) == seen
            assert [self.transaction.get(family, key) for key in KEYS] == seen
            assert self.backend.get_many(family, KEYS) == [self.applied.get((family, key)) for key in KEYS]


TestReadThrough = ReadThrough.TestCase
TestReadThrough.settings = settings(max_examples=50, stateful_step_count=30, deadline=None)
