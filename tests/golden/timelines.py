"""Draws what operators do with some records, for the pages in docs/operators: ``python -m tests.golden.timelines``.

A picture has a column for each record of the input, in the order of arrival, and below it what came out of the
application because of it, as the ``TopologyTestDriver`` read it. A page holds ``<!-- timeline: NAME -->`` and the block
that follows; the command writes all blocks anew, and a test finds those that are not the program's.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from streams import App, KStream, Windowed, skip, tumbling
from streams.testing import TopologyTestDriver

PAGES = Path(__file__).parents[2] / "docs" / "operators"
BLOCK = re.compile(r"<!-- timeline: ([\w-]+) -->\n```text\n(.*?)```\n", re.DOTALL)


class Sent(NamedTuple):
    """A record of the input; ``at`` in seconds."""

    topic: str
    key: str | None
    value: Any
    at: int


@dataclass(frozen=True, kw_only=True)
class Picture:
    """An application, the records that it gets, and the topics to look at."""

    build: Callable[[App], object]
    sent: Sequence[Sent]
    outputs: Sequence[str]


def shown(key: Any, value: Any) -> str:
    """A record in few letters: ``key:value``, with a window's seconds behind its key, ``-`` for null."""
    if isinstance(key, Windowed):
        key = f"{key.key}[{key.start // 1_000},{key.end // 1_000})"
    texts = (part.decode() if isinstance(part, bytes) else part for part in (key, value))
    return ":".join("-" if text is None else str(text) for text in texts)


def draw(picture: Picture) -> str:
    """The picture; a result's time is shown where it is not that of the record that caused it."""
    app = App("timeline")
    picture.build(app)
    inputs = list(dict.fromkeys(record.topic for record in picture.sent))
    rows: dict[str, list[list[str]]] = {name: [] for name in ("seconds", *inputs, *picture.outputs, "dropped")}
    with TopologyTestDriver(app, partitions=1) as driver:
        dropped = dict(driver.drop_reasons)
        for record in picture.sent:
            driver.send(record.topic, record.key, record.value, timestamp=record.at * 1_000)
            cells = {name: [""] for name in rows} | {"seconds": [str(record.at)]}
            cells[record.topic] = [shown(record.key, record.value)]
            for topic in picture.outputs:
                cells[topic] = [
                    shown(result.key, result.value)
                    + ("" if result.timestamp == record.at * 1_000 else f" @{result.timestamp // 1_000}")
                    for result in driver.read(topic)
                ] or [""]
            now = dict(driver.drop_reasons)
            told = [place[1] for place, count in now.items() if count != dropped.get(place)]
            cells["dropped"], dropped = list(dict.fromkeys(told)) or [""], now
            for name, cell in cells.items():
                rows[name].append(cell)
    if not any(cell != [""] for cell in rows["dropped"]):
        del rows["dropped"]
    return laid_out(rows, after=inputs[-1])


def laid_out(rows: dict[str, list[list[str]]], *, after: str) -> str:
    """The rows under each other, with a line after the input."""
    widths = [max(len(line) for row in rows.values() for line in row[column]) for column in range(len(rows["seconds"]))]
    margin = max(map(len, rows))
    lines = []
    for name, row in rows.items():
        for line in range(max(map(len, row))):
            cells = (cell[line] if line < len(cell) else "" for cell in row)
            texts = (f"{text:<{width}}" for text, width in zip(cells, widths, strict=True))
            lines.append(f"{'' if line else name:<{margin}}  {'  '.join(texts)}".rstrip())
        if name == after:
            lines.append("-" * (margin + sum(widths) + 2 * len(widths)))
    return "\n".join(lines)


def rendered(page: str) -> str:
    """The page with its pictures as the program draws them."""
    return BLOCK.sub(lambda found: f"<!-- timeline: {found[1]} -->\n```text\n{draw(PICTURES[found[1]])}\n```\n", page)


# -- the pictures ------------------------------------------------------------------------------------------------------


def numbers(app: App) -> KStream[str, int]:
    return app.stream("in", key=str, value=int)


