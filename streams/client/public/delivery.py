"""What became of records that were sent: light views on the parcels they travelled in."""

from __future__ import annotations

from collections.abc import Callable, Generator
from concurrent.futures import Future
from typing import Any, Generic, NamedTuple, TypeVar

from streams.client.public.sending import Parcel, RecordMetadata, Sending

M = TypeVar("M")


class BatchMetadata(NamedTuple):
    """Where the records of a batch were written, in the order in which they were given."""

    topic: str
    partitions: list[int]
    offsets: list[int]


class _View(Generic[M]):
    """What both views share; ``_read`` says what there is to be read once all is written."""

    __slots__ = ("_parcel", "_sending")

    def __init__(self, sending: Sending, parcel: Parcel) -> None:
        self._sending, self._parcel = sending, parcel

    @property
    def done(self) -> bool:
        """Whether the outcome is known."""
        return self._parcel.outcome.done()

    def result(self, timeout_s: float | None = None) -> M:
        """Wait until the log has acknowledged it, and say where it is. Does not wait for the linger time.

        Raises:
            ClientError: it was refused, or could not be delivered in time; what else may have been written is said.
            TimeoutError: neither within ``timeout_s``; it may still be written.
        """
        if not self.done:
            self._sending.hurry()
            self._parcel.outcome.result(timeout_s)
        else:
            self._parcel.outcome.result()
        return self._read()

    def then(self, callback: Callable[[Any], object]) -> None:
        """Have ``callback(delivery)`` called once the outcome is known: on the client's thread, it must not block."""
        self._parcel.outcome.add_done_callback(lambda _: callback(self))

    def __await__(self) -> Generator[Any, None, M]:
        import asyncio

        if not self.done:
            self._sending.hurry()
        yield from asyncio.wrap_future(_shielded(self._parcel.outcome)).__await__()
        return self._read()

    def _read(self) -> M:
        raise NotImplementedError


class Delivery(_View[RecordMetadata]):
    """One record's. ``result()`` waits; in an event loop ``await`` it."""

    __slots__ = ("_index",)

    def __init__(self, sending: Sending, parcel: Parcel, index: int) -> None:
        self._sending, self._parcel, self._index = sending, parcel, index  # one call less: one is made per record

    def _read(self) -> RecordMetadata:
        parcel, index = self._parcel, self._index
        columns = parcel.columns
        return RecordMetadata(columns.topic, parcel.partitions[index], parcel.offsets[index], columns.timestamps[index])


class BatchDelivery(_View[BatchMetadata]):
    """A batch's."""

    __slots__ = ()

    def _read(self) -> BatchMetadata:
        return BatchMetadata(self._parcel.columns.topic, list(self._parcel.partitions), list(self._parcel.offsets))


def _shielded(outcome: Future[None]) -> Future[None]:
    """A future of one's own: an event loop that gives up waiting for it must not cancel everybody's."""
    own: Future[None] = Future()

    def settle(settled: Future[None]) -> None:
        if own.set_running_or_notify_cancel():
            error = settled.exception()
            if error is not None:
                own.set_exception(error)
            else:
                own.set_result(None)

    outcome.add_done_callback(settle)
    return own
