"""What a worker can say of itself at any moment: plain numbers, taken on the worker's thread."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from streams.codegen.counters import DropCounters
from streams.operators.drops import DEAD_LETTERED, LATE, SKIPPED

if TYPE_CHECKING:
    from streams.runtime.engine import Engine


@dataclass(slots=True)
class Totals:
    """Counts since the worker's start, restarts included; times are milliseconds."""

    processed: int = 0
    fed: int = 0
    commits: int = 0
    last_commit_ms: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerMetrics:
    """A snapshot. Counts are since the worker's start; times are milliseconds, sizes bytes.

    Arguments:
        state: of the worker's lifecycle, as a word.
        lag: records on the broker that no task has processed yet, as far as known.
        waiting: tasks that wait for the retry of a record.
        dropped: ``"operator: reason"`` to a count; whatever is not in the three below.
        late: operator to records that came after their window had closed, once for each window.
        skipped, dead_lettered: operator to records that it failed on and that its error policy let go of.
    """

    state: str
    records_processed: int = 0
    records_fed: int = 0
    lag: int = 0
    commits: int = 0
    last_commit_ms: int = 0
    state_bytes: int = 0
    state_rows: int = 0
    waiting: int = 0
    dropped: dict[str, int] = field(default_factory=dict)
    late: dict[str, int] = field(default_factory=dict)
    skipped: dict[str, int] = field(default_factory=dict)
    dead_lettered: dict[str, int] = field(default_factory=dict)


def snapshot(state: str, totals: Totals, engine: Engine | None, counters: DropCounters) -> WorkerMetrics:
    """The numbers as they are now; sizes and lag are 0 while no task runs."""
    tasks = engine.tasks if engine is not None else []
    own = {LATE: dict[str, int](), SKIPPED: dict[str, int](), DEAD_LETTERED: dict[str, int]()}
    dropped: dict[str, int] = {}
    for (operator, reason), count in counters.counts.items():
        if reason in own:
            own[reason][operator] = count
        else:
            dropped[f"{operator}: {reason}"] = count
    return WorkerMetrics(
        state=state,
        records_processed=totals.processed,
        records_fed=totals.fed,
        lag=engine.flow.lag() if engine is not None else 0,
        commits=totals.commits,
        last_commit_ms=totals.last_commit_ms,
        state_bytes=sum(running.stores.backend.size_bytes() for running in tasks if running.stores.specs),
        state_rows=sum(
            running.stores.backend.approximate_count(spec.name) for running in tasks for spec in running.stores.specs
        ),
        waiting=sum(running.task.resumes_at_ms is not None for running in tasks),
        dropped=dropped,
        late=own[LATE],
        skipped=own[SKIPPED],
        dead_lettered=own[DEAD_LETTERED],
    )
