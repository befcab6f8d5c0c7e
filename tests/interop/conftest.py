"""Brokers that tests share, and which tests are the sample that runs with all others.

Everything here starts Java or other people's clients, and takes seconds a test. All of it:
``python -m pytest tests/interop -m "slow or not slow"``.
"""

from __future__ import annotations

import gc
import warnings
from collections.abc import Iterator
from typing import Final

import pytest

from tests.interop.brokers import ApacheKafka, Broker, OwnBroker

SAMPLE: Final = {
    "test_admin_tools.py": ("topics_are_made", "transactions_are_listed"),
    "test_client_codecs.py": ("",),
    "test_dump_log.py": ("closed_log", "compaction"),
    "test_java_clients.py": ("producer_writes", "consumer_reads", "streams"),
    "test_kcat.py": ("",),
    "test_listening.py": ("",),
}
"""By module, the parts of names that are run with all other tests; of the other modules nothing is."""
ON_KAFKA: Final = {
    "test_examples_on_a_cluster.py": (
        "test_example[apache-kafka",
        "test_kafkas_tools_see_the_application[apache-kafka",
        "test_the_commands[apache-kafka",
    ),
    "test_kill_on_a_cluster.py": ("killed[apache-kafka-few_points",),
}
"""In the same way what ``-m on_kafka`` runs, in a process of its own: beside all other tests it would take too long."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if item.path.parent.name == "interop":
            if any(part in item.name for part in ON_KAFKA.get(item.path.name, ())):
                item.add_marker(pytest.mark.on_kafka)
            if not any(part in item.name for part in SAMPLE.get(item.path.name, ())):
                item.add_marker(pytest.mark.slow)
            item.add_marker(pytest.mark.filterwarnings("ignore::ResourceWarning"))


@pytest.fixture(autouse=True)
def sockets_that_clients_forget() -> Iterator[None]:
    """What other people's clients leave open is swept up here, and does not fail a test that comes later."""
    yield
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)
        gc.collect()


@pytest.fixture
def topic(request: pytest.FixtureRequest) -> str:
    """A name of the test's own."""
    return "".join(char if char.isalnum() else "." for char in request.node.name).strip(".")


@pytest.fixture(scope="session", params=["apache-kafka", "ours"])
def cluster(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Broker]:
    """Apache Kafka (where it can run), and our own broker, each a process."""
    directory = tmp_path_factory.mktemp(request.param)
    with ApacheKafka(directory) if request.param == "apache-kafka" else OwnBroker(directory) as broker:
        yield broker
