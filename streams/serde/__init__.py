"""Types are serdes: ``serde.int64``, ``serde.ordered(T)``, ``serde.of(encode, decode)``, ``serde.json``, ..."""

from streams.serde.base import Serde
from streams.serde.binary import float32, float64, int16, int32, int64, uuid
from streams.serde.custom import of
from streams.serde.models import anything as json
from streams.serde.ordered import ordered
from streams.serde.plain import raw, utf8
from streams.serde.resolve import resolve
from streams.serde.windowed import windowed

__all__ = [
    "Serde",
    "float32",
    "float64",
    "int16",
    "int32",
    "int64",
    "json",
    "of",
    "ordered",
    "raw",
    "resolve",
    "utf8",
    "uuid",
    "windowed",
]
