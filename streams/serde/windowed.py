"""Windowed keys as Kafka's ``TimeWindowedSerializer`` writes them: the key's bytes, then the window's start.

The end is not written: whoever reads must know the size (``TimeWindowedDeserializer`` too). An unlimited window ends at
the largest 64-bit number.
"""

from __future__ import annotations

from struct import Struct
from typing import Any, Final, TypeVar

from streams.durations import duration_ms
from streams.errors import SerdeError
from streams.model import Windowed
from streams.serde.base import Serde
from streams.serde.resolve import resolve

K = TypeVar("K")

_START: Final = Struct(">q")
_ID: Final = "windowed:"
MAX_END: Final = 2**63 - 1


def windowed(key: type[K] | Serde[K], size: object) -> Serde[Windowed[K]]:
    """The serde of a windowed key, to read a topic that windowed results were written to.

    Arguments:
        key: type or serde of the key inside.
        size: of the windows: a timedelta, or a text such as ``"10s"``.

    Raises:
        SerdeError: no type.
        ConfigError: no duration.
    """
    size_ms = duration_ms(size, "size")
    if size_ms == 0:
        raise SerdeError(f"serde.windowed(size={size!r}): windows are longer than 0")
    return time_windowed(resolve(key), size_ms)


def time_windowed(key_serde: Serde[Any], size_ms: int | None) -> Serde[Windowed[Any]]:
    """As ``windowed``; ``size_ms`` None for unlimited windows."""
    encode_key, decode_key = key_serde.encode, key_serde.decode
    pack, unpack_from = _START.pack, _START.unpack_from

    def encode(value: Windowed[Any]) -> bytes:
        if not isinstance(value, Windowed):
            raise TypeError(f"a Windowed(key, start, end) is expected, not {type(value).__name__}")
        if value.start < 0:
            raise ValueError(f"a window cannot start at {value.start}, before the epoch")
        return encode_key(value.key) + pack(value.start)

    def decode(data: bytes) -> Windowed[Any]:
        if len(data) < _START.size:
            raise ValueError(f"a windowed key has at least {_START.size} bytes, for the window's start")
        (start,) = unpack_from(data, len(data) - _START.size)
        return Windowed(decode_key(data[: -_START.size]), start, MAX_END if size_ms is None else start + size_ms)

    size = "unlimited" if size_ms is None else f"{size_ms}ms"
    return Serde(encode=encode, decode=decode, id=f"{_ID}{size}:{key_serde.id}", type=Windowed)


def window_bytes(serde: Serde[Any] | None) -> int:
    """How many bytes at the end of an encoded key say which window; 0 for keys without."""
    return _START.size if serde is not None and serde.id.startswith(_ID) else 0
