"""The broker's command: what it says, serves and refuses."""

from __future__ import annotations

from pathlib import Path

import pytest

from broker_core.broker_config import LOG_SETTINGS, START_SETTINGS
from broker_core.errors import BrokerError
from broker_core.protocol.metadata import MetadataRequest
from tests.unit.broker_core.broker_process import BrokerProcess
from tests.unit.streams.cli.broker_page import PAGE, settings_table
from tests.unit.streams.cli.conftest import Invoke

COMMAND = ("-c", "from streams.cli.main import main; main()", "broker")


def test_it_serves_until_it_is_told_to_stop(tmp_path: Path) -> None:
    with BrokerProcess(tmp_path, "node.id=3", command=COMMAND) as broker:
        with broker.connect() as client:
            (node,) = client.exchange(MetadataRequest(topics=())).brokers
        assert (node.node_id, node.port) == (3, broker.port)
        assert broker.terminate() == 0


def test_the_settings_are_listed(invoke: Invoke) -> None:
    told = invoke("broker", "--settings").output
    for name in ("num.partitions", "log.retention.ms", "connections.max.idle.ms"):
        assert name in told
    assert "\nnum.partitions=4\n    Partitions of" in told  # as --set takes it


def test_an_unknown_setting_names_the_nearest(invoke: Invoke) -> None:
    with pytest.raises(BrokerError, match=r"the nearest are num\.partitions"):
        invoke("broker", "--set", "num.partition=3")


def test_the_page_lists_every_setting_with_its_default() -> None:
    """docs/how-to/broker.md against the code."""
    text = PAGE.read_text()
    assert settings_table() in text
    assert all(name in text for name in (*START_SETTINGS, *LOG_SETTINGS))
