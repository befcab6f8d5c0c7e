"""Ways to run a case again that must not change what it shows, and where each of them does not apply.

A rerun changes the case (names, keys, times) together with its answers, or the conditions (partitions, crashes, the
record cache), or both. ``EXCLUDED`` is the whole list of exceptions, by feature (``features``) or case id.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from streams.testing import TopologyTestDriver
from tests.conformance.adapter import AS_GIVEN, Conditions
from tests.conformance.features import features

Case = dict[str, Any]
Change = Callable[[Case], Case]

FAR_MS = 1_000_000_000
"""About how far times are moved."""


def unchanged(case: Case) -> Case:
    return case


def renamed(case: Case) -> Case:
    """Every topic, step and store under another name."""
    case = copy.deepcopy(case)
    for step in case["topology"]:
        for field in ("id", "topic", "default_to", "store_name"):
            if field in step:
                step[field] = f"other-{step[field]}"
        if "in" in step:
            names = step["in"]
            step["in"] = [f"other-{name}" for name in names] if isinstance(names, list) else f"other-{names}"
        for branch in step.get("branches", ()):
            branch["to"] = f"other-{branch['to']}"
    case["output_topics"] = [f"other-{topic}" for topic in case["output_topics"]]
    for record in _records(case) + case["expected"]:
        record["topic"] = f"other-{record['topic']}"
    return case


def rekeyed(case: Case) -> Case:
    """Every key another one of the same type and in the same order; null stays null."""
    case = copy.deepcopy(case)
    for row in _records(case) + _answers(case):
        key = row["key"]
        if key is not None:
            row["key"] = f"key-{key}" if isinstance(key, str) else key + 1_000
    return case


def later(case: Case) -> Case:
    """All times moved on by one number of whole windows."""
    case = copy.deepcopy(case)
    unit = math.lcm(*(step[field] for step in case["topology"] for field in ("size", "advance") if field in step))
    shift = FAR_MS // unit * unit if unit < FAR_MS else unit
    for row in _records(case) + _answers(case):
        row["ts"] += shift
        window = row.get("window")
        if window is not None:
            row["window"] = {"start": window["start"] + shift, "end": window["end"] + shift}
    return case


def by_key(case: Case) -> Case:
    """The same answers, with order compared among equal keys only; weaker modes stay."""
    if case["compare"]["mode"] in ("sequence", "sequence-per-topic"):
        case = {**case, "compare": {**case["compare"], "mode": "sequence-per-key-and-window"}}
    return case


def last_per_input(case: Case) -> Case:
    """The same answers, comparing the last output of each key and window after every input."""
    if case["compare"]["mode"].startswith("sequence"):
        every = list(range(len(case["inputs"])))
        compare = {**case["compare"], "mode": "last-value-per-key-at-checkpoints", "checkpoints": every}
        case = {**case, "compare": compare}
    return case


def at_the_end(case: Case) -> Case:
    """The same answers, whenever they come; of states asserted on the way, the last."""
    case = by_key(case)
    last = len(case["inputs"]) - 1
    expected = [{**row, "after_input": last} for row in case["expected"]]
    compare = {**case["compare"], "checkpoints": [last]}
    if "asserted_state" in compare:
        final = len(case["compare"]["checkpoints"]) - 1
        compare["asserted_state"] = [
            {**row, "at_checkpoint": 0} for row in compare["asserted_state"] if row["at_checkpoint"] == final
        ]
    return {**case, "expected": expected, "compare": compare}


def _records(case: Case) -> list[Case]:
    return [record for item in case["inputs"] for record in item.get("enqueue", [item]) if "topic" in record]


def _answers(case: Case) -> list[Case]:
    return [*case["expected"], *case["compare"].get("asserted_state", ())]


def do_again(driver: TopologyTestDriver) -> None:
    """The application dies before it commits what the last input caused, and does it again."""
    driver.crash()
    driver.process()
    driver.commit()


@dataclass(frozen=True, slots=True, kw_only=True)
class Rerun:
    change: Change = unchanged
    conditions: Conditions = AS_GIVEN


RERUNS: dict[str, Rerun] = {
    "renamed": Rerun(change=renamed),
    "rekeyed": Rerun(change=rekeyed),
    "later": Rerun(change=later),
    "partitions": Rerun(change=by_key, conditions=Conditions(partitions=3)),
    "partitions-rekeyed": Rerun(change=lambda case: by_key(rekeyed(case)), conditions=Conditions(partitions=5)),
    "crash-between": Rerun(conditions=Conditions(before_input=TopologyTestDriver.crash)),
    "rebalance-between": Rerun(conditions=Conditions(before_input=TopologyTestDriver.rebalance)),
    "crash-within": Rerun(conditions=Conditions(commit_every=None, after_input=do_again)),
    "cached": Rerun(change=last_per_input, conditions=Conditions(cache=True)),
    "at-once": Rerun(change=at_the_end, conditions=Conditions(at_once=True)),
}

_KEYS = {
    "fn:key-chars": "takes the key apart",
    "fn:key-letter-index": "computes with the key",
    "fn:repeat-by-key": "computes with the key",
    "fn:key-divisible-by": "computes with the key",
    "fn:drop-keys-null": "looks for certain keys",
    "fn:prints-key": "the key is printed into values",
    "fn:swap": "values become keys",
    "fn:value-as-key": "values become keys",
    "to:template": "the key is printed into topic names",
    "stream_global_table_join": "keys of the table are in the stream's values",
    "foreign_key_join": "keys of the right table are in the left one's values",
    "processor:punctuate": "the step has a key of its own",
    "processor:max_store_flush": "the step has keys of its own",
}
_STREAM_TIME = {
    "tag:late": "what is late depends on the stream time, which each partition has for itself",
    "tag:emit-on-close": "a partition's windows are closed by its own records only",
    "suppress": "a partition's buffer is emptied by its own records only",
    "stream_stream_join": "what is held and forgotten depends on each partition's stream time",
    "stream_table_join:grace": "a partition's buffer is emptied by its own records only",
    "table:versioned": "what a history has forgotten depends on each partition's stream time",
    "processor": "schedules and stores are each partition's own",
    "mode:sequence-prefix": "the order between keys is free",
    "inputs:enqueued": "the order between partitions is free",
}
EXCLUDED: dict[str, dict[str, str]] = {
    "renamed": {},
    "rekeyed": _KEYS,
    "later": {
        "inputs:window-before-zero": "there are no windows before 0, so that the first ones are fewer",
        "window:unlimited": "the window's start is a time of its own",
        "processor:punctuate": "times are values, and the first call comes with the first record",
        "processor:max_store_flush": "the stream-time schedule counts from the first record's time",
        "processor:versioned_store_probe": "commands have times in them",
    },
    "partitions": _STREAM_TIME,
    "partitions-rekeyed": {**_KEYS, **_STREAM_TIME},
    "crash-between": {},
    "rebalance-between": {},
    "crash-within": {
        "inputs:enqueued": "what the crash sends back is processed whole, not in the case's portions",
    },
    "cached": {
        "mode:sequence-prefix": "one change for several makes a prefix another one",
    },
    "at-once": {
        "inputs:topics-out-of-order": "records are taken by time, not by arrival, where they wait in several inputs",
        "inputs:wall-clock": "the clock moves between the records",
        "inputs:enqueued": "the case says itself what is processed when",
        "foreign_key_join": "answers come through a second topic, later than the next record's",
    },
}
ALWAYS_ON_ONE_PARTITION = ("partitions", "partitions-rekeyed")
"""Reruns whose exclusions do not apply where all records have one key: they share a partition then."""


def excluded(rerun: str, case: Case) -> str | None:
    """Why the rerun does not apply to the case; None where it does."""
    found = features(case)
    one_key = "inputs:several-keys" not in found
    for feature, reason in EXCLUDED[rerun].items():
        if feature in found or feature == case["id"]:
            if one_key and feature in _STREAM_TIME and rerun in ALWAYS_ON_ONE_PARTITION:
                continue
            return reason
    return None
