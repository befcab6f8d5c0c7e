"""Every case again under other names, keys, times, partitions, crashes and with the record cache.

Cases that need what does not exist yet are left to ``test_cases``.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.conformance.adapter import run
from tests.conformance.features import features
from tests.conformance.judging import CASES, Case, assert_passes, missing_for
from tests.conformance.reruns import EXCLUDED, RERUNS, Rerun, excluded

_PAIRS = [
    pytest.param(RERUNS[name], case, id=f"{name}-{case['id']}")
    for name in RERUNS
    for case in CASES
    if not missing_for(case) and excluded(name, case) is None
]


@pytest.mark.parametrize(("rerun", "case"), _PAIRS)
def test_rerun(rerun: Rerun, case: Case) -> None:
    assert_passes(rerun.change(case), lambda question: run(question, rerun.conditions))


@pytest.mark.parametrize("name", RERUNS)
def test_every_exclusion_excludes_something(name: str) -> None:
    found = frozenset().union(*(features(case) | {case["id"]} for case in CASES))
    assert not EXCLUDED[name].keys() - found, "a reason that no case has"


def test_every_exclusion_has_a_reason_and_some_cases_left() -> None:
    """No rerun excludes most of what could run."""
    playable = [case for case in CASES if not missing_for(case)]
    for name in RERUNS:
        reasons = [excluded(name, case) for case in playable]
        assert all(reason is None or len(reason.split()) > 2 for reason in reasons)
        assert reasons.count(None) > len(playable) * 2 // 3, name


def outputs_of(case: Case, change: Callable[[list[Any]], None]) -> Callable[[Case], list[Any]]:
    def adapter(_: Case) -> list[Any]:
        outputs = [dict(row) for row in case["expected"]]
        change(outputs)
        return outputs

    return adapter


@pytest.mark.parametrize("name", RERUNS)
def test_a_rerun_still_judges(name: str) -> None:
    """Changed answers are answers: the right outputs pass, and with the last value wrong they fail."""
    case = next(case for case in CASES if case["id"] == "hop-agg-basic")
    asked = RERUNS[name].change(case)
    assert_passes(asked, outputs_of(asked, lambda outputs: None))
    with pytest.raises(AssertionError):
        assert_passes(asked, outputs_of(asked, lambda outputs: outputs[-1].update(value="wrong")))
