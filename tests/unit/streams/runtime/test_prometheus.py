"""The collector: names, labels and values of what a worker says of itself."""

from __future__ import annotations

import prometheus_client

from streams import StreamsError
from streams.runtime.metrics import WorkerMetrics
from streams.runtime.prometheus import MetricsCollector

METRICS = WorkerMetrics(
    state="running", records_processed=12, lag=3, commits=2, last_commit_ms=250, state_rows=7, waiting=1,
    dropped={"moved: x: null key": 1}, late={"windows": 2}, skipped={"parse": 3}, dead_lettered={"parse": 4},
)  # fmt: skip


def test_everything_is_there() -> None:
    registry = prometheus_client.CollectorRegistry()
    registry.register(MetricsCollector("shop", lambda: METRICS))

    def value(name: str, **labels: str) -> float | None:
        return registry.get_sample_value(name, {"application": "shop", **labels})

    assert value("streams_records_processed_total") == 12
    assert value("streams_commits_total") == 2
    assert value("streams_lag_records") == 3
    assert value("streams_last_commit_seconds") == 0.25
    assert value("streams_waiting_tasks") == 1
    for operator, reason, count in (
        ("moved: x", "null key", 1), ("windows", "late", 2), ("parse", "skipped", 3), ("parse", "dead letter", 4),
    ):  # fmt: skip
        assert value("streams_records_dropped_total", operator=operator, reason=reason) == count


def test_a_scrape_of_what_does_not_run_is_empty() -> None:
    def stopped() -> WorkerMetrics:
        raise StreamsError("the application has stopped")

    assert list(MetricsCollector("shop", stopped).collect()) == []
