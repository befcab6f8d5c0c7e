"""The pictures in docs/operators are drawn by the program, and each operator family has its page with its rules."""

from __future__ import annotations

import re

import pytest

from tests.golden.timelines import BLOCK, PAGES, PICTURES, draw, rendered

NAMES = ("stateless", "grouping", "tables", "joins", "windows")
QUESTIONS = ("null", "late", "order", "restart", "error")


@pytest.mark.parametrize("page", sorted(PAGES.glob("*.md")), ids=lambda page: page.stem)
def test_the_pictures_are_the_program_s(page: object) -> None:
    """After a change: ``python -m tests.golden.timelines`` draws them anew."""
    text = page.read_text()  # type: ignore[attr-defined]
    assert rendered(text) == text


def test_every_picture_is_on_a_page() -> None:
    found = [name for page in PAGES.glob("*.md") for name, _ in BLOCK.findall(page.read_text())]
    assert sorted(found) == sorted(PICTURES)


@pytest.mark.parametrize("name", NAMES)
def test_every_page_says_what_becomes_of_what(name: str) -> None:
    """A table of rules that answers the same questions everywhere."""
    _, _, rules = (PAGES / f"{name}.md").read_text().partition("\n## Rules\n")
    asked = [row.lower() for row in re.findall(r"^\| ([^|]+) \|", rules, re.MULTILINE)]
    assert [question for question in QUESTIONS if not any(question in row for row in asked)] == []


def test_a_picture_shows_what_the_driver_saw() -> None:
    assert draw(PICTURES["filter"]).splitlines()[-1].split() == ["out", "b:12", "a:30"]
    assert draw(PICTURES["tumbling"]).splitlines()[-1].split() == ["dropped", "late", "null", "value"]
