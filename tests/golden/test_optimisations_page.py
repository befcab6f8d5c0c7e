"""The pictures of docs/optimisations.md are drawn from compiled topologies.

``python -m tests.golden.test_optimisations_page`` writes them anew; read the difference before committing it.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from streams import App
from streams.topology.describe import describe_mermaid

PAGE = Path(__file__).parents[2] / "docs" / "optimisations.md"
_BLOCK = re.compile(r"<!-- (\S+) (\S+) -->\n```mermaid\n(.*?)```", re.DOTALL)


def key_unchanged(app: App) -> None:
    app.stream("orders", key=str, value=str).map_values(str.upper, value=str).group_by_key().count(store="by-key")


def key_changed(app: App) -> None:
    app.stream("orders", key=str, value=str).group_by(str.upper, key=str).count(store="by-value")


def two_aggregations(app: App) -> None:
    words = app.stream("lines", key=str, value=str).flat_map_values(str.split, value=str).group_by(str.lower, key=str)
    words.count(store="counts")
    words.reduce(max, store="last-in-order")


def word_count(app: App) -> None:
    words = app.stream("lines", key=str, value=str).flat_map_values(str.split, value=str).group_by(str.lower, key=str)
    words.count(store="counts").to_stream().to("word-counts")


def orders_with_customers(app: App) -> None:
    customers = app.table("customers", key=str, value=str)
    orders = app.stream("orders", key=str, value=int)
    orders.join(customers, lambda order, customer: f"{order} for {customer}", value=str).to("deliveries")


PICTURES: dict[tuple[str, str], tuple[Callable[[App], None], dict[str, bool]]] = {
    ("repartition", "unchanged"): (key_unchanged, {}),
    ("repartition", "changed"): (key_changed, {}),
    ("merge", "before"): (two_aggregations, {}),
    ("merge", "after"): (two_aggregations, {"merge_repartitions": True}),
    ("combiners", "before"): (word_count, {}),
    ("combiners", "after"): (word_count, {"combiners": True}),
    ("reuse", "before"): (orders_with_customers, {}),
    ("reuse", "after"): (orders_with_customers, {"reuse_source_topics": True}),
}


def drawn(picture: tuple[str, str]) -> str:
    declare, switches = PICTURES[picture]
    app = App("app", **switches)
    declare(app)
    return describe_mermaid(app.topology())


@pytest.mark.parametrize("picture", PICTURES, ids="-".join)
def test_the_page_shows_what_is_compiled(picture: tuple[str, str]) -> None:
    shown = {(name, moment): text for name, moment, text in _BLOCK.findall(PAGE.read_text())}
    assert shown[picture] == drawn(picture)


def test_every_picture_is_drawn() -> None:
    assert [(name, moment) for name, moment, _ in _BLOCK.findall(PAGE.read_text())] == list(PICTURES)


if __name__ == "__main__":
    PAGE.write_text(
        _BLOCK.sub(
            lambda found: f"<!-- {found[1]} {found[2]} -->\n```mermaid\n{drawn((found[1], found[2]))}```",
            PAGE.read_text(),
        )
    )
