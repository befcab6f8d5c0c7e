"""``SplitStream``: one stream on its way into several, each record into one of them."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Generic, TypeVar, overload

from streams.dsl.builder import caller
from streams.dsl.functions import error_policy, shape_function
from streams.errors import TopologyError
from streams.on_error import OnError
from streams.topology.graph import at
from streams.topology.names import check_name
from streams.topology.nodes import Branch

if TYPE_CHECKING:
    from streams.dsl.stream import KStream, OfContext, OfRecord, OfValue

K = TypeVar("K")
V = TypeVar("V")


class SplitStream(Generic[K, V]):
    """Made by ``KStream.split``. Branches are tried in the order in which they are declared."""

    def __init__(self, stream: KStream[K, V], location: str) -> None:
        self._stream = stream
        self._location = location
        self._default = False

    @overload
    def branch(
        self, predicate: OfValue[V, object], name: str | None = None, *, on_error: OnError | None = None
    ) -> KStream[K, V]: ...
    @overload
    def branch(
        self, predicate: OfRecord[K, V, object], name: str | None = None, *, on_error: OnError | None = None
    ) -> KStream[K, V]: ...
    @overload
    def branch(
        self, predicate: OfContext[K, V, object], name: str | None = None, *, on_error: OnError | None = None
    ) -> KStream[K, V]: ...
    def branch(
        self, predicate: Callable[..., object], name: str | None = None, *, on_error: OnError | None = None
    ) -> KStream[K, V]:
        """The records for which the predicate is true and that no branch before this one has taken.

        Arguments:
            name: of the branch; its node is called ``<split>-<name>``.

        Raises:
            TopologyError: no predicate, a name twice, or declared after ``default()``.
        """
        location = caller()
        return self._add(predicate, name or "branch", location, given=name is not None, on_error=on_error)

    def default(self, name: str | None = None) -> KStream[K, V]:
        """The records that no branch takes; without this call they go nowhere. Declared last.

        Raises:
            TopologyError: there is a default already.
        """
        location = caller()
        found = self._add(None, name or "default", location, given=name is not None)
        self._default = True
        return found

    def _add(
        self, predicate: Callable[..., object] | None, name: str, location: str, *, given: bool,
        on_error: OnError | None = None,
    ) -> KStream[K, V]:  # fmt: skip
        stream = self._stream
        if self._default:
            raise TopologyError(
                f"{at(location)}this split{at(self._location, ' declared at ').rstrip()} has its default() already, "
                "which takes all records that are left; declare branches before it, and one default only"
            )
        wanted = f"{stream._node}-{check_name(name, f'{at(location)}name')}"
        node = Branch(
            name=wanted if given else stream._builder.name(None, stream._node, name, location),
            location=location,
            on_error=error_policy(on_error, location),
            split=stream._node,
            predicate=None if predicate is None else shape_function(predicate, "branch", location),
        )
        return stream._then(node)
