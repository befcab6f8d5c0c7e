"""Repartition topics are given up behind the committed offsets, now and then, and never ahead of them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from broker_core.model import EARLIEST_OFFSET
from streams.client.pending import Pending
from streams.config import Guarantee
from streams.model import OffsetAndMetadata, TopicPartition
from streams.runtime import purging
from streams.runtime.activity import wait
from streams.runtime.purging import PURGE_INTERVAL_MS, Purger
from tests.unit.streams.runtime.machine import Machine

WORDS, LINES = TopicPartition("app-words-repartition", 0), TopicPartition("lines", 0)
LATER = PURGE_INTERVAL_MS


class Admin:
    """Answers when told to."""

    def __init__(self) -> None:
        self.asked: list[dict[TopicPartition, int]] = []
        self.answers: list[Pending[dict[TopicPartition, int]]] = []

    def delete_records(self, offsets: Mapping[TopicPartition, int]) -> Pending[dict[TopicPartition, int]]:
        self.asked.append(dict(offsets))
        self.answers.append(Pending())
        return self.answers[-1]


class Observer:
    def __init__(self) -> None:
        self.events: list[str] = []

    def event(self, name: str, **fields: object) -> None:
        self.events.append(name)


def committed(offset: int) -> dict[TopicPartition, OffsetAndMetadata]:
    return {WORDS: OffsetAndMetadata(offset), LINES: OffsetAndMetadata(99)}


def purger() -> tuple[Purger, Any, Observer]:
    admin, observer = Admin(), Observer()
    return Purger(admin, [WORDS.topic], observer, 0), admin, observer  # type: ignore[arg-type]


def test_only_internal_topics_and_only_once_in_an_interval() -> None:
    purge, admin, _ = purger()
    purge.committed(committed(5), LATER - 1)
    assert admin.asked == []
    purge.committed(committed(6), LATER)
    assert admin.asked == [{WORDS: 6}], "a source topic belongs to others"
    admin.answers[0].resolve({WORDS: 6})
    purge.committed(committed(9), 2 * LATER - 1)
    purge.committed(committed(9), 2 * LATER)
    assert admin.asked == [{WORDS: 6}, {WORDS: 9}]
    admin.answers[1].resolve({WORDS: 9})
    purge.committed(committed(9), 3 * LATER)
    assert len(admin.asked) == 2, "nothing moved"


def test_a_purge_that_takes_long_or_fails_holds_nothing_up() -> None:
    purge, admin, observer = purger()
    purge.committed(committed(6), LATER)
    purge.committed(committed(8), 2 * LATER)
    assert len(admin.asked) == 1, "one at a time"
    admin.answers[0].fail(OSError("no"))
    purge.committed(committed(8), 2 * LATER)
    assert observer.events == ["repartition.purge_failed"]
    assert admin.asked == [{WORDS: 6}, {WORDS: 8}]


@pytest.mark.parametrize("guarantee", list(Guarantee))
def test_an_application_leaves_nothing_but_the_last_segment_behind(
    guarantee: Guarantee, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After the run every repartition partition begins at its committed offset, and a new run goes on from there."""
    monkeypatch.setattr(purging, "PURGE_INTERVAL_MS", 0)
    machine = Machine(lines=[("k", "a b c d e f g")] * 20, guarantee=guarantee)
    worker = machine.worker()
    machine.turn(worker, lambda: worker.finished)
    parts = [TopicPartition("words-by-word-repartition", index) for index in range(2)]
    for _ in range(50):
        machine.client.poll(machine.world.now_ms)
    offsets = machine.do(wait(machine.client.admin.committed("words", parts, require_stable=True)))
    starts = machine.do(wait(machine.client.admin.list_offsets(dict.fromkeys(parts, EARLIEST_OFFSET))))
    assert starts == {part: offsets[part].offset for part in parts}
    assert sum(starts.values()) >= 140
    machine.close()
    counts = {record.key: record.value for record in machine.world.read("counts")}
    assert counts == {bytes([letter]): b"20" for letter in b"abcdefg"}
