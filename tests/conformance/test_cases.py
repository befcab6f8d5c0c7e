"""Every semantic case as Apache Kafka Streams answered it, with ``--strict`` where the case prescribes moments."""

from __future__ import annotations

import pytest

from tests.conformance.adapter import play, run
from tests.conformance.features import features
from tests.conformance.judging import CASES, Case, assert_passes, missing_for, parameters, prescribes_moments
from tests.conformance.not_implemented import NOT_IMPLEMENTED


@pytest.mark.parametrize("case", parameters(CASES))
def test_case(case: Case) -> None:
    assert_passes(case, run)


@pytest.mark.parametrize("case", parameters([case for case in CASES if prescribes_moments(case)]))
def test_case_strictly(case: Case) -> None:
    """All outputs in order, with timestamps and windows, each after its very input."""
    assert_passes(case, run, strict=True)


NOT_LATE = ("null key", "null value", "negative timestamp")


@pytest.mark.parametrize("case", parameters([case for case in CASES if "expected_dropped" in case]))
def test_late_records_are_counted(case: Case) -> None:
    """As many as Kafka Streams dropped: pairs of record and window for tumbling and hopping ones."""
    _, driver = play(case)
    late = sum(count for (_, reason), count in driver.drop_reasons.items() if reason not in NOT_LATE)
    assert late == case["expected_dropped"]


def test_what_is_missing_is_missed_by_some_case() -> None:
    """The list names nothing that no case needs: a typing mistake in it would hide nothing, but mean nothing."""
    needed = frozenset().union(*(features(case) for case in CASES))
    assert not set(NOT_IMPLEMENTED) - needed


STATELESS = {
    "stream", "filter", "filter_not", "map", "map_values", "flat_map", "flat_map_values", "select_key", "merge",
    "split", "repartition", "to_table", "to",
}  # fmt: skip
AGGREGATIONS = {"group_by", "group_by_key", "count", "reduce", "aggregate", "window"}
TABLES = {"table", "to_stream", "stream_table_join", "table_table_join"}
WINDOWS = {"window:tumbling", "window:hopping", "window:unlimited"}
CORE = STATELESS | AGGREGATIONS | TABLES


def test_the_core_is_complete() -> None:
    """Every operation of the cases is either of the core, none of which is missing, or named as missing."""
    operations = {step["op"] for case in CASES for step in case["topology"]}
    assert operations - NOT_IMPLEMENTED.keys() == CORE
    windows = {feature for case in CASES for feature in features(case) if feature.startswith("window:")}
    assert windows - NOT_IMPLEMENTED.keys() == WINDOWS


def test_select_key_alone_has_no_case_of_its_own() -> None:
    """It comes only with operations that are missing; ``tests/property/test_operators`` has it. Goes with them."""
    played = {step["op"] for case in CASES if not missing_for(case) for step in case["topology"]}
    assert played == CORE - {"select_key"}
