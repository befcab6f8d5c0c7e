"""Brokers that tests of one module share."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.interop.brokers import ApacheKafka, Broker, OwnBroker


@pytest.fixture(scope="module", params=["apache-kafka", "ours"])
def cluster(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Broker]:
    """Apache Kafka (where it can run), and our own broker, each a process."""
    directory = tmp_path_factory.mktemp(request.param)
    with ApacheKafka(directory) if request.param == "apache-kafka" else OwnBroker(directory) as broker:
        yield broker
