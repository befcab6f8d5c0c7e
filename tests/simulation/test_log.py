"""The log in the simulated world: two hundred seeds, and each planted bug is found.

``python -m tests.simulation.log --seeds 0-1999`` runs any number.
"""

from __future__ import annotations

import pytest

from tests.simulation.log import STEPS, first_failure, main
from tests.simulation.log_bugs import BUGS, planted

SEEDS = 200
CHUNK = 25
MAX_SEEDS_PER_BUG = 500


@pytest.mark.parametrize("first", range(0, SEEDS, CHUNK))
def test_the_log_is_what_the_model_says(first: int) -> None:
    failure = first_failure(range(first, first + CHUNK), STEPS)
    if failure is not None:
        seed, error = failure
        raise AssertionError(f"python -m tests.simulation.log --seeds {seed} --steps {STEPS}") from error


@pytest.mark.parametrize("bug", sorted(BUGS))
def test_each_planted_bug_is_found(bug: str) -> None:
    with planted(bug):
        assert first_failure(range(MAX_SEEDS_PER_BUG), STEPS) is not None


def test_the_command_says_how_to_run_a_seed_again(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--seeds", "0-1", "--steps", "20"]) == 0
    assert "2 seeds of 20 steps" in capsys.readouterr().out
    assert main(["--seeds", "0-9", "--bug", "index-off-by-one"]) == 0
    assert "python -m tests.simulation.log --seeds" in capsys.readouterr().out
