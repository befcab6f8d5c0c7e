"""What both producers are made of: records taken from any thread, and what became of them. A shell.

``put`` only appends to columns, under a lock; the driver's thread collects them. Which partition a record goes to, and
everything after that, is the cores' business.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Mapping, Sequence
from concurrent.futures import Future
from contextlib import suppress
from typing import Any, Final, NamedTuple

from broker_core.errors import ErrorCode
from streams.client.client import Client
from streams.client.group_settings import GroupIdentity
from streams.client.outbox import UNPLACED, Consignment, Outbox
from streams.client.pending import Pending
from streams.client.producer import Producer as Core
from streams.client.public.driver import Driver
from streams.client.public.steps import Steps
from streams.errors import ClientError, TransactionAborted
from streams.model import Headers, OffsetAndMetadata, TopicPartition
from streams.serde.base import Serde
from streams.serde.explain import encode, record_problem

CONSIGNMENT_RECORDS: Final = 4_000
"""A consignment with so many records waits for no more."""
HeadersLike = Headers | Mapping[str, bytes | None] | Sequence[tuple[str, bytes | None]]


class RecordMetadata(NamedTuple):
    """Where a record was written. ``timestamp`` is the one that it was sent with."""

    topic: str
    partition: int
    offset: int
    timestamp: int


class Parcel(Consignment):
    """A consignment, and the future of it that other threads can wait for."""

    __slots__ = ("outcome",)

    def __init__(self, topic: str) -> None:
        super().__init__(topic)
        self.outcome: Future[None] = Future()


class Sending:
    """One producer's way to its core.

    Arguments:
        driver: owns the client.
        key, value: how records are encoded.
        linger_ms: how long records may wait for company.
        parcel_bytes: a consignment of that size waits for no more.
        buffer_bytes: most bytes that may be under way before ``room`` has to be waited for.
        transactional_id, transaction_timeout_ms: None for a producer without transactions.
    """

    def __init__(
        self, driver: Driver, *, key: Serde[Any], value: Serde[Any], linger_ms: int, parcel_bytes: int,
        buffer_bytes: int, transactional_id: str | None, transaction_timeout_ms: int,
    ) -> None:  # fmt: skip
        self.driver = driver
        self._key, self._value = key, value
        self._encode_key, self._encode_value = key.encode, value.encode
        self._linger_ms, self._parcel_bytes, self._buffer_bytes = linger_ms, parcel_bytes, buffer_bytes
        self._transactional_id, self._timeout_ms = transactional_id, transaction_timeout_ms
        self._lock = threading.Lock()
        self._filling: dict[str, Parcel] = {}
        self._ready: list[Parcel] = []
        self._under_way: deque[Parcel] = deque()
        self._under_way_bytes = 0

    def open(self) -> Steps[None]:
        """Make the core; with a transactional id also claim it, which fences whoever had it."""
        yield self.driver.opened
        yield self.driver.call(self._make)
        if self._transactional_id is not None:
            yield self.driver.ask(lambda _, __: self._core.init_transactions())

    def put(
        self, topic: str, key: Any, value: Any, timestamp: int | None, headers: HeadersLike, partition: int | None
    ) -> tuple[Parcel, int]:
        """Take one record; returns what it travels with, and its place there."""
        try:
            key_bytes = None if key is None else self._encode_key(key)
            value_bytes = None if value is None else self._encode_value(value)
        except Exception:
            key_bytes, value_bytes = encode(self._key, key, "key"), encode(self._value, value, "value")
        if timestamp is None:
            timestamp = time.time_ns() // 1_000_000
        pairs: Headers = () if not headers else _pairs(headers)
        if pairs or timestamp < 0:
            _check(topic, timestamp, pairs)
        size = 64 + (0 if key_bytes is None else len(key_bytes)) + (0 if value_bytes is None else len(value_bytes))
        with self._lock:
            parcel = self._filling.get(topic)
            is_new = parcel is None
            if parcel is None:
                parcel = self._filling[topic] = Parcel(topic)
            columns = parcel.columns
            index = len(columns.keys)
            columns.keys.append(key_bytes)
            columns.values.append(value_bytes)
            columns.timestamps.append(timestamp)
            if columns.headers is not None or pairs:
                if columns.headers is None:
                    columns.headers = [()] * index
                columns.headers.append(pairs)
            if columns.partitions is not None or partition is not None:
                if columns.partitions is None:
                    columns.partitions = [UNPLACED] * index
                columns.partitions.append(UNPLACED if partition is None else partition)
            parcel.size_bytes += size
            self._under_way_bytes += size
            is_full = parcel.size_bytes >= self._parcel_bytes or index + 1 == CONSIGNMENT_RECORDS
        self._announce(is_new=is_new, is_full=is_full)
        return parcel, index

    def put_batch(
        self, topic: str, keys: Sequence[Any] | None, values: Sequence[Any], timestamps: Sequence[int] | None,
        headers: Sequence[HeadersLike] | None, partition: int | None,
    ) -> Parcel:  # fmt: skip
        """Take columns; they travel by themselves."""
        count = len(values)
        parcel = Parcel(topic)
        columns = parcel.columns
        columns.keys = [None] * count if keys is None else _column(self._key, keys, "key")
        columns.values = _column(self._value, values, "value")
        now_ms = time.time_ns() // 1_000_000
        columns.timestamps = [now_ms] * count if timestamps is None else list(timestamps)
        columns.headers = None if headers is None else [_pairs(found) for found in headers]
        columns.partitions = None if partition is None else [partition] * count
        for column in (columns.keys, columns.timestamps, columns.headers):
            if column is not None and len(column) != count:
                raise ValueError(f"columns of different lengths: {count} values, and one of {len(column)}")
        if columns.headers is not None or (count and min(columns.timestamps) < 0):
            for index in range(count):
                _check(topic, columns.timestamps[index], columns.headers[index] if columns.headers else ())
        parcel.size_bytes = 64 * count + sum(len(data) for data in (*columns.keys, *columns.values) if data is not None)
        with self._lock:
            self._under_way_bytes += parcel.size_bytes
            earlier = self._filling.pop(topic, None)  # what was put before goes before
            self._ready += [parcel] if earlier is None else [earlier, parcel]
        self._announce(is_new=True, is_full=parcel.size_bytes >= self._parcel_bytes)
        return parcel

    @property
    def is_full(self) -> bool:
        """Whether ``room`` has to be waited for."""
        return self._under_way_bytes >= self._buffer_bytes

    def room(self) -> Steps[None]:
        """Wait until less than ``buffer_bytes`` are under way."""
        while self.is_full:
            with self._lock:
                oldest = next(iter((*self._under_way, *self._ready, *self._filling.values())), None)
            if oldest is None:
                return
            self.hurry()
            with suppress(ClientError):  # whoever asks for it is told
                yield oldest.outcome

    def hurry(self) -> None:
        """Wait for no more company."""
        self.driver.call(lambda _, __: self._outbox.gather())

    def flush(self) -> Future[None]:
        """Done once everything put so far is acknowledged; fails with the first refusal since the last flush."""
        return self.driver.ask(lambda _, __: self._outbox.flush())

    def begin(self) -> Future[None]:
        return self.driver.call(lambda _, __: self._core.begin())

    def send_offsets(
        self, group: str | GroupIdentity, offsets: Mapping[TopicPartition, OffsetAndMetadata]
    ) -> Future[None]:
        return self.driver.ask(lambda _, __: self._core.send_offsets(group, offsets))

    def commit(self) -> Steps[None]:
        """Flush and commit."""
        yield self.flush()
        yield self.driver.ask(lambda _, __: self._core.commit())

    def abort(self) -> Future[None]:
        """Drop what is not written, and abort."""

        def abort(_: Client, __: int) -> Pending[None]:
            self._outbox.drop(
                TransactionAborted(ErrorCode.OPERATION_NOT_ATTEMPTED, f"the transaction of {self._name} was aborted")
            )
            aborted = self._core.abort()
            aborted.then(lambda _: self._outbox.forgive())
            return aborted

        return self.driver.ask(abort)

    def release(self) -> Future[None]:
        """Give the core up."""

        def release(client: Client, _: int) -> None:
            client.release(self._outbox)
            client.release(self._core)

        return self.driver.call(release)

    @property
    def _name(self) -> str:
        return self._transactional_id or "a producer without transactions"

    def _make(self, client: Client, _: int) -> None:
        self._core: Core = client.producer(
            transactional_id=self._transactional_id, transaction_timeout_ms=self._timeout_ms
        )
        self._outbox: Outbox = client.outbox(self._core, self._linger_ms, self._collect)

    def _announce(self, *, is_new: bool, is_full: bool) -> None:
        if is_full:
            self.hurry()
        elif is_new:
            self.driver.call(lambda _, now_ms: self._outbox.announce(now_ms))

    def _collect(self) -> Sequence[Parcel]:
        with self._lock:
            found = [*self._ready, *self._filling.values()]
            self._ready.clear()
            self._filling.clear()
            self._under_way.extend(found)
        for parcel in found:
            parcel.done.then(lambda settled, parcel=parcel: self._settled(parcel, settled))  # type: ignore[misc]
        return found

    def _settled(self, parcel: Parcel, settled: Pending[Any]) -> None:
        with self._lock:
            self._under_way.remove(parcel)
            self._under_way_bytes -= parcel.size_bytes
        if settled.error is not None:
            parcel.outcome.set_exception(settled.error)
        else:
            parcel.outcome.set_result(None)


def _pairs(headers: HeadersLike) -> Headers:
    return tuple(headers.items()) if isinstance(headers, Mapping) else tuple((name, data) for name, data in headers)


def _check(topic: str, timestamp: int, headers: Headers) -> None:
    problem = record_problem(timestamp, headers)
    if problem is not None:
        raise ValueError(f"sending to topic {topic!r}: {problem}")


def _column(serde: Serde[Any], column: Sequence[Any], part: str) -> list[bytes | None]:
    kinds = set(map(type, column))
    if kinds <= {bytes, type(None)} and (serde.type is object or serde.type is bytes):
        return list(column)
    encoder = serde.encode
    try:
        return [None if item is None else encoder(item) for item in column]
    except Exception:
        return [encode(serde, item, part) for item in column]
