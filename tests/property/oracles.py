"""The two independent codecs that ours is held against: where each keeps its classes, and their values in plain form.

kio's classes are generated from Kafka's schemas; kafka-python reads Kafka's schemas at run time.
"""

from __future__ import annotations

import importlib
import pkgutil
import warnings
from functools import cache
from typing import Any
from uuid import UUID

from kio.schema.index import api_key_map

from broker_core.protocol.layout import ArrayOf, StructOf, Type, layout
from broker_core.protocol.primitives import NO_UUID

with warnings.catch_warnings():
    # kafka-python reads its schemas through a deprecated function of importlib.resources.
    warnings.simplefilter("ignore", DeprecationWarning)
    from kafka.protocol import api_message
    from kafka.record import memory_records

    for _name in ("admin", "consumer", "metadata", "producer"):
        _package = importlib.import_module(f"kafka.protocol.{_name}")
        for _found in pkgutil.iter_modules(_package.__path__):
            importlib.import_module(f"{_package.__name__}.{_found.name}")
    importlib.import_module("kafka.protocol.sasl")

MemoryRecords = memory_records.MemoryRecords
MemoryRecordsBuilder = memory_records.MemoryRecordsBuilder


@cache
def kio_class(cls: type[Any], version: int) -> Any:
    side = "request" if cls.__name__.endswith("Request") else "response"
    module = importlib.import_module(f"kio.schema.{api_key_map[cls.API_KEY]}.v{version}.{side}")
    return getattr(module, cls.__name__)


@cache
def kafka_python_class(cls: type[Any]) -> Any:
    return {found.__name__: found for found in api_message.ApiMessage.__subclasses__()}[cls.__name__]


def as_plain(value: Any, kind: Type, version: int) -> Any:
    """Our value as nested dicts, lists and primitives, with the fields of ``version`` only."""
    if value is None:
        return None
    if isinstance(kind, ArrayOf):
        return [as_plain(item, kind.item, version) for item in value]
    if isinstance(kind, StructOf):
        return {
            slot.name: as_plain(getattr(value, slot.name), slot.type, version)
            for slot in layout(kind.cls, version)
            if slot.present
        }
    return str(value) if isinstance(value, UUID) else value


def their_plain(value: Any, like: Any) -> Any:
    """kafka-python's value in the form of ``like``, which came from ``as_plain``: all of its fields, no others."""
    if isinstance(like, dict):
        # kafka-python turns these bit fields into sets of its own; the bytes written again still tell.
        skipped = {name: item for name, item in like.items() if name.endswith("authorized_operations")}
        return skipped | {
            name: their_plain(getattr(value, name), item) for name, item in like.items() if name not in skipped
        }
    if isinstance(like, list):
        assert len(value) == len(like)
        return [their_plain(one, two) for one, two in zip(value, like, strict=True)]
    if isinstance(value, memoryview | bytearray):
        return bytes(value)
    if value is None and like == str(NO_UUID):
        return like  # both oracles know the zero uuid as None
    return str(value) if isinstance(value, UUID) else value
