"""The coordinator's view of the logs: ends and synced offsets, nothing where there is no partition."""

from __future__ import annotations

import random

from broker_core.catalog import Catalog
from broker_core.config import Durability, LogConfig
from broker_core.decision import Marker
from broker_core.internal_logs import InternalLogs
from broker_core.memory_filesystem import MemoryFilesystem
from broker_core.model import TopicPartition
from broker_core.outcome import SyncResult
from broker_core.partitions import Partitions
from broker_core.protocol.batch import build_batch
from broker_core.waiting import Waiting
from tests.unit.broker_core.broker_kit import NOW, Events

LOG = TopicPartition("__consumer_offsets", 0)


def test_appends_and_markers_move_the_end_and_syncs_the_rest() -> None:
    filesystem = MemoryFilesystem()
    catalog = Catalog(filesystem, random.Random(1))
    catalog.load()
    partitions = Partitions(filesystem, Durability.SYNCED, Events(), Waiting())
    partitions.open([], leader_epoch=catalog.leader_epoch, was_clean=False, now_ms=NOW)
    logs = InternalLogs(catalog, partitions)
    assert (logs.end_offset(LOG), logs.synced_offset(LOG), logs.has_topic(LOG.topic)) == (None, None, False)

    (topic,) = catalog.add({LOG.topic: (1, {})})
    partitions.create([(topic, LogConfig(), range(1))])
    assert logs.has_topic(LOG.topic)
    assert logs.append(LOG, build_batch([b"k", b"l"], [b"v", None], [NOW, NOW]), NOW) == 2
    marker = Marker(producer_id=4, producer_epoch=0, coordinator_epoch=1, commit=True)
    assert logs.append_marker(LOG, marker, NOW) == 3
    assert (logs.end_offset(LOG), logs.synced_offset(LOG)) == (3, 0)
    wave = partitions.pending_syncs()
    partitions.synced(SyncResult(done=wave))
    assert logs.synced_offset(LOG) == 3
    assert logs.leader_epoch(LOG) == catalog.leader_epoch
