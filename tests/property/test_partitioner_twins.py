"""The compiled partitioner, its interpreted twin and kafka-python's agree on everything."""

from __future__ import annotations

import importlib.util
import sys
import warnings
from pathlib import Path
from types import ModuleType

from hypothesis import given
from hypothesis import strategies as st

from streams.client import partitioner

with warnings.catch_warnings():
    warnings.simplefilter("ignore", DeprecationWarning)  # kafka-python reads its schemas by a deprecated function
    from kafka.partitioner.default import murmur2 as reference

SOURCE = Path(partitioner.__file__).parent / "partitioner.py"

keys = st.lists(st.none() | st.binary(max_size=40), max_size=30)


def interpreted() -> ModuleType:
    spec = importlib.util.spec_from_file_location("interpreted_partitioner", SOURCE)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


TWIN = interpreted()


@given(st.binary(max_size=200))
def test_murmur2(key: bytes) -> None:
    """Same 32 bits in all three."""
    assert partitioner.murmur2(key) == TWIN.murmur2(key) == reference(key) & 0xFFFFFFFF


@given(keys, st.integers(1, 9), st.booleans())
def test_columns(rows: list[bytes | None], count: int, told: bool) -> None:
    """Both twins put every record into the same column, as the split says."""
    values, timestamps = [key and key[::-1] for key in rows], list(range(len(rows)))
    split = partitioner.split_by_partition(rows, count, count - 1)
    assert split == TWIN.split_by_partition(rows, count, count - 1)
    results = []
    for module in (partitioner, TWIN):
        targets = [[[] for _ in range(count)] for _ in range(3)]
        module.distribute(rows, values, timestamps, split if told else None, count - 1, *targets)
        results.append(targets)
    assert results[0] == results[1]
    assert results[0][2] == [[i for i in timestamps if split[i] == partition] for partition in range(count)]


@given(keys, st.integers(1, 200))
def test_sizes(rows: list[bytes | None], limit: int) -> None:
    """Cuts cover every record, agree between the twins, and only single records pass the limit."""
    start = 0
    while start < len(rows):
        stop = partitioner.cut(rows, rows, start, limit)
        assert stop == TWIN.cut(rows, rows, start, limit) > start
        size = partitioner.measure(rows, rows, start, stop)
        assert size == TWIN.measure(rows, rows, start, stop)
        assert size <= limit or stop == start + 1
        start = stop
