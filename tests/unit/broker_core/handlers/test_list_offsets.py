"""ListOffsets: ends, timestamps, and what is not there."""

from __future__ import annotations

from tests.unit.broker_core.broker_kit import NOW, Kit


def test_list_offsets(kit: Kit) -> None:
    kit.create("words")
    kit.produce("words", "a")
    kit.now_ms += 10
    kit.produce("words", "b")
    assert kit.list_offset("words", -1) == 2
    assert kit.list_offset("words", -2) == 0
    assert kit.list_offset("words", -3) == 1
    assert kit.list_offset("words", -4) == 0
    assert kit.list_offset("words", -5) == -1
    assert kit.list_offset("words", NOW) == 0
    assert kit.list_offset("words", NOW + 1) == 1
    assert kit.list_offset("words", NOW + 11) == -1
