"""The code that docs/codegen.md shows is the code that runs."""

from __future__ import annotations

from pathlib import Path

import pytest

from examples.word_count import app
from streams.codegen import compile_subtopology

PAGE = Path(__file__).parents[2] / "docs" / "codegen.md"
READING, COUNTING = app.topology().subtopologies


@pytest.mark.parametrize(("sub", "cache"), [(READING, True), (COUNTING, True), (COUNTING, False)])
def test_the_page_shows_word_count_as_it_is_generated(sub, cache: bool) -> None:  # type: ignore[no-untyped-def]
    """After a change of the generator: put its output into the page and read the difference."""
    assert f"```python\n{compile_subtopology(sub, cache=cache).source}```" in PAGE.read_text()
