"""The cases, and the grader's verdict as an assertion."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.conformance.features import features
from tests.conformance.grade import grade_case
from tests.conformance.not_implemented import NOT_IMPLEMENTED

Case = dict[str, Any]
CASES: list[Case] = json.loads((Path(__file__).parent / "cases.json").read_text())


def missing_for(case: Case) -> list[str]:
    """What the case needs and the framework does not have."""
    return [reason for feature, reason in NOT_IMPLEMENTED.items() if feature in features(case)]


def parameters(cases: list[Case]) -> list[Any]:
    """Cases as pytest parameters; those that need what does not exist must raise ``NotImplementedError``."""
    found = []
    for case in cases:
        missing = missing_for(case)
        marks = [pytest.mark.xfail(strict=True, raises=NotImplementedError, reason=missing[0])] if missing else []
        found.append(pytest.param(case, id=case["id"], marks=marks))
    return found


def assert_passes(case: Case, run: Callable[[Case], list[Case]], *, strict: bool = False) -> None:
    """What the grader says of the outputs; what the adapter raises goes to pytest as it is."""
    raised: list[Exception] = []

    def adapter(question: Case) -> list[Case]:
        try:
            return run(question)
        except Exception as error:
            raised.append(error)
            raise

    status, detail, _ = grade_case(case, adapter, strict)
    if status == "unsupported":
        raise NotImplementedError(detail)  # a fresh one: pytest takes long to print the tracebacks of many
    if raised:
        raise raised[0]
    assert status == "passed", detail


def prescribes_moments(case: Case) -> bool:
    """Whether the case says after which very input each output comes, and what it is in full."""
    compare = case["compare"]
    return (
        compare["mode"] in ("sequence", "sequence-per-topic")
        and compare.get("timestamps_asserted", True)
        and compare.get("windows_asserted", True)
        and compare.get("checkpoints") == list(range(len(case["inputs"])))
    )
