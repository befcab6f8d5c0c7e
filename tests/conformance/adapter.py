"""``run(case)``: a case of the neutral form, built with the public DSL and run by ``TopologyTestDriver``.

One function per step (``op``); no case is known by name, and nothing but what a user has is used. What the framework
does not have is ``NotImplementedError``, found by asking for the method or the argument.

    python tests/conformance/grade.py tests.conformance.adapter:run
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import streams
from streams import App, serde
from streams.testing import TopologyTestDriver
from tests.conformance import functions as fn

Step = dict[str, Any]
Case = dict[str, Any]
Outputs = list[dict[str, Any]]


def _encode(value: str | int) -> bytes:
    if isinstance(value, str):
        return b"s" + value.encode()
    return b"i" + (value + (1 << 63)).to_bytes(8, "big")


def _decode(data: bytes) -> str | int:
    return data[1:].decode() if data[:1] == b"s" else int.from_bytes(data[1:], "big") - (1 << 63)


SCALAR: serde.Serde[Any] = serde.of(_encode, _decode, id="scalar", ordered=True)
"""Strings and integers of the neutral form, in their key order: strings by UTF-8 bytes, integers by size."""


def call(owner: object, name: str, *arguments: Any, optional: dict[str, Any] | None = None, **required: Any) -> Any:
    """Call a method of the DSL, if it is there and takes these arguments.

    Arguments:
        optional: arguments that say more than the method may need to hear; left out where it does not take them.
        required: arguments with a meaning; those that are None are left out.
    """
    method = getattr(owner, name, None)
    described = f"{getattr(owner, '__name__', type(owner).__name__)}.{name}"
    if method is None:
        raise NotImplementedError(described)
    parameters = inspect.signature(method).parameters
    given = {key: value for key, value in required.items() if value is not None}
    for key in given:
        if key not in parameters:
            raise NotImplementedError(f"{described}({key}=...)")
    extra = {key: value for key, value in (optional or {}).items() if key in parameters}
    return method(*arguments, **given, **extra)


def ms(duration: int | None) -> timedelta | None:
    return None if duration is None else timedelta(milliseconds=duration)


TYPES: dict[str, Any] = {"key": SCALAR, "value": SCALAR}
VALUE: dict[str, Any] = {"value": SCALAR}


class Topology:
    """The steps of one case on their way to an ``App``; ``made`` has each step's result by id."""

    def __init__(self, case: Case) -> None:
        config = case.get("config", {})
        settings = {}
        if config.get("emit_interval_ms"):
            settings["emit_interval_ms"] = config["emit_interval_ms"]
        try:
            self.app = App("conformance", **settings)
        except streams.ConfigError as error:
            raise NotImplementedError(f"App({settings})") from error
        self.made: dict[str, Any] = {}
        self.adders: dict[str, Sequence[Step]] = {}
        self._case = case
        for step in case["topology"]:
            build = getattr(self, f"op_{step['op']}", None)
            if build is None:
                raise NotImplementedError(step["op"])
            result = build(step)
            if "id" in step:
                self.made[step["id"]] = result

    def source(self, step: Step) -> Any:
        """The one input of a step."""
        return self.sources(step)[0]

    def sources(self, step: Step) -> list[Any]:
        """The inputs of a step, left first."""
        names = step["in"] if isinstance(step["in"], list) else [step["in"]]
        return [self.made[name] for name in names]

    # -- in and out

    def op_stream(self, step: Step) -> Any:
        return self.app.stream(step["topic"], **TYPES)

    def op_table(self, step: Step) -> Any:
        kept = step.get("store") or {}
        history = kept.get("history_ms") if kept.get("type") == "versioned" else None
        optional = {**TYPES, "store": step.get("store_name")} if "store_name" in step else TYPES
        return call(self.app, "table", step["topic"], optional=optional, history=ms(history))

    def op_global_table(self, step: Step) -> Any:
        return call(self.app, "global_table", step["topic"], optional=TYPES)

    def op_to(self, step: Step) -> None:
        if "topic_template" in step:
            call(self.source(step), "to", fn.topic_of(step["topic_template"]), **TYPES)
        else:
            call(self.source(step), "to", step["topic"], value=SCALAR)

    # -- stateless

    def op_filter(self, step: Step) -> Any:
        return call(self.source(step), step["op"], fn.predicate(step["predicate"]))

    op_filter_not = op_filter

    def op_map(self, step: Step) -> Any:
        return call(self.source(step), "map", fn.record_mapper(step["mapper"]), optional=TYPES)

    def op_select_key(self, step: Step) -> Any:
        return call(self.source(step), "select_key", fn.mapper(step["mapper"]), optional={"key": SCALAR})

    def op_flat_map(self, step: Step) -> Any:
        return call(self.source(step), "flat_map", fn.records_mapper(step["mapper"]), optional=TYPES)

    def op_flat_map_values(self, step: Step) -> Any:
        return call(self.source(step), "flat_map_values", fn.values_mapper(step["mapper"]), optional=VALUE)

    def op_map_values(self, step: Step) -> Any:
        return call(self.source(step), "map_values", fn.mapper(step["mapper"]), optional=VALUE)

    def op_transform_values(self, step: Step) -> Any:
        return call(
            self.source(step),
            "transform_values",
            fn.mapper(step["mapper"]),
            optional=VALUE,
            store=step.get("store_name"),
        )

    def op_merge(self, step: Step) -> Any:
        first, *others = self.sources(step)
        for other in others:
            first = call(first, "merge", other, optional=VALUE)
        return first

    def op_repartition(self, step: Step) -> Any:
        return call(self.source(step), "repartition", optional={"name": _name(step)})

    def op_to_table(self, step: Step) -> Any:
        return call(self.source(step), "to_table", optional={"store": self._store(step)})

    def op_to_stream(self, step: Step) -> Any:
        return call(self.source(step), "to_stream")

    def op_split(self, step: Step) -> None:
        split = call(self.source(step), "split")
        for index, branch in enumerate(step["branches"]):
            call(split, "branch", fn.predicate(branch["predicate"]), f"{_name(step)}-{index}").to(
                branch["to"], value=SCALAR
            )
        if step.get("default_to"):
            call(split, "default", f"{_name(step)}-rest").to(step["default_to"], value=SCALAR)

    # -- groups

    def op_group_by_key(self, step: Step) -> Any:
        return call(self.source(step), "group_by_key")

    def op_group_by(self, step: Step) -> Any:
        source = self.source(step)
        if isinstance(source, streams.KStream):
            return call(source, "group_by", fn.mapper(step["mapper"]), optional={"key": SCALAR})
        return call(source, "group_by", fn.row_mapper(step["mapper"]), optional=TYPES)

    def op_cogroup(self, step: Step) -> Any:
        (first, *others), (adder, *adders) = self.sources(step), step["adders"]
        cogrouped = call(first, "cogroup", fn.combiner(adder))
        for group, combine in zip(others, adders, strict=True):
            cogrouped = call(cogrouped, "cogroup", group, fn.combiner(combine))
        return cogrouped

    def op_window(self, step: Step) -> Any:
        kind, grace = step["type"], ms(step.get("grace", 0))
        match kind:
            case "tumbling":
                window = call(streams, kind, ms(step["size"]), grace=grace)
            case "hopping":
                window = call(streams, kind, ms(step["size"]), ms(step["advance"]), grace=grace)
            case "sliding":
                window = call(streams, kind, ms(step["difference"]), grace=grace)
            case "session":
                window = call(streams, kind, ms(step["gap"]), grace=grace)
            case "unlimited":
                window = call(streams, kind, step["start"])
            case _:
                raise NotImplementedError(f"window {kind!r}")
        emit = step.get("emit", "on_update")
        return call(self.source(step), "windowed_by", window, emit=None if emit == "on_update" else emit)

    def op_count(self, step: Step) -> Any:
        return call(
            self.source(step), "count", optional=VALUE,
            store=self._store(step), retention=ms(step.get("retention_ms")),
        )  # fmt: skip

    def op_reduce(self, step: Step) -> Any:
        functions = [fn.combiner(step["reducer"])]
        if "subtractor" in step:
            functions.append(fn.combiner(step["subtractor"]))
        return call(
            self.source(step), "reduce", *functions, store=self._store(step), retention=ms(step.get("retention_ms"))
        )

    def op_aggregate(self, step: Step) -> Any:
        initial = step["init"]
        functions = [fn.combiner(step[role]) for role in ("adder", "subtractor", "merger") if role in step]
        return call(
            self.source(step), "aggregate", lambda: initial, *functions,
            store=self._store(step), retention=ms(step.get("retention_ms")), value=SCALAR,
        )  # fmt: skip

    # -- joins

    def op_stream_stream_join(self, step: Step) -> Any:
        left, right = self.sources(step)
        return call(
            left, _join(step), right, fn.joiner(step["joiner"]), optional={**VALUE, "name": _name(step)},
            within=(ms(step["before"]), ms(step["after"])), grace=ms(step["grace"]),
        )  # fmt: skip

    def op_stream_table_join(self, step: Step) -> Any:
        left, right = self.sources(step)
        return call(
            left, _join(step), right, fn.joiner(step["joiner"]), optional={**VALUE, "name": _name(step)},
            grace=ms(step.get("grace")),
        )  # fmt: skip

    def op_stream_global_table_join(self, step: Step) -> Any:
        left, right = self.sources(step)
        return call(
            left, _join(step), right, fn.joiner(step["joiner"]), optional=VALUE, on=fn.mapper(step["key_selector"])
        )

    def op_table_table_join(self, step: Step) -> Any:
        left, right = self.sources(step)
        return call(left, _join(step), right, fn.joiner(step["joiner"]), optional=VALUE, store=step.get("store_name"))

    def op_foreign_key_join(self, step: Step) -> Any:
        left, right = self.sources(step)
        return call(
            left, _join(step), right, fn.joiner(step["joiner"]), optional=VALUE,
            on=fn.mapper(step["foreign_key"]), store=step.get("store_name"),
        )  # fmt: skip

    # -- emission, processors

    def op_suppress(self, step: Step) -> Any:
        if step["type"] == "until_window_closes":
            return call(self.source(step), "suppress", call(streams, "until_window_closes"))
        until = call(
            streams, "until_time_limit", ms(step.get("ms")), max_records=step.get("max_records"),
            when_full=step.get("when_full"),
        )  # fmt: skip
        return call(self.source(step), "suppress", until)

    def _store(self, step: Step) -> str:
        return str(step.get("store_name") or f"store-of-{_name(step)}")


