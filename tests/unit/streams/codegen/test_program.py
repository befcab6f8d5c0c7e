"""Programs: compiled once, bound per task."""

from __future__ import annotations

import linecache

from streams.codegen import DropCounters, compile_subtopology
from streams.codegen.generator import generate
from streams.operators.source import PreparedBatch
from tests.unit.streams.chains import Runner, aggregate, batch_of, chain, function, rows_of, sink, source, stores_of

COUNTS = chain(source(), aggregate("counts", "count"))


def test_tasks_of_one_program_share_nothing() -> None:
    program = compile_subtopology(chain(source(), sink()), cache=False)
    first, second = program.bind(), program.bind()
    first.process["in"](batch_of("in", [(b"a", b"1", 1), (b"a", b"1", -1)]), 0, 2)
    assert second.drain_outputs() == []
    assert (first.counters.total, second.counters.total) == (1, 0)
    assert [rows_of(columns) for columns in first.drain_outputs()] == [[(b"a", b"1", 1)]]


def test_counters_may_be_shared() -> None:
    program = compile_subtopology(chain(source(), sink()), cache=False)
    counters = DropCounters()
    for bound in (program.bind(counters=counters), program.bind(counters=counters)):
        bound.process["in"](batch_of("in", [(b"a", b"1", -1)]), 0, 1)
    assert counters.of("in") == 2


def test_the_source_is_what_runs_and_what_tracebacks_show() -> None:
    program = compile_subtopology(COUNTS, cache=True)
    assert program.source == generate(COUNTS, cache=True).text
    assert "".join(linecache.getlines(program.filename)) == program.source
    assert program.code.co_filename == program.filename


def test_code_is_the_same_in_every_run() -> None:
    assert compile_subtopology(COUNTS, cache=True).source == compile_subtopology(COUNTS, cache=True).source


def test_binding_opens_the_caches_that_the_program_needs() -> None:
    stores = stores_of(COUNTS)
    compile_subtopology(COUNTS, cache=True).bind(stores)
    assert list(stores.cache("counts-store").held()) == []


def test_batches_are_prepared_once_and_only_for_an_extractor() -> None:
    plain, extracting = source("plain"), source("extracting", timestamp=function(lambda value: value))
    bound = Runner(chain(extracting, sink())).bound
    batch = batch_of("extracting", [(b"a", b"7", 1)])
    prepared = bound.prepare(batch)
    assert isinstance(prepared, PreparedBatch)
    assert prepared.timestamps == [7]
    assert bound.prepare(prepared) is prepared
    other = batch_of("plain", [(b"a", b"7", 1)])
    assert Runner(chain(plain, sink())).bound.prepare(other) is other


def test_outputs_are_handed_over_once() -> None:
    runner = Runner(chain(source(), sink())).send((b"a", b"1", 1))
    assert [columns.topic for columns in runner.bound.outputs] == ["out"]
    assert runner.rows() == [(b"a", b"1", 1)]
    assert runner.rows() == []
    assert runner.send((b"b", b"2", 2)).rows() == [(b"b", b"2", 2)]
