"""Scenarios of the coordinators as readable transcripts: commands, and below each what the broker did and answered.

``coordinator/*.txt`` are reviewed as diffs; ``UPDATE_GOLDEN=1`` writes them anew. A command is a line, its outcome the
lines below ``----``. Logs: ``txn``, ``offsets``, ``a``, ``b``.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from broker_core.errors import ErrorCode
from broker_core.group.records import read_key as read_offset_key
from broker_core.group.records import read_value as read_offset_value
from broker_core.protocol.add_offsets_to_txn import AddOffsetsToTxnRequest
from broker_core.protocol.batch import decode_batch, read_control, read_header
from broker_core.protocol.init_producer_id import InitProducerIdRequest
from broker_core.txn.records import read_key, read_value
from tests.unit.broker_core.coordinator_world import (
    OFFSETS,
    TXN,
    A,
    B,
    World,
    add_request,
    commit_request,
    end_request,
    txn_commit_request,
)

FOLDER = Path(__file__).parent / "coordinator"
LOGS = {"txn": TXN, "offsets": OFFSETS, "a": A, "b": B}
NAMES = {log: name for name, log in LOGS.items()}


def in_words(name: str, batch: bytes) -> Iterator[str]:
    """One line per record of a batch."""
    header = read_header(batch)
    columns = decode_batch(batch)
    for index, (key, value) in enumerate(zip(columns.keys, columns.values, strict=True)):
        place = f"{name}@{header.base_offset + index}"
        owner = f" ({header.producer_id}/{header.producer_epoch})" if header.is_transactional else ""
        if header.is_control:
            yield f"{place} {'COMMIT' if read_control(batch).commit else 'ABORT'} marker{owner}"
        elif name == "txn":
            assert key is not None and value is not None
            found = read_value(read_key(key), value)
            partitions = " ".join(NAMES[log] for log in sorted(found.partitions))
            yield f"{place} {found.transactional_id} {found.state.name} " \
                  f"{found.producer_id}/{found.producer_epoch} [{partitions}]"  # fmt: skip
        elif name == "offsets":
            assert key is not None
            where = read_offset_key(key)
            assert where is not None
            offset = "tombstone" if value is None else read_offset_value(value, 0).offset
            yield f"{place} {where[0]} {NAMES[where[1]]}={offset}{owner}"
        else:
            yield f"{place} {(value or b'').decode()!r}{owner}"


class Script:
    """Runs commands against a world and tells what happened."""

    def __init__(self) -> None:
        self.world = World()
        self.owners: dict[str, tuple[int, int]] = {}
        self.pending: dict[int, tuple[str, str]] = {}
        self.seen = dict.fromkeys(LOGS, 0)

    def run(self, command: str) -> list[str]:
        verb, *words = command.split()
        method: Callable[..., list[str]] = getattr(self, f"do_{verb}")
        told = method(*words)
        if verb == "power":
            return [*told, *self.appended()]
        return [*self.appended(), *told, *self.answers()]

    def appended(self) -> Iterator[str]:
        for name, log in LOGS.items():
            batches = self.world.logs.logs[log].batches
            for batch in batches[self.seen[name] :]:
                yield from in_words(name, batch)
            self.seen[name] = len(batches)

    def answers(self) -> Iterator[str]:
        for token in sorted(self.world.replies):
            label, kind = self.pending.pop(token)
            yield f"{label}: {self.answer(label, kind, self.world.replies.pop(token))}"

    def send(self, label: str, kind: str, body: object, version: int) -> list[str]:
        answer = self.world.submit(body, int(version))
        if isinstance(answer, int):
            label = f"{label} {kind}"
            self.pending[answer] = (label, kind)
            return [f"{label}: waits"]
        return [f"{label} {kind}: {self.answer(label, kind, answer)}"]

    def answer(self, label: str, kind: str, response: Any) -> str:
        if kind == "add":
            code = response.results_by_topic_v3_and_below[0].results_by_partition[0].partition_error_code
        elif kind == "commit":
            code = response.topics[0].partitions[0].error_code
        else:
            code = response.error_code
        text = ErrorCode(code).name
        if getattr(response, "producer_id", -1) >= 0:
            self.owners[label.split(maxsplit=1)[0]] = (response.producer_id, response.producer_epoch)
            text += f" {response.producer_id}/{response.producer_epoch}"
        return text

    # Commands. A client is called by its transactional id; ``t`` and ``t*`` are two instances of one application.

    def do_worlds(self, waves: str) -> list[str]:
        self.world = World(two_waves=waves == "two_waves")
        return []

    def do_init(self, client: str, version: str = "4") -> list[str]:
        body = InitProducerIdRequest(transactional_id=client.rstrip("*"), transaction_timeout_ms=60_000)
        return self.send(client, "init", body, int(version))

    def do_add(self, client: str, *logs: str) -> list[str]:
        body = add_request(self.owners[client], [LOGS[log] for log in logs], client.rstrip("*"))
        return self.send(client, "add", body, 3)

    def do_addoffsets(self, client: str, group: str) -> list[str]:
        producer_id, producer_epoch = self.owners[client]
        body = AddOffsetsToTxnRequest(
            transactional_id=client.rstrip("*"),
            producer_id=producer_id,
            producer_epoch=producer_epoch,
            group_id=group,
        )
        return self.send(client, "addoffsets", body, 3)

    def do_write(self, client: str, log: str, value: str, version: str = "11") -> list[str]:
        owner, name = self.owners[client], client.rstrip("*")
        code = self.world.produce(owner, LOGS[log], value.encode(), name, version=int(version))
        return [] if code is ErrorCode.NONE else [f"{client} write: {code.name}"]

    def do_commit(self, who: str, log: str, offset: str) -> list[str]:
        """``who`` is a client (in its transaction, for group g) or ``-`` (plainly)."""
        if who == "-":
            return self.send("plain", "commit", commit_request({LOGS[log]: int(offset)}), 8)
        body = txn_commit_request(self.owners[who], {LOGS[log]: int(offset)}, name=who.rstrip("*"))
        return self.send(who, "commit", body, 3)

    def do_end(self, client: str, how: str, version: str = "4") -> list[str]:
        body = end_request(self.owners[client], how == "commit", client.rstrip("*"))
        return self.send(client, "end", body, int(version))

    def do_fetch(self, log: str, *flags: str) -> list[str]:
        found = self.world.fetch(LOGS[log], stable="stable" in flags)[LOGS[log]]
        return [f"g {log}={found.name if isinstance(found, ErrorCode) else found}"]

    def do_read(self, log: str) -> list[str]:
        values = " ".join(value.decode() for value in self.world.committed(LOGS[log]))
        return [f"{log}: {values or 'nothing'} (read committed)"]

    def do_sync(self, *logs: str) -> list[str]:
        self.world.sync(*(LOGS[log] for log in logs))
        return []

    def do_tick(self, passed_ms: str) -> list[str]:
        self.world.tick(int(passed_ms))
        return []

    def do_power(self, failure: str) -> list[str]:
        """``power failure``: what is not synced is lost; a new broker starts."""
        before = {name: len(self.world.logs.logs[log].batches) for name, log in LOGS.items()}
        self.pending.clear()
        for log in self.world.logs.logs.values():
            log.crash(lambda unsynced: 0)
        left = {name: len(self.world.logs.logs[log].batches) for name, log in LOGS.items()}
        self.seen = dict(left)
        self.world.restart()
        return [f"{name}: {before[name] - left[name]} batches lost" for name in LOGS if before[name] > left[name]]


def played(text: str) -> str:
    script = Script()
    out = []
    for block in text.strip().split("\n\n"):
        comments = [line for line in block.splitlines() if line.startswith("#")]
        commands = [line for line in block.split("\n----")[0].splitlines() if not line.startswith("#")]
        if not commands:
            out.append("\n".join(comments))
            continue
        told = [line for command in commands for line in script.run(command)]
        out.append("\n".join([*comments, *commands, "----", *(told or ["nothing"])]))
    return "\n\n".join(out) + "\n"


@pytest.mark.parametrize("path", sorted(FOLDER.glob("*.txt")), ids=lambda path: path.stem)
def test_transcript(path: Path) -> None:
    expected = path.read_text()
    found = played(expected)
    if os.environ.get("UPDATE_GOLDEN"):
        path.write_text(found)
    else:
        assert found == expected


def test_there_are_transcripts() -> None:
    assert len(list(FOLDER.glob("*.txt"))) >= 8
