"""The pictures in docs/operators/windows.md are drawn by the program, and its example runs as it says."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from tests.golden.window_timeline import pictures

PAGE = (Path(__file__).parents[2] / "docs" / "operators" / "windows.md").read_text()


@pytest.mark.parametrize("picture", pictures())
def test_the_pictures_are_the_program_s(picture: str) -> None:
    """After a change: ``python -m tests.golden.window_timeline`` prints them anew."""
    assert f"```text\n{picture}\n```" in PAGE


def test_the_example_runs() -> None:
    (example,) = re.findall(r"```python\n(from streams.*?)```", PAGE, re.DOTALL)
    names: dict[str, Any] = {}
    exec(compile(example, "windows.md", "exec"), names)
    names["test_busy_auctions"]()
