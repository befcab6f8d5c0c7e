"""The short version of ``python -m tests.simulation.kill``: every kill point once, cache off and on.

Of the two applications the smaller one runs with all other tests; ``-m slow`` runs the other, whose power losses are
simulated in ``test_joins``.
"""

from __future__ import annotations

import re

import pytest

from tests.simulation import kill


@pytest.mark.parametrize(
    "app", [pytest.param(app, marks=[] if app == "words" else [pytest.mark.slow]) for app in kill.CASES]
)
def test_every_kill_point_once(app: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Outputs and stores of killed runs equal those of undisturbed ones (``main`` asserts it), and kills did happen."""
    assert kill.main(["--app", app, "--kills", str(2 * len(kill.POINTS))]) == 0
    told = capsys.readouterr().out
    counts = re.search(r"^all +(\d+) +(\d+)$", told, flags=re.MULTILINE)
    assert counts is not None
    assert min(map(int, counts.groups())) >= len(kill.POINTS) - 2, told
