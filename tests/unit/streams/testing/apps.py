"""Small applications for the tests of the test kit."""

from __future__ import annotations

from streams import App, KStream, KTable


def word_count(**settings: object) -> tuple[App, KStream[str, str], KTable[str, int]]:
    """Lines to words, through a repartition topic, to counts."""
    app = App("words", **settings)
    lines = app.stream("lines", key=str, value=str)
    counts = lines.flat_map_values(str.split, value=str).group_by(lambda word: word, key=str).count(store="counts")
    counts.to_stream().to("counted")
    return app, lines, counts


def running_total(**settings: object) -> tuple[App, KStream[str, int], KTable[str, int]]:
    """A sum per key, without internal topics; negative values fail."""
    app = App("totals", **settings)

    def add(total: int, value: int) -> int:
        if value < 0:
            raise ValueError(f"{value} is negative")
        return total + value

    amounts = app.stream("amounts", key=str, value=int)
    totals = amounts.group_by_key().reduce(add, store="totals")
    totals.to_stream().to("summed")
    return app, amounts, totals
