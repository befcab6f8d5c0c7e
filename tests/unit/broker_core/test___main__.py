"""The broker as a process: starts, says where it listens, is told to stop, and refuses what it cannot do."""

from __future__ import annotations

from pathlib import Path

import pytest

from broker_core.__main__ import main
from broker_core.protocol.metadata import MetadataRequest, MetadataRequestTopic
from broker_core.server import wall_clock_ms
from tests.unit.broker_core.broker_kit import fetched, produce_request, produced, read_values
from tests.unit.broker_core.broker_process import BrokerProcess
from tests.unit.broker_core.test_server_connection import fetch


def test_it_serves_until_it_is_told_to_stop_and_goes_on_where_it_was(tmp_path: Path) -> None:
    with BrokerProcess(tmp_path, "node.id=7", "num.partitions=2", "min.free.bytes=0") as broker:
        with broker.connect() as client:
            answer = client.exchange(MetadataRequest(topics=(MetadataRequestTopic(name="t"),)), 8)
            (node,) = answer.brokers
            assert (node.node_id, node.host, node.port, answer.controller_id) == (7, "127.0.0.1", broker.port, 7)
            assert len(answer.topics[0].partitions) == 2
            assert produced(client.exchange(produce_request("t", "a", now_ms=wall_clock_ms()))).error_code == 0
            assert broker.terminate() == 0
            assert client.is_closed()
        broker.start()
        with broker.connect() as client:
            assert read_values(fetched(client.exchange(fetch(), 12)), 0, committed=False) == ["a"]
            assert main(["--listen", broker.address, "--data-dir", str(tmp_path)]) == 1


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (["--set", "num.partition=3"], "no broker setting 'num.partition'; the nearest are num.partitions"),
        (["--set", "num.partitions"], "is not name=value"),
        (["--listen", "nowhere"], "is not one host:port"),
        (["--listen", "127.0.0.1:0", "--data-dir", "/proc/nothing"], "log in /proc/nothing"),
    ],
)
def test_what_it_refuses(options: list[str], says: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(options) == 1
    assert says in capsys.readouterr().err


def test_the_help_lists_the_settings(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["--help"])
    assert "auto.create.topics.enable" in capsys.readouterr().out
