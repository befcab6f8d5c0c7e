"""Rows in generated code: found, absent, kept in the table's formats."""

from __future__ import annotations

from streams import App, KTable, serde
from streams.topology.compile import compile_topology
from tests.unit.streams.chains import Runner
from tests.unit.streams.tables import after, driver_of


def test_a_row_that_is_not_there_has_neither_value_nor_timestamp() -> None:
    app = App("app")
    table = app.table("in", key=str, value=int, store="rows")
    app.stream("asked", key=str, value=int).left_join(table, lambda one, row: [one, row], value=list[int]).to("out")
    runner = Runner(app.topology().subtopologies[0])
    assert runner.send((b"a", b"1", 5), topic="asked").rows() == [(b"a", b"[1,null]", 5)]
    runner.send((b"a", b"2", 9), topic="in").send((b"a", b"1", 5), topic="asked")
    assert runner.rows() == [(b"a", b"[1,2]", 5)]
    assert runner.stored("rows") == {b"a": b"2"}


def test_rows_are_kept_in_the_tables_own_format() -> None:
    def declare(app: App) -> KTable[int, str]:
        stream = app.stream("in", key=serde.int64, value=str).map_values(str.upper)
        return stream.to_table(store="rows")

    driver = driver_of(declare)
    assert after(driver, ("in", 7, "x", 1)) == [(7, "X", 1)]
    app = App("app")
    declare(app)
    runner = Runner(compile_topology("app", app._builder.graph).subtopologies[0])
    runner.send(((7).to_bytes(8, "big"), b"x", 1))
    assert runner.stored("rows") == {(7).to_bytes(8, "big"): b"X"}
