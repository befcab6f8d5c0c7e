"""The commit as a plan: which steps, in which order, and what a crash at each of them leaves behind.

Pure values. ``runtime.committing`` executes a plan; tests walk its boundaries. The order is the point: effects are
made durable on the broker before the transaction ends, and local state changes only after it has ended, so that the
log alone decides what happened (architecture.md, section 4.5; the idea of ordered work as a value is etcd's
``raft/rawnode.go``).
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from streams.config import Guarantee


class StepKind(Enum):
    """What a step does; the runtime has one function for each."""

    FLUSH_CACHES = "flush_caches"
    FLUSH_PRODUCER = "flush_producer"
    SEND_OFFSETS = "send_offsets"
    END_TRANSACTION = "end_transaction"
    COMMIT_OFFSETS = "commit_offsets"
    APPLY = "apply"


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One step, and the answer to "what if the process dies in it"."""

    kind: StepKind
    on_crash: str


EXACTLY_ONCE: tuple[Step, ...] = (
    Step(
        kind=StepKind.FLUSH_CACHES,
        on_crash="The open transaction is aborted by the next InitProducerId; local state was not touched.",
    ),
    Step(
        kind=StepKind.FLUSH_PRODUCER,
        on_crash="Outputs and changelog rows on the broker belong to an open transaction and are aborted with it.",
    ),
    Step(
        kind=StepKind.SEND_OFFSETS,
        on_crash="The offsets are pending in the same transaction and are dropped with it.",
    ),
    Step(
        kind=StepKind.END_TRANSACTION,
        on_crash="Either PrepareCommit is durable, then the broker finishes the commit and the changelog tail is "
        "replayed into local state, or it is not, then everything is aborted.",
    ),
    Step(
        kind=StepKind.APPLY,
        on_crash="The transaction is committed; rows that a task had not applied come back from the changelog tail, "
        "from the position stored with the rows that it had.",
    ),
)

AT_LEAST_ONCE: tuple[Step, ...] = (
    Step(
        kind=StepKind.FLUSH_CACHES,
        on_crash="Nothing left the process; the records since the last commit are processed again.",
    ),
    Step(
        kind=StepKind.FLUSH_PRODUCER,
        on_crash="Some effects are on the broker; their input is processed again and the effects repeated.",
    ),
    Step(
        kind=StepKind.COMMIT_OFFSETS,
        on_crash="As above if the commit did not arrive; otherwise local state catches up from the changelog.",
    ),
    Step(
        kind=StepKind.APPLY,
        on_crash="Offsets are committed; rows that were not applied come back from the changelog tail.",
    ),
)


def commit_plan(guarantee: Guarantee) -> tuple[Step, ...]:
    """The steps of one commit of all tasks of a worker, in order."""
    return EXACTLY_ONCE if guarantee is Guarantee.EXACTLY_ONCE else AT_LEAST_ONCE
