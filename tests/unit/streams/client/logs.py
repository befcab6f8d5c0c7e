"""Logs built batch by batch, for what a fetch answer may hold."""

from __future__ import annotations

from dataclasses import dataclass, field

from broker_core.protocol.batch import build_batch, control_batch, with_offset
from broker_core.protocol.fetch import AbortedTransaction


@dataclass
class BuiltLog:
    """Appends as a partition's log does, and knows what a read_committed reader must see of it."""

    batches: list[tuple[int, int, bytes]] = field(default_factory=list)
    aborted: list[tuple[int, int, int]] = field(default_factory=list)
    visible: list[tuple[int, bytes]] = field(default_factory=list)
    open: dict[int, list[tuple[int, bytes]]] = field(default_factory=dict)
    end: int = 0
    records: int = 0

    def data(self, count: int, producer_id: int | None = None) -> None:
        values = [b"%d" % (self.records + index) for index in range(count)]
        self.records += count
        rows = [(self.end + index, value) for index, value in enumerate(values)]
        producer = {} if producer_id is None else {"producer_id": producer_id, "producer_epoch": 0, "base_sequence": 0}
        batch = build_batch([None] * count, values, [1] * count, is_transactional=producer_id is not None, **producer)
        if producer_id is None:
            self.visible += rows
        else:
            self.open.setdefault(producer_id, []).extend(rows)
        self._append(batch, count)

    def end_transaction(self, producer_id: int, *, commit: bool) -> None:
        rows = self.open.pop(producer_id, [])
        if commit:
            self.visible += rows
        elif rows:
            self.aborted.append((producer_id, rows[0][0], self.end))
        self._append(control_batch(producer_id, 0, 0, commit, 1), 1)

    def fetch(self, offset: int, batches: int = 1_000) -> tuple[bytes, tuple[AbortedTransaction, ...]]:
        """Whole batches from the one that holds ``offset``, and the aborted transactions that overlap them."""
        chosen = [batch for batch in self.batches if batch[1] > offset][:batches]
        first, last = chosen[0][0], chosen[-1][1]
        listed = [
            AbortedTransaction(producer_id=producer_id, first_offset=begin)
            for producer_id, begin, marker in self.aborted
            if begin < last and marker >= first
        ]
        return b"".join(data for _, _, data in chosen), tuple(listed)

    def visible_from(self, offset: int) -> list[tuple[int, bytes]]:
        return sorted(row for row in self.visible if row[0] >= offset)

    def _append(self, batch: bytes, count: int) -> None:
        self.batches.append((self.end, self.end + count, with_offset(batch, self.end, 0)))
        self.end += count
