"""Orders that cannot be read go to a topic of their own, and come back once the program can read them.

    python examples/dead_letters.py

The first version of the application reads amounts such as "12.50"; "1,299.00" is a dead letter to it. The second one
reads both, and ``streams dlq redrive`` (here: the same from Python) sends the letter back through it.
"""

import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from streams import App, dead_letter
from streams.cli.dlq import list_letters, redrive_letters

ORDERS = [("ada", "12.50"), ("bob", "1,299.00"), ("ada", "7.50")]


def read_amount(text: str) -> float:
    return float(text)


def read_any_amount(text: str) -> float:
    return float(text.replace(",", ""))


def shop(data_dir: Path, amount_of: Callable[[str], float]) -> App:
    app = App("shop", data_dir=data_dir, partitions=1)
    orders = app.stream("orders", key=str, value=str)
    amounts = orders.map_values(amount_of, value=float, name="read-amount", on_error=dead_letter("orders-dlq"))
    amounts.group_by_key().reduce(lambda total, amount: total + amount, store="totals")
    return app


def totals(app: App) -> dict[str, float]:
    with app.query("totals") as rows:
        return dict(rows.all())


def main(data_dir: Path) -> None:
    first = shop(data_dir, read_amount)
    first.feed("orders", ORDERS, keyed=True, key=str, value=str)
    first.run(until_end=True, quiet=True)
    print(totals(first), first.metrics.dead_lettered)
    list_letters("orders-dlq", data_dir=data_dir)

    redrive_letters("orders-dlq", data_dir=data_dir)
    second = shop(data_dir, read_any_amount)
    second.run(until_end=True, quiet=True)
    print(totals(second), second.metrics.dead_lettered)


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else tempfile.mkdtemp()))