def texts(app: App) -> KStream[str, str]:
    return app.stream("in", key=str, value=str)


def sent(*values: Any, keys: str = "aba") -> list[Sent]:
    """A record a second into ``in``."""
    return [Sent("in", keys[index % len(keys)], value, index + 1) for index, value in enumerate(values)]


def _split(app: App) -> None:
    ways = numbers(app).split()
    ways.branch(lambda value: value > 100, "large").to("large")
    ways.branch(lambda value: value > 10, "medium").to("medium")
    ways.default("small").to("small")


def _merge(app: App) -> None:
    numbers(app).merge(app.stream("other", key=str, value=int)).to("out")


def _skipped(app: App) -> None:
    texts(app).map_values(int, on_error=skip).to("out")


def _joined(how: str) -> Callable[[App], None]:
    def build(app: App) -> None:
        orders, names = app.stream("orders", key=str, value=str), app.table("names", key=str, value=str)
        getattr(orders, how)(names, lambda order, name: f"{order}+{name or '-'}", value=str).to("out")

    return build


def _tables_joined(how: str) -> Callable[[App], None]:
    def build(app: App) -> None:
        left, right = (app.table(topic, key=str, value=str) for topic in ("left", "right"))
        joined = getattr(left, how)(right, lambda one, other: f"{one or '-'}+{other or '-'}", value=str)
        joined.to_stream().to("out")

    return build


def _grouped_table(app: App) -> None:
    owners = app.table("owners", key=str, value=str)
    owners.group_by(lambda key, owner: (owner, key), key=str, value=str).count().to_stream().to("out")


def _windowed(app: App) -> None:
    counts = numbers(app).group_by_key().windowed_by(tumbling("10s", grace="2s")).count()
    counts.to_stream().to("out")


