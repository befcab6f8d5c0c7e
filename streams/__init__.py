"""Kafka Streams for Python, log included: declare a topology on an ``App`` and run it."""

from streams import serde
from streams.app import App
from streams.dsl import (
    KGroupedStream,
    KGroupedTable,
    KStream,
    KTable,
    TimeWindowedKStream,
    hopping,
    tumbling,
    unlimited,
)
from streams.errors import (
    ClientError,
    ConfigError,
    ProcessingError,
    ProducerFenced,
    SerdeError,
    StreamsError,
    TopologyError,
    TransactionAborted,
    UnsupportedError,
)
from streams.model import Record, Windowed
from streams.on_error import ErrorContext, ErrorPolicy, dead_letter, fail, retry, skip

__all__ = [
    "App",
    "ClientError",
    "ConfigError",
    "ErrorContext",
    "ErrorPolicy",
    "KGroupedStream",
    "KGroupedTable",
    "KStream",
    "KTable",
    "ProcessingError",
    "ProducerFenced",
    "Record",
    "SerdeError",
    "StreamsError",
    "TimeWindowedKStream",
    "TopologyError",
    "TransactionAborted",
    "UnsupportedError",
    "Windowed",
    "dead_letter",
    "fail",
    "hopping",
    "retry",
    "serde",
    "skip",
    "tumbling",
    "unlimited",
]
