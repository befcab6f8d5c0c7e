"""One request and what to do with its answer; single requests that are tried again until their time is up.

``Call`` is what every core hands to the pump. ``Exchanges`` runs those requests that stand for themselves (admin,
transactions, metadata, coordinators); produce and fetch have retry rules of their own, in ``sender`` and ``consumer``.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, NamedTuple, Protocol

from broker_core.errors import ErrorCode
from streams.client.errors import STALE_COORDINATOR, STALE_LEADER, error_for, is_retriable
from streams.client.settings import ClientSettings
from streams.client.transport import Body
from streams.errors import ClientError
from streams.model import TopicPartition
from streams.ports import Random

GROUP_COORDINATOR: Final = 0
TRANSACTION_COORDINATOR: Final = 1


class Call(NamedTuple):
    """A request to be sent now. Exactly one of the two functions is called, once, with the time of the answer."""

    node_id: int | None
    body: Body
    max_version: int | None
    answered: Callable[[Body, int], None]
    lost: Callable[[ClientError, int], None]


class Core(Protocol):
    """A machine that the client pumps."""

    def calls(self, now_ms: int) -> list[Call]:
        """What is to be sent now; each call is handed out once."""

    def next_deadline(self) -> int | None:
        """When ``calls`` has something at the latest without an answer coming; None if only an answer helps."""


class Leader(NamedTuple):
    """The broker that leads a partition."""

    topic_partition: TopicPartition


class Coordinator(NamedTuple):
    """The broker that coordinates a group or a transactional id."""

    kind: int
    key: str


class Node(NamedTuple):
    """One certain broker; None is any."""

    node_id: int | None


Where = Leader | Coordinator | Node
ANY = Node(None)


class Router(Protocol):
    """Knows, or finds out, where requests go (``metadata.Cluster``)."""

    def locate(self, where: Where) -> Node | None:
        """The broker; None while it is being found out. Raises ``ClientError`` if there can be none."""

    def forget(self, where: Where, code: int) -> None:
        """The place refused with ``code``: find it again."""


class Again(Exception):
    """Raised while an answer is judged: it asks for the same request later."""

    def __init__(self, code: int, detail: str | None = None) -> None:
        super().__init__(code)
        self.code = code
        self.detail = detail


class Judge:
    """Turns error numbers into the three outcomes: fine, again, or an exception."""

    def __init__(self, settings: ClientSettings) -> None:
        self._storage_errors_are_final = settings.storage_errors_are_final

    def retriable(self, code: int) -> bool:
        return is_retriable(code, storage_errors_are_final=self._storage_errors_are_final)

    def check(self, code: int, doing: str, detail: str | None = None) -> None:
        """Returns if ``code`` is 0, raises ``Again`` or a ``ClientError`` otherwise."""
        if code == 0:
            return
        if self.retriable(code):
            raise Again(code, detail)
        raise error_for(code, doing, detail)


class Backoff:
    """Waits that double up to a limit, with up to a fifth of jitter so that many clients do not retry in step."""

    __slots__ = ("_first_ms", "_max_ms", "_random", "attempts")

    def __init__(self, first_ms: int, max_ms: int, random: Random) -> None:
        self._first_ms, self._max_ms, self._random = first_ms, max_ms, random
        self.attempts = 0

    def next_ms(self) -> int:
        wait = min(self._first_ms << min(self.attempts, 20), self._max_ms)
        self.attempts += 1
        return max(1, int(wait * (0.8 + 0.4 * self._random.random())))

    def reset(self) -> None:
        self.attempts = 0


Backoffs = Callable[[], Backoff]


def backoff_after(code: int, settings: ClientSettings, random: Random) -> Backoff:
    """The waits for tries after a refusal with ``code``: short ones where it is over within milliseconds."""
    if code in QUICK:
        return Backoff(settings.concurrent_backoff_ms, settings.concurrent_backoff_max_ms, random)
    return Backoff(settings.retry_backoff_ms, settings.retry_backoff_max_ms, random)


class Exchange:
    """A request that is sent again until it is settled.

    Arguments:
        body: the request.
        where: which broker.
        doing: for messages: ``creating topics a, b``.
        settle: takes the answer; raises ``Again`` for another try, or the ``ClientError`` it ends with.
        fail: takes the error it ended with.
        max_version: newest version to use.
    """

    __slots__ = ("backoff", "body", "deadline_ms", "doing", "due_ms", "fail", "max_version", "settle", "where")

    def __init__(
        self,
        body: Body,
        where: Where,
        doing: str,
        settle: Callable[[Any], None],
        fail: Callable[[ClientError], None],
        max_version: int | None = None,
    ) -> None:
        self.body, self.where, self.doing, self.settle, self.fail = body, where, doing, settle, fail
        self.max_version = max_version
        self.due_ms = 0
        self.deadline_ms: int | None = None
        self.backoff: Backoff | None = None


class Exchanges:
    """Runs exchanges: routes them, waits between tries, gives up when the operation's time is over."""

    def __init__(self, router: Router, settings: ClientSettings, random: Random) -> None:
        self._router = router
        self._settings = settings
        self._random = random
        self._waiting: list[Exchange] = []

    def start(self, exchange: Exchange) -> None:
        self._waiting.append(exchange)

    def calls(self, now_ms: int) -> list[Call]:
        if not self._waiting:
            return []
        calls: list[Call] = []
        waiting, self._waiting = self._waiting, []
        for exchange in waiting:
            if exchange.deadline_ms is None:
                exchange.deadline_ms = now_ms + self._settings.operation_timeout_ms
            if exchange.due_ms > now_ms:
                self._waiting.append(exchange)
                continue
            exchange.due_ms = 0
            try:
                node = self._router.locate(exchange.where)
            except ClientError as error:
                exchange.fail(error)
                continue
            if node is not None:
                calls.append(self._call(node, exchange))
            elif now_ms >= exchange.deadline_ms:
                exchange.fail(_gave_up(exchange, None))
            else:
                self._waiting.append(exchange)
        return calls

    def next_deadline(self) -> int | None:
        deadlines = [exchange.due_ms for exchange in self._waiting if exchange.due_ms]
        deadlines += [exchange.deadline_ms for exchange in self._waiting if exchange.deadline_ms is not None]
        return min(deadlines, default=None)

    def _call(self, node: Node, exchange: Exchange) -> Call:
        def answered(body: Body, now_ms: int) -> None:
            try:
                exchange.settle(body)
            except Again as again:
                self._again(exchange, again, now_ms)
            except ClientError as error:
                exchange.fail(error)

        def lost(error: ClientError, now_ms: int) -> None:
            if is_retriable(error.code, storage_errors_are_final=False):
                self._again(exchange, Again(error.code, str(error)), now_ms)
            else:  # the broker does not speak the version that this needs
                exchange.fail(error)

        return Call(node.node_id, exchange.body, exchange.max_version, answered, lost)

    def _again(self, exchange: Exchange, again: Again, now_ms: int) -> None:
        assert exchange.deadline_ms is not None
        if now_ms >= exchange.deadline_ms:
            exchange.fail(_gave_up(exchange, again))
            return
        if again.code in STALE_LEADER or again.code in STALE_COORDINATOR:
            self._router.forget(exchange.where, again.code)
        if exchange.backoff is None:
            exchange.backoff = backoff_after(again.code, self._settings, self._random)
        exchange.due_ms = now_ms + exchange.backoff.next_ms()
        self._waiting.append(exchange)


QUICK: Final[frozenset[int]] = frozenset({ErrorCode.CONCURRENT_TRANSACTIONS, ErrorCode.UNSTABLE_OFFSET_COMMIT})
"""A transaction's markers are being written, which takes milliseconds: come back soon."""


def _gave_up(exchange: Exchange, again: Again | None) -> ClientError:
    if again is None:
        return error_for(ErrorCode.REQUEST_TIMED_OUT, exchange.doing, "no broker for it was found in time")
    return error_for(again.code, exchange.doing, again.detail or "tried again until the time was up")