def _name(step: Step) -> str:
    """A name for what a step makes, of the characters that names have."""
    return "step-" + re.sub(r"[^A-Za-z0-9._-]", "-", str(step["id"]))


def _join(step: Step) -> str:
    return {"inner": "join", "left": "left_join", "outer": "outer_join"}[step["how"]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Conditions:
    """Under which a case is run; by default as its authors did.

    Arguments:
        partitions: of every topic.
        cache: whether record caches are used.
        before_input, after_input: called with the driver before and after every input.
        commit_every: as the driver's.
        at_once: all records arrive before the first is processed.
    """

    partitions: int = 1
    cache: bool = False
    before_input: Callable[[TopologyTestDriver], None] | None = None
    after_input: Callable[[TopologyTestDriver], None] | None = None
    commit_every: int | None = 1
    at_once: bool = False


AS_GIVEN = Conditions()


def run(case: Case, conditions: Conditions = AS_GIVEN) -> Outputs:
    """The outputs of a case, in order."""
    return play(case, conditions)[0]


def play(case: Case, conditions: Conditions = AS_GIVEN) -> tuple[Outputs, TopologyTestDriver]:
    """The outputs of a case, and the driver as it is after the last input."""
    topology = Topology(case)
    driver = TopologyTestDriver(
        topology.app,
        partitions=conditions.partitions,
        cache=conditions.cache,
        commit_every=conditions.commit_every,
    )
    declared = topology.app.topology().output_topics
    outputs: Outputs = []
    inputs = case["inputs"]
    for index, item in enumerate(inputs):
        if conditions.before_input is not None:
            conditions.before_input(driver)
        apply(driver, item, at_once=conditions.at_once)
        if conditions.at_once and index == len(inputs) - 1:
            driver.process()
        if conditions.after_input is not None:
            conditions.after_input(driver)
        for topic in case["output_topics"]:
            types = VALUE if topic in declared else TYPES
            outputs += [neutral(record, index) for record in driver.read(topic, **types)]
    return outputs, driver


def apply(driver: TopologyTestDriver, item: dict[str, Any], *, at_once: bool = False) -> None:
    """One input of a case."""
    if "advance_wall_clock_ms" in item:
        driver.advance_wall_clock(timedelta(milliseconds=item["advance_wall_clock_ms"]))
        return
    if "process" in item:
        driver.process(item["process"])
        return
    take = driver.enqueue if at_once or "enqueue" in item else driver.send
    for record in item.get("enqueue", [item]):
        take(record["topic"], record["key"], record["value"], timestamp=record["ts"])


def neutral(record: streams.Record[Any, Any], after: int) -> dict[str, Any]:
    """An output in the neutral form."""
    key, window = record.key, None
    windowed = getattr(streams, "Windowed", None)
    if windowed is not None and isinstance(key, windowed):
        key, window = key.key, {"start": key.start, "end": key.end}
    return {
        "after_input": after,
        "topic": record.topic,
        "key": key,
        "value": record.value,
        "ts": record.timestamp,
        "window": window,
        "tombstone": record.value is None,
    }
