from __future__ import annotations

from broker_core.log.results import FoundOffset


def test_a_found_record_unpacks_in_the_order_of_list_offsets() -> None:
    timestamp, offset, leader_epoch = FoundOffset(timestamp=5, offset=6, leader_epoch=7)
    assert (timestamp, offset, leader_epoch) == (5, 6, 7)
