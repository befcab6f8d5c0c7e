"""Tables say everything, wherever they are printed."""

from __future__ import annotations

from io import StringIO

from rich.console import Console
from rich.table import Table

from streams.cli.tables import show

NAME = "an-application-of-some-length-by-customer-and-by-day-of-the-week-repartition"


def shown(*, is_terminal: bool) -> list[str]:
    table = Table("topic", "records", box=None)
    table.add_row(NAME, "[12]")
    console = Console(file=StringIO(), width=40, force_terminal=is_terminal, color_system=None)
    show(table, console)
    assert isinstance(console.file, StringIO)
    return console.file.getvalue().splitlines()


def test_a_row_in_a_pipe_is_one_line() -> None:
    """So that grep and cut find what they look for; brackets are no markup."""
    _, row = shown(is_terminal=False)
    assert row.split() == [NAME, "[12]"]


def test_a_narrow_terminal_breaks_a_name_and_cuts_nothing() -> None:
    _, *rows = shown(is_terminal=True)
    assert len(rows) > 1
    assert "".join(row.split()[0] for row in rows) == NAME
    assert max(map(len, rows)) <= 40
