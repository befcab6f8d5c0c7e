"""A running application's log, looked into by an unmodified client while the application works."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

APPLICATION = """
from streams import App

app = App("shouting", data_dir="data", partitions=1)
app.stream("lines", key=str, value=str).map_values(str.upper, value=str).to("shouted")
"""
RUN = "from streams.cli.main import main; main()"
REPOSITORY = Path(__file__).parent.parent.parent
PATIENCE = 200


def test_records_go_in_and_results_come_out_by_librdkafka(tmp_path: Path) -> None:
    """Produced from outside, processed inside, read and described from outside; then stopped by SIGTERM."""
    kafka = pytest.importorskip("confluent_kafka")
    (tmp_path / "app.py").write_text(APPLICATION)
    process = subprocess.Popen(
        [sys.executable, "-c", RUN, "run", "app.py", "--listen", "127.0.0.1:0"],
        cwd=tmp_path,
        env={"PYTHONPATH": str(REPOSITORY), "PATH": "", "COLUMNS": "200"},
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stderr is not None
    try:
        for line in process.stderr:
            if "its log is served at" in line:
                address = line.split("its log is served at ")[1].split(";")[0]
                break
        else:
            raise AssertionError("it does not say where its log is served")
        producer = kafka.Producer({"bootstrap.servers": address})
        for index in range(100):
            producer.produce("lines", f"line {index}".encode(), b"k")
        assert producer.flush(20) == 0
        consumer = kafka.Consumer(
            {"bootstrap.servers": address, "group.id": "outside", "isolation.level": "read_committed"}
        )
        consumer.assign([kafka.TopicPartition("shouted", 0, 0)])
        found: list[Any] = []
        for _ in range(PATIENCE):
            found += [message.value() for message in consumer.consume(100, timeout=0.2) if message.error() is None]
            if len(found) >= 100:
                break
        assert found == [f"LINE {index}".encode() for index in range(100)]
        topics = consumer.list_topics(timeout=10).topics
        assert {"lines", "shouted"} <= set(topics)
        consumer.close()
        process.terminate()
        _, rest = process.communicate(timeout=30)
        assert "stopped by SIGTERM" in rest
        assert process.returncode == 128 + 15
    finally:
        process.kill()
        process.communicate()
