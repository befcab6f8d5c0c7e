"""One connection's worth of client: owns the cores, hands their requests to a transport and answers back to them.

Pumping only; what is asked and what answers mean is the cores' business.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Final, TypeVar

from broker_core.errors import ErrorCode
from streams.client.admin import Admin, TopicDescription
from streams.client.calls import Backoff, Call, Core, Exchanges, Judge, backoff_after
from streams.client.consumer import Consumer, OffsetReset
from streams.client.errors import ConnectionLost
from streams.client.group_settings import GroupSettings
from streams.client.metadata import Cluster
from streams.client.offset_requests import OffsetRequests
from streams.client.outbox import Consignment, Outbox
from streams.client.pending import Pending
from streams.client.producer import Producer
from streams.client.sender import Sender
from streams.client.settings import ClientSettings
from streams.client.transactions import Transactions
from streams.client.transport import Transport
from streams.client.txn_requests import TransactionRequests
from streams.errors import ClientError
from streams.model import Isolation
from streams.ports import Random

if TYPE_CHECKING:
    from streams.client.reader import Reader

T = TypeVar("T")

MAX_ROUNDS_PER_POLL: Final = 16
"""How often one ``poll`` goes round while answers lead to requests; a limit, so that the caller gets its turn."""
LONGEST_WAIT_MS: Final = 100


class Client:
    """Producers, consumers and an admin over one transport; used by one thread.

    Arguments:
        transport: carries the requests.
        client_id: what messages call us.
        random: jitter of back-offs.
        settings: of all cores.
    """

    def __init__(
        self, transport: Transport, *, client_id: str, random: Random, settings: ClientSettings | None = None
    ) -> None:
        self.client_id = client_id
        self._transport = transport
        self._random = random
        self._settings = settings or ClientSettings()
        self._judge = Judge(self._settings)
        self._cluster = Cluster(self._settings, self._judge, self._backoff())
        self._exchanges = Exchanges(self._cluster, self._settings, random)
        self._offset_requests = OffsetRequests(self._exchanges, self._judge)
        self._cores: list[Core] = []
        self._in_flight: dict[int, Call] = {}
        self.admin = Admin(
            cluster=self._cluster,
            exchanges=self._exchanges,
            offset_requests=self._offset_requests,
            judge=self._judge,
            settings=self._settings,
        )

    def producer(self, *, transactional_id: str | None = None, transaction_timeout_ms: int = 60_000) -> Producer:
        """A producer of its own: idempotent, and transactional with a ``transactional_id``."""
        sender = Sender(self._cluster, self._settings, self._judge, self._backoff_after, transactional_id)
        transactions = None
        if transactional_id is not None:
            requests = TransactionRequests(transactional_id, transaction_timeout_ms, self._exchanges, self._judge)
            transactions = Transactions(
                transactional_id,
                requests=requests,
                cluster=self._cluster,
                sender=sender,
                may_use_v2=self._settings.transactions_v2,
            )
        producer = Producer(
            cluster=self._cluster,
            exchanges=self._exchanges,
            judge=self._judge,
            settings=self._settings,
            sender=sender,
            transactions=transactions,
        )
        self._cores.append(producer)
        return producer

    def consumer(
        self, *, isolation: Isolation = Isolation.READ_COMMITTED, offset_reset: OffsetReset | None = None
    ) -> Consumer:
        """A consumer of its own, nothing assigned.

        Arguments:
            isolation: what it may see.
            offset_reset: ``earliest`` or ``latest`` where a position is not in the log; None raises.
        """
        consumer = Consumer(
            cluster=self._cluster,
            offset_requests=self._offset_requests,
            judge=self._judge,
            settings=self._settings,
            backoff=self._backoff,
            isolation=isolation,
            offset_reset=offset_reset,
        )
        self._cores.append(consumer)
        return consumer

    def reader(
        self,
        group: GroupSettings | None,
        *,
        isolation: Isolation = Isolation.READ_COMMITTED,
        offset_reset: OffsetReset | None = None,
    ) -> Reader:
        """A consumer that may be a member of a group.

        Arguments:
            group: None for none: it then reads what it is assigned and commits nothing.
            isolation, offset_reset: as for ``consumer``.
        """
        from streams.client.membership import Membership  # here: an application starts without them, and sooner
        from streams.client.reader import Reader

        consumer = self.consumer(isolation=isolation, offset_reset=offset_reset)
        self.release(consumer)  # the reader pumps it
        membership = None
        if group is not None:
            membership = Membership(
                group, router=self._cluster, backoff=self._backoff(), partition_counts=self._partition_counts
            )
        reader = Reader(
            consumer,
            membership,
            admin=self.admin,
            exchanges=self._exchanges,
            judge=self._judge,
            offset_reset=offset_reset,
        )
        self._cores.append(reader)
        return reader

    def outbox(self, producer: Producer, linger_ms: int, collect: Callable[[], Sequence[Consignment]]) -> Outbox:
        """What fetches other threads' records for ``producer``; arguments are described there."""
        outbox = Outbox(producer, linger_ms, collect)
        self._cores.insert(self._cores.index(producer), outbox)
        return outbox

    def release(self, core: Core) -> None:
        """Pump it no more; answers still under way are taken and dropped."""
        self._cores.remove(core)

    def poll(self, now_ms: int) -> bool:
        """Send what is ready, take what came; True if anything moved. Never blocks."""
        moved = False
        for _ in range(MAX_ROUNDS_PER_POLL):
            if not self._round(now_ms):
                break
            moved = True
        return moved

    def wait(self, timeout_ms: int) -> None:
        """Block until ``poll`` may have something to do, at most ``timeout_ms``."""
        self._transport.wait(timeout_ms)

    def wake(self) -> None:
        """End ``wait`` now; from any thread."""
        self._transport.wake()

    def next_deadline(self) -> int | None:
        """When ``poll`` has work at the latest, in milliseconds; None if only an answer brings some."""
        deadlines = [core.next_deadline() for core in (*self._cores, self._exchanges, self._cluster)]
        deadlines.append(self._transport.next_deadline())
        return min((deadline for deadline in deadlines if deadline is not None), default=None)

    def complete(self, pending: Pending[T], clock: Callable[[], int], timeout_ms: int = 60_000) -> T:
        """Pump until ``pending`` is settled; for shells and tests.

        Arguments:
            clock: says the time in milliseconds.
        Raises:
            TimeoutError: not settled in time; it may still be.
            ClientError: what it was settled with.
        """
        end_ms = clock() + timeout_ms
        while not pending.done:
            now_ms = clock()
            if self.poll(now_ms) or pending.done:
                continue
            if now_ms >= end_ms:
                raise TimeoutError(f"no answer from the broker within {timeout_ms} ms")
            deadline = self.next_deadline()
            until = end_ms if deadline is None else min(deadline, end_ms)
            self.wait(max(0, min(until - now_ms, LONGEST_WAIT_MS)))
        return pending.result()

    def close(self, now_ms: int) -> None:
        """Give the transport up; whatever is open stays unsettled."""
        self._transport.close(now_ms)

    def _round(self, now_ms: int) -> bool:
        sent = False
        for core in (*self._cores, self._exchanges, self._cluster):
            for call in core.calls(now_ms):
                token = self._transport.send(call.node_id, call.body, call.max_version)
                self._in_flight[token] = call
                sent = True
        answers = self._transport.poll(now_ms)
        for token, answer in answers:
            call = self._in_flight.pop(token)
            if not isinstance(answer, Exception):
                call.answered(answer, now_ms)
            elif isinstance(answer, ClientError):
                call.lost(answer, now_ms)
            else:
                call.lost(_as_client_error(answer), now_ms)
        return sent or bool(answers)

    def _partition_counts(self, topics: Sequence[str]) -> Pending[dict[str, int]]:
        counts: Pending[dict[str, int]] = Pending()

        def settle(described: Pending[dict[str, TopicDescription]]) -> None:
            if described.error is not None:
                counts.fail(described.error)
            else:
                counts.resolve({name: topic.partitions for name, topic in described.result().items()})

        self.admin.describe_topics(topics).then(settle)
        return counts

    def _backoff(self) -> Backoff:
        return self._backoff_after(ErrorCode.NETWORK_EXCEPTION)

    def _backoff_after(self, code: int) -> Backoff:
        return backoff_after(code, self._settings, self._random)


def _as_client_error(error: Exception) -> ClientError:
    lost = ConnectionLost(f"{ErrorCode.NETWORK_EXCEPTION.name}: {error}")
    lost.__cause__ = error
    return lost
