"""Brokers that tests of one module share, and which tests are the sample that runs with all others.

Everything here starts Java or other people's clients, and takes seconds a test. All of it:
``python -m pytest tests/interop -m "slow or not slow"``.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import pytest

from tests.interop.brokers import ApacheKafka, Broker, OwnBroker

SAMPLE: Final = {
    "test_admin_tools.py": ("topics_are_made", "transactions_are_listed"),
    "test_dump_log.py": ("closed_log", "compaction"),
    "test_java_clients.py": ("producer_writes", "consumer_reads", "streams"),
    "test_kill_on_a_cluster.py": ("the_application_is_killed", "our_broker_is_killed"),
    "test_our_clients.py": ("[ours", "three_kinds[apache"),
    "test_refusals.py": (),
}
"""By module, the parts of names that are run with all other tests; of the other modules everything is."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if item.path.parent.name == "interop":
            wanted = SAMPLE.get(item.path.name)
            if wanted is not None and not any(part in item.name for part in wanted):
                item.add_marker(pytest.mark.slow)


@pytest.fixture(scope="module", params=["apache-kafka", "ours"])
def cluster(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Broker]:
    """Apache Kafka (where it can run), and our own broker, each a process."""
    directory = tmp_path_factory.mktemp(request.param)
    with ApacheKafka(directory) if request.param == "apache-kafka" else OwnBroker(directory) as broker:
        yield broker
