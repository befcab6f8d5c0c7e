"""What a worker can say of itself at any moment: plain numbers, taken on the worker's thread."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerMetrics:
    """A snapshot. Counts are since the worker's start; times are milliseconds, sizes bytes.

    Arguments:
        state: of the worker's lifecycle, as a word.
        lag: records on the broker that no task has processed yet, as far as known.
        dropped: ``"operator: reason"`` to a count.
    """

    state: str
    records_processed: int = 0
    records_fed: int = 0
    records_restored: int = 0
    lag: int = 0
    commits: int = 0
    last_commit_ms: float = 0.0
    state_bytes: int = 0
    state_rows: int = 0
    restore_done: float = 1.0
    dropped: dict[str, int] = field(default_factory=dict)
