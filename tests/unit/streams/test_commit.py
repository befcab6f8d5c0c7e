"""The commit plans: which steps, in which order, and what a crash at each of them means."""

from __future__ import annotations

import pytest

from streams.commit import StepKind, commit_plan
from streams.config import Guarantee


def test_exactly_once_ends_the_transaction_before_state_is_touched() -> None:
    kinds = [step.kind for step in commit_plan(Guarantee.EXACTLY_ONCE)]
    assert kinds == [
        StepKind.FLUSH_CACHES, StepKind.FLUSH_PRODUCER, StepKind.SEND_OFFSETS, StepKind.END_TRANSACTION, StepKind.APPLY,
    ]  # fmt: skip


def test_at_least_once_commits_offsets_only_after_their_effects() -> None:
    kinds = [step.kind for step in commit_plan(Guarantee.AT_LEAST_ONCE)]
    assert kinds.index(StepKind.FLUSH_PRODUCER) < kinds.index(StepKind.COMMIT_OFFSETS) < kinds.index(StepKind.APPLY)


@pytest.mark.parametrize("guarantee", list(Guarantee))
def test_every_step_answers_what_if_we_crash_here(guarantee: Guarantee) -> None:
    assert all(step.on_crash.endswith(".") for step in commit_plan(guarantee))
