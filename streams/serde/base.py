"""What a serde is: a pair of functions over one type, with an identity that survives restarts.

None never reaches a serde: a null key or value is null on the wire.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Generic, NamedTuple, TypeVar

T = TypeVar("T")


class Fast(NamedTuple):
    """A shortcut for generated code: ``encode(value)`` is right where ``type(value) is exact``, and skips the check."""

    exact: type
    encode: Callable[..., bytes]


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Serde(Generic[T]):
    """Bytes of one type, both ways.

    Arguments:
        encode: value to bytes; raises ``TypeError`` or ``ValueError`` for a value of another type.
        decode: bytes to value; raises ``ValueError`` (or a subclass) for bytes of another format.
        id: stable name of the format, kept in the manifest (``utf8``, ``json:myapp.Bid``, ``int64``).
        ordered: whether the bytes sort as the values do (needed by ``range``).
        type: the Python type, for messages and for inference.
        fast: where ``encode`` is a Python function only for the sake of its check, the C function beneath it.
    """

    encode: Callable[[T], bytes]
    decode: Callable[[bytes], T]
    id: str
    ordered: bool = False
    type: object = None
    fast: Fast | None = None

    def __repr__(self) -> str:
        return f"<serde {self.id}>"


def same_format(one: Serde[Any], other: Serde[Any]) -> bool:
    """Whether bytes of one serde are bytes of the other, so that they may be passed on unread.

    An id names a format, but for those made of lambdas and local functions: two of them may share a name.
    """
    if one.encode is other.encode and one.decode is other.decode:
        return True
    return one.id == other.id and "<" not in one.id