ORDERS = [
    Sent("orders", "a", "tea", 1), Sent("names", "a", "Ann", 5), Sent("orders", "a", "cake", 3),
    Sent("orders", None, "milk", 6), Sent("orders", "a", None, 7), Sent("names", "a", None, 8),
    Sent("orders", "a", "jam", 9),
]  # fmt: skip
ROWS = [
    Sent("left", "a", "L1", 1), Sent("right", "a", "R1", 4), Sent("left", "a", "L2", 2), Sent("right", "b", "R2", 5),
    Sent("right", "a", None, 6), Sent("left", "a", None, 7), Sent("left", None, "L3", 8),
]  # fmt: skip
PICTURES: dict[str, Picture] = {
    "filter": Picture(
        build=lambda app: numbers(app).filter(lambda value: value > 10).to("out"),
        sent=sent(5, 12, 30), outputs=["out"],
    ),
    "map_values": Picture(
        build=lambda app: numbers(app).map_values(lambda value: value * 2, value=int).to("out"),
        sent=sent(5, 12, 7), outputs=["out"],
    ),
    "flat_map_values": Picture(
        build=lambda app: texts(app).flat_map_values(str.split).to("out"),
        sent=sent("x y", "z", ""), outputs=["out"],
    ),
    "map": Picture(
        build=lambda app: texts(app).map(lambda key, value: (value, key), key=str, value=str).to("out"),
        sent=sent("x", "y", None), outputs=["out"],
    ),
    "flat_map": Picture(
        build=lambda app: texts(app).flat_map(lambda key, value: [(word, key) for word in value.split()]).to("out"),
        sent=sent("x y", "z", ""), outputs=["out"],
    ),
    "select_key": Picture(
        build=lambda app: texts(app).select_key(lambda value: value[:1], key=str).to("out"),
        sent=sent("tea", "milk", "toast"), outputs=["out"],
    ),
    "peek": Picture(
        build=lambda app: texts(app).peek(lambda value: None).to("out"), sent=sent("x", None), outputs=["out"],
    ),
    "merge": Picture(
        build=_merge, sent=[Sent("in", "a", 1, 1), Sent("other", "a", 2, 2), Sent("in", "b", 3, 3)], outputs=["out"],
    ),
    "split": Picture(build=_split, sent=sent(5, 500, 50), outputs=["large", "medium", "small"]),
    "repartition": Picture(
        build=lambda app: texts(app).repartition(name="again").to("out"),
        sent=[Sent("in", "a", "x", 1), Sent("in", None, "y", 2), Sent("in", "b", "z", 3)], outputs=["out"],
    ),
    "to": Picture(
        build=lambda app: texts(app).to(lambda value: f"{value}-orders"),
        sent=sent("tea", "cake", "tea"), outputs=["tea-orders", "cake-orders"],
    ),
    "skip": Picture(build=_skipped, sent=sent("5", "five", "7"), outputs=["out"]),
    "count": Picture(
        build=lambda app: texts(app).group_by_key().count().to_stream().to("out"),
        sent=[
            Sent("in", "a", "x", 1), Sent("in", "a", "y", 5), Sent("in", "a", "z", 3), Sent("in", "b", "x", 6),
            Sent("in", None, "x", 7), Sent("in", "a", None, 8),
        ],
        outputs=["out"],
    ),
    "reduce": Picture(
        build=lambda app: numbers(app).group_by_key().reduce(lambda old, new: old + new if new else None)
        .to_stream().to("out"),
        sent=sent(5, 1, 7, 0, 3, keys="a"), outputs=["out"],
    ),
    "aggregate": Picture(
        build=lambda app: texts(app).group_by(lambda value: value[:1], key=str)
        .aggregate(list, lambda words, word: [*words, word], value=list[str])
        .map_values(" ".join, value=str).to_stream().to("out"),
        sent=sent("tea", "milk", "toast"), outputs=["out"],
    ),
    "table": Picture(
        build=lambda app: app.table("in", key=str, value=int).to_stream().to("out"),
        sent=[
            Sent("in", "a", 1, 1), Sent("in", "b", 2, 5), Sent("in", "a", 3, 4), Sent("in", "b", None, 6),
            Sent("in", None, 7, 7),
        ],
        outputs=["out"],
    ),
    "to_table": Picture(
        build=lambda app: numbers(app).select_key(lambda value: "odd" if value % 2 else "even", key=str)
        .to_table().to_stream().to("out"),
        sent=sent(5, 2, 7, 4), outputs=["out"],
    ),
    "table_filter": Picture(
        build=lambda app: app.table("in", key=str, value=int).filter(lambda value: value > 10).to_stream().to("out"),
        sent=sent(50, 5, None, keys="a"), outputs=["out"],
    ),
    "table_map_values": Picture(
        build=lambda app: app.table("in", key=str, value=int).map_values(lambda value: value * 2, value=int)
        .to_stream().to("out"),
        sent=sent(5, 6, None, keys="a"), outputs=["out"],
    ),
    "table_group_by": Picture(
        build=_grouped_table,
        sent=[
            Sent("owners", "x", "Ann", 1), Sent("owners", "y", "Ann", 2), Sent("owners", "y", "Bob", 3),
            Sent("owners", "x", "Ann", 4), Sent("owners", "x", None, 5),
        ],
        outputs=["out"],
    ),
    "stream_table_join": Picture(build=_joined("join"), sent=ORDERS, outputs=["out"]),
    "stream_table_left_join": Picture(build=_joined("left_join"), sent=ORDERS, outputs=["out"]),
    "table_table_join": Picture(build=_tables_joined("join"), sent=ROWS, outputs=["out"]),
    "table_table_left_join": Picture(build=_tables_joined("left_join"), sent=ROWS, outputs=["out"]),
    "table_table_outer_join": Picture(build=_tables_joined("outer_join"), sent=ROWS, outputs=["out"]),
    "tumbling": Picture(
        build=_windowed,
        sent=[
            Sent("in", "a", 1, 3), Sent("in", "a", 1, 11), Sent("in", "a", 1, 8), Sent("in", "b", 1, 12),
            Sent("in", "a", 1, 9), Sent("in", "a", None, 13),
        ],
        outputs=["out"],
    ),
}  # fmt: skip


if __name__ == "__main__":
    for path in sorted(PAGES.glob("*.md")):
        path.write_text(rendered(path.read_text()))
