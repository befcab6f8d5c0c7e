"""The neutral form's functions do what its description says, where a slip would only show once operators exist."""

from __future__ import annotations

from typing import Any

import pytest

from tests.conformance import functions as fn
from tests.conformance.adapter import SCALAR
from tests.conformance.judging import CASES


def test_texts_are_filled_in_one_pass_and_null_is_printed() -> None:
    assert fn.filled("({l},{r})", l="{r}", r=None) == "({r},null)"
    assert fn.filled("{topic}-{k}-{v0}", topic="t", k=1, v0="a") == "t-1-a"
    assert fn.joiner({"fn": "concat", "sep": "+"})(None, 5) == "null+5"


@pytest.mark.parametrize(
    ("spec", "value", "expected"),
    [
        ({"sep": "|", "index": 1}, "a|b", "b"),
        ({"sep": "|", "index": 1}, "a", None),
        ({"sep": "|", "index": 1, "null_if": "b"}, "a|b", None),
        ({"sep": "-", "index": 0, "as": "int"}, "12-x", 12),
        ({"sep": "-", "index": 0}, None, None),
    ],
)
def test_values_are_split(spec: dict[str, Any], value: str | None, expected: object) -> None:
    assert fn.mapper({"fn": "split-value", **spec})("k", value) == expected


def test_a_counter_counts_the_calls_of_its_step() -> None:
    one, other = fn.mapper({"fn": "counter"}), fn.mapper({"fn": "counter"})
    assert [one("k", "v"), one("k", None), other("k", "v")] == [1, 2, 1]


def test_rows_are_grouped_as_described() -> None:
    drop = fn.row_mapper({"fn": "drop-keys-null"})
    assert (drop("NULL", "v"), drop("null", "v"), drop("k", "v")) == (None, (None, "v"), ("v", "v"))
    assert fn.row_mapper({"fn": "truncate-value"})("k", "12.9") == ("k", 12)
    assert fn.row_mapper({"fn": "key-chars"})("ab", "v") == ("a", "b")
    assert fn.record_mapper({"fn": "key-letter-index"})("C", "v") == (2, "v")
    assert fn.records_mapper({"fn": "repeat-by-key"})(3, "v") == [("30", "v"), ("31", "v"), ("32", "v")]


def test_aggregates_are_combined_as_described() -> None:
    assert fn.combiner({"fn": "sum"})("2", 3) == 5
    assert fn.combiner({"fn": "subtract"})(2, "3") == -1
    assert fn.combiner({"fn": "remove-substring"})("ababc", "ab") == "c"


def test_what_nobody_has_described_is_not_implemented() -> None:
    for role in (fn.mapper, fn.record_mapper, fn.records_mapper, fn.values_mapper, fn.row_mapper, fn.predicate,
                 fn.joiner, fn.combiner):  # fmt: skip
        with pytest.raises(NotImplementedError, match="magic"):
            role({"fn": "magic"})


def test_every_function_of_the_cases_exists() -> None:
    roles = {"map": fn.record_mapper, "flat_map": fn.records_mapper, "flat_map_values": fn.values_mapper}
    for case in CASES:
        for step in case["topology"]:
            grouping_a_table = step["op"] == "group_by" and step["in"] not in _streams(case)
            for field, spec in step.items():
                if field in ("mapper", "key_selector", "foreign_key"):
                    (fn.row_mapper if grouping_a_table else roles.get(step["op"], fn.mapper))(spec)
                elif field in ("adder", "reducer", "subtractor", "merger"):
                    fn.combiner(spec)
                elif field == "joiner":
                    fn.joiner(spec)
                elif field == "predicate":
                    fn.predicate(spec)


def _streams(case: dict[str, Any]) -> set[Any]:
    """The steps whose result is a stream, as far as the cases group any."""
    ops = ("stream", "map", "select_key", "flat_map", "merge", "repartition", "to_stream")
    return {step.get("id") for step in case["topology"] if step["op"] in ops}


def test_keys_sort_as_the_neutral_form_says() -> None:
    values = [0, 9, 10, 255, 256, 1 << 40]
    assert sorted(values, key=SCALAR.encode) == values
    texts = ["", "A", "B", "a", "ä", "z", "𝄞"]
    assert sorted(texts, key=SCALAR.encode) == sorted(texts, key=str.encode)
    for value in [*values, *texts, -5]:
        assert SCALAR.decode(SCALAR.encode(value)) == value
