"""The order in which a task takes records is a function of the data alone, and so is what runs hand out."""

from __future__ import annotations

import heapq

from hypothesis import given
from hypothesis import strategies as st

from streams.model import ColumnBatch, TopicPartition
from streams.task.queue import PartitionQueues

TIMES = st.lists(st.integers(-1, 12), max_size=25)
INPUTS = st.lists(TIMES, min_size=1, max_size=3)
SIZES = st.lists(st.integers(1, 6), min_size=1, max_size=4)

Taken = list[tuple[int, int]]
"""Input and offset of each record, in order."""


def naive_order(inputs: list[list[int]]) -> Taken:
    """One record at a time from the input whose head is smallest, the first declared where heads are equal."""
    heads = [(times[0], index, 0) for index, times in enumerate(inputs) if times]
    heapq.heapify(heads)
    taken: Taken = []
    while heads:
        _, index, offset = heapq.heappop(heads)
        taken.append((index, offset))
        if offset + 1 < len(inputs[index]):
            heapq.heappush(heads, (inputs[index][offset + 1], index, offset + 1))
    return taken


def partition(index: int) -> TopicPartition:
    return TopicPartition(f"t{index}", 0)


class Feeder:
    """Hands an input over batch by batch, with a batch without records now and then."""

    def __init__(self, queues: PartitionQueues, index: int, times: list[int], sizes: list[int]) -> None:
        self.queues, self.index, self.times, self.sizes = queues, index, times, sizes
        self.position = self.turn = 0

    @property
    def done(self) -> bool:
        return self.position == len(self.times)

    def add(self) -> None:
        size = self.sizes[self.turn % len(self.sizes)]
        some = self.times[self.position : self.position + size]
        after = self.position + len(some)
        values: list[bytes | None] = [b""] * len(some)
        self._add(ColumnBatch(partition(self.index), self.position, after, values, values, some, None, None))
        self.position, self.turn = after, self.turn + 1
        if self.turn % 3 == 0:
            self._add(ColumnBatch(partition(self.index), after, after, [], [], [], None, None))

    def _add(self, batch: ColumnBatch) -> None:
        self.queues.add(batch)


@given(inputs=INPUTS, sizes=SIZES, limits=SIZES, schedule=st.lists(st.integers(0, 2), max_size=40))
def test_order_depends_on_the_data_alone(
    inputs: list[list[int]], sizes: list[int], limits: list[int], schedule: list[int]
) -> None:
    """Whatever the batches, the limits and the moments at which records arrive: the task waits rather than guess."""
    queues = PartitionQueues([partition(index) for index in range(len(inputs))])
    feeders = [Feeder(queues, index, times, sizes) for index, times in enumerate(inputs)]
    caught_up = {partition(index): feeder for index, feeder in enumerate(feeders)}
    taken: Taken = []
    turn = 0
    arrivals = [*(index for index in schedule if index < len(inputs)), *(list(range(len(inputs))) * 30)]
    for arrival in arrivals:
        if not feeders[arrival].done:
            feeders[arrival].add()
        while True:
            limit = limits[turn % len(limits)]
            run = queues.next_run(limit, lambda tp: caught_up[tp].done)
            assert (run is not None) == queues.can_process(lambda tp: caught_up[tp].done)
            if run is None:
                break
            assert 0 < run.stop - run.start <= limit
            index = int(run.batch.topic_partition.topic[1:])
            taken += [(index, run.batch.base_offset + position) for position in range(run.start, run.stop)]
            queues.consume(run)
            turn += 1
    assert taken == naive_order(inputs)
    for index, times in enumerate(inputs):
        queue = queues[partition(index)]
        assert queue.partition_time == max(times, default=-1)
        assert (queue.position, queue.buffered) == (len(times) if times else None, 0)
