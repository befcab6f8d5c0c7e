"""docs/reference/settings.md says what the program does, and every setting says what it means."""

from __future__ import annotations

from tests.golden.settings_page import PAGE, meanings, page


def test_the_page_is_the_program_s() -> None:
    """After a change: ``python -m tests.golden.settings_page`` writes it anew."""
    assert PAGE.read_text() == page()


def test_every_setting_has_a_meaning() -> None:
    silent = [name for name, meaning in meanings().items() if not meaning and name != "application_id"]
    assert not silent
