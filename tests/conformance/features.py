"""What a case needs of the framework and what it depends on, as short names; lists of exceptions speak of these.

Derived from the case alone: ops (``count``, ``window:hopping``, ``table:versioned``), functions (``fn:swap``), tags
(``tag:late``) and facts about its inputs (``inputs:...``).
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from typing import Any

Case = dict[str, Any]


def features(case: Case) -> frozenset[str]:
    return frozenset([*_ops(case), *_functions(case["topology"]), *_facts(case)])


def _ops(case: Case) -> Iterator[str]:
    for step in case["topology"]:
        op = step["op"]
        yield op
        if op == "window":
            yield f"window:{step['type']}"
            if step.get("emit") == "on_close":
                yield "window:on_close"
        elif op == "processor":
            yield f"processor:{step['kind']}"
        elif op == "table" and (step.get("store") or {}).get("type") == "versioned":
            yield "table:versioned"
        elif op == "stream_table_join" and step.get("grace") is not None:
            yield "stream_table_join:grace"
        elif op == "to" and "topic_template" in step:
            yield "to:template"
    if case.get("config", {}).get("emit_interval_ms"):
        yield "config:emit_interval_ms"


def _functions(part: Any) -> Iterator[str]:
    """Every function, and templates that print the key."""
    if isinstance(part, dict):
        if "fn" in part:
            yield f"fn:{part['fn']}"
        if any("{k}" in str(text) for text in (part.get("template"), part.get("templates"))):
            yield "fn:prints-key"
        for value in part.values():
            yield from _functions(value)
    elif isinstance(part, list):
        for value in part:
            yield from _functions(value)


def _facts(case: Case) -> Iterator[str]:
    yield f"mode:{case['compare']['mode']}"
    for tag in case.get("tags", ()):
        yield f"tag:{tag}"
    records = [record for item in case["inputs"] for record in item.get("enqueue", [item]) if "topic" in record]
    if any("enqueue" in item for item in case["inputs"]):
        yield "inputs:enqueued"
    if any("advance_wall_clock_ms" in item for item in case["inputs"]):
        yield "inputs:wall-clock"
    if len({(type(record["key"]), record["key"]) for record in records}) > 1:
        yield "inputs:several-keys"
    if len({record["topic"] for record in records}) > 1 and any(
        one["ts"] > other["ts"] or (one["ts"] == other["ts"] and one["topic"] != other["topic"])
        for one, other in pairwise(records)
    ):
        yield "inputs:topics-out-of-order"
    if any(_starts_below_zero(step, record["ts"]) for step in case["topology"] for record in records):
        yield "inputs:window-before-zero"


def _starts_below_zero(step: Case, timestamp: int) -> bool:
    """Whether a window that holds the record would start before time 0, where there are no windows."""
    if step.get("type") == "hopping":
        return bool(timestamp < step["size"] - step["advance"])
    return bool(step.get("type") == "sliding" and timestamp < step["difference"])
