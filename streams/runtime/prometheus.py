"""Metrics for Prometheus: what ``App.metrics`` says, as a collector of ``prometheus_client`` (extra ``metrics``).

Only names and types are here. ``prometheus_client`` serves them: ``start_http_server(9100)``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from streams.errors import StreamsError
from streams.operators.drops import DEAD_LETTERED, LATE, SKIPPED
from streams.runtime.metrics import WorkerMetrics


class MetricsCollector:
    """Register with ``prometheus_client.REGISTRY.register(MetricsCollector("shop", lambda: app.metrics))``.

    Arguments:
        application_id: label of all metrics.
        read: gives the numbers; called at each scrape, on the scraper's thread.

    Raises:
        ImportError: ``prometheus_client`` is not installed: ``pip install streams-dsl[metrics]``.
    """

    def __init__(self, application_id: str, read: Callable[[], WorkerMetrics]) -> None:
        import prometheus_client.core as prometheus

        self._application_id = application_id
        self._read = read
        self._prometheus = prometheus

    def collect(self) -> Iterator[Any]:
        """The metrics of this moment; nothing while the application does not run."""
        try:
            metrics = self._read()
        except StreamsError:
            return
        labels = [self._application_id]
        for name, help_text, value in (
            ("streams_records_processed", "Records that tasks have processed.", metrics.records_processed),
            ("streams_records_fed", "Records that feeds have written.", metrics.records_fed),
            ("streams_commits", "Commits.", metrics.commits),
        ):
            family = self._prometheus.CounterMetricFamily(name, help_text, labels=["application"])
            family.add_metric(labels, value)
            yield family
        for name, help_text, gauge in (
            ("streams_lag_records", "Records on the broker that no task has processed yet.", metrics.lag),
            ("streams_state_bytes", "Size of the local state.", metrics.state_bytes),
            ("streams_state_rows", "Rows of the local state.", metrics.state_rows),
            ("streams_last_commit_seconds", "How long the last commit took.", metrics.last_commit_ms / 1000),
            ("streams_waiting_tasks", "Tasks that wait for the retry of a record.", metrics.waiting),
        ):
            measured = self._prometheus.GaugeMetricFamily(name, help_text, labels=["application"])
            measured.add_metric(labels, gauge)
            yield measured
        yield self._dropped(metrics)

    def _dropped(self, metrics: WorkerMetrics) -> Any:
        text = "Records that ended at an operator, by reason: late, skipped, dead letter, null key, ..."
        family = self._prometheus.CounterMetricFamily(
            "streams_records_dropped", text, labels=["application", "operator", "reason"]
        )
        for reason, counts in (
            (LATE, metrics.late),
            (SKIPPED, metrics.skipped),
            (DEAD_LETTERED, metrics.dead_lettered),
        ):
            for operator, count in counts.items():
                family.add_metric([self._application_id, operator, reason], count)
        for name, count in metrics.dropped.items():
            operator, _, reason = name.rpartition(": ")
            family.add_metric([self._application_id, operator, reason], count)
        return family
