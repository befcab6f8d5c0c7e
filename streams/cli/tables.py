"""How the commands print tables: names are never cut, neither in a narrow terminal nor in a pipe.

What stands in a table is its command's business.
"""

from __future__ import annotations

from rich.console import Console
from rich.measure import Measurement
from rich.table import Table


def show(table: Table, console: Console | None = None) -> None:
    """Print a table. In a pipe each row is one line, however long; a terminal breaks what does not fit."""
    console = console or Console()
    for column in table.columns:
        column.overflow = "fold"
    width = console.width
    if not console.is_terminal:
        console.width = max(width, Measurement.get(console, console.options.update(width=1_000_000), table).maximum)
    console.print(table, markup=False)
    console.width = width
