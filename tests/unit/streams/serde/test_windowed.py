"""Windowed keys: the bytes of Kafka's TimeWindowedSerializer, and its deserializer's need for the size."""

from __future__ import annotations

from datetime import timedelta

import pytest

from streams import ConfigError, SerdeError, Windowed, serde
from streams.serde.windowed import MAX_END, time_windowed, window_bytes


def test_the_bytes_are_key_then_start() -> None:
    """TimeWindowedSerializer("user", [258, ...)): WindowKeySchema.toBinary without the sequence number."""
    windowed = serde.windowed(str, "10s")
    data = b"user" + bytes.fromhex("0000000000000102")
    assert windowed.encode(Windowed("user", 258, 10_258)) == data
    assert windowed.decode(data) == Windowed("user", 258, 10_258)


def test_the_end_comes_from_the_size() -> None:
    data = serde.windowed(int, "1s").encode(Windowed(7, 0, 1_000))
    assert serde.windowed(int, timedelta(minutes=1)).decode(data).end == 60_000
    assert time_windowed(serde.resolve(int), None).decode(data).end == MAX_END


def test_the_size_is_part_of_the_format() -> None:
    """A store of other windows cannot be read on."""
    assert serde.windowed(str, "10s").id == "windowed:10000ms:utf8"
    assert serde.windowed(str, "10s").id != serde.windowed(str, "20s").id
    assert serde.windowed(serde.int64, "1s").id == "windowed:1000ms:int64"


def test_what_is_no_windowed_key_is_refused() -> None:
    windowed = serde.windowed(str, "10s")
    with pytest.raises(TypeError, match="Windowed"):
        windowed.encode("user")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="before the epoch"):
        windowed.encode(Windowed("user", -1, 9_999))
    with pytest.raises(ValueError, match="at least 8 bytes"):
        windowed.decode(b"1234567")
    with pytest.raises(SerdeError, match="longer than 0"):
        serde.windowed(str, "0s")
    with pytest.raises(ConfigError, match="size=10"):
        serde.windowed(str, 10)


def test_how_many_bytes_are_the_window_s() -> None:
    assert window_bytes(serde.windowed(str, "10s")) == 8
    assert window_bytes(serde.resolve(str)) == window_bytes(None) == 0
