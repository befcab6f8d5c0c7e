"""Every change of a topology is named by what it does to state."""

from __future__ import annotations

from dataclasses import replace

import pytest

from streams import App, KStream, hopping, serde
from streams.errors import ConfigError
from streams.topology.changes import Change, Effect, compare
from streams.topology.manifest import Manifest, manifest_of, succeeding


def declare(
    *,
    store: str = "counts",
    key: object = str,
    partitions: int | None = None,
    first: bool = False,
    reduce: bool = False,
) -> Manifest:
    app = App("app")
    if first:
        app.stream("other", key=str, value=str).to("elsewhere")
    lines = app.stream("lines", key=str, value=str)
    grouped = lines.select_key(lambda line: line, key=key).repartition(name="by-line", partitions=partitions)  # type: ignore[call-overload]
    if reduce:
        grouped.map_values(len).group_by_key().reduce(max, store=store)
    else:
        grouped.group_by_key().count(store=store)
    return manifest_of(app.topology())


def changes(old: Manifest, new: Manifest) -> dict[str, Effect]:
    """All but what is kept."""
    return {change.name: change.effect for change in compare(old, new) if change.effect is not Effect.KEEPS}


@pytest.mark.parametrize(
    ("new", "expected"),
    [
        (declare(), {}),
        (
            declare(store="renamed"),
            {"counts": Effect.ORPHANS, "renamed": Effect.ADDS},
        ),
        (declare(key=serde.uuid), {"counts": Effect.BREAKS, "app-by-line-repartition": Effect.BREAKS}),
        (declare(partitions=7), {"app-by-line-repartition": Effect.BREAKS}),
        (declare(first=True), {"counts": Effect.MIGRATES, "other": Effect.ADDS}),
        (declare(reduce=True), {"counts": Effect.BREAKS}),
    ],
    ids=["the same", "renamed store", "other key type", "other partition count", "source before", "other aggregation"],
)
def test_each_change_is_named_by_its_effect(new: Manifest, expected: dict[str, Effect]) -> None:
    assert changes(declare(), new) == expected


@pytest.mark.parametrize(("accept", "expected"), [(False, [Effect.ORPHANS, Effect.BREAKS]), (True, [Effect.BREAKS])])
def test_orphans_may_be_accepted_and_broken_formats_never(accept: bool, expected: list[Effect]) -> None:
    changes = [Change(effect=effect, kind="store", name="x") for effect in Effect]
    assert [change.effect for change in changes if change.is_refused(accept=accept)] == expected


def test_a_change_says_what_to_do() -> None:
    said = [str(change) for change in compare(declare(), declare(store="renamed"))]
    assert said[0].startswith("orphans store counts: no operator keeps it any more; was it renamed? store='...'")


def test_another_application_is_refused() -> None:
    app = App("another")
    app.stream("lines", key=str, value=str).to("copies")
    with pytest.raises(ConfigError, match="belongs to application 'app', not 'another'"):
        compare(declare(), manifest_of(app.topology()))


def windowed(advance: str, *, retention: str = "1h", source: type = str) -> Manifest:
    app = App("app")
    lines: KStream[str, object] = app.stream("lines", key=str, value=source)
    lines.group_by_key().windowed_by(hopping("10s", advance)).count(store="windows", retention=retention)
    return manifest_of(app.topology())


def test_windows_that_start_elsewhere_are_others_and_those_that_live_longer_are_not() -> None:
    (store, _) = compare(windowed("5s"), windowed("2s"))
    assert str(store) == "breaks store windows: its windows started every 5s and start every 2s now"
    (store, _) = compare(windowed("5s"), windowed("5s", retention="2h"))
    assert str(store) == "migrates store windows: its windows were kept for 1h and are for 2h now, in its changelog too"


def test_windows_that_an_older_file_does_not_tell_are_taken_as_they_are() -> None:
    old = windowed("5s")
    untold = replace(old, stores={name: replace(entry, windows=None) for name, entry in old.stores.items()})
    assert changes(untold, windowed("2s")) == {}


def test_an_input_is_read_on_in_another_format_or_left_where_it_is() -> None:
    """Neither is state of the application: nothing is refused."""
    (store, lines) = compare(windowed("5s"), windowed("5s", source=int))
    assert store.effect is Effect.KEEPS
    assert str(lines).startswith("migrates input lines: it was read as utf8/utf8 and is read as utf8/json:int")
    app = App("app")
    app.stream("words", key=str, value=str).to("out")
    found = compare(windowed("5s"), manifest_of(app.topology()))
    assert {change.name: change.effect.value for change in found} == {
        "windows": "orphans", "lines": "leaves", "words": "adds"
    }  # fmt: skip
    assert not found[1].is_refused(accept=False)


def test_what_comes_back_is_what_it_was_or_refused() -> None:
    app = App("app")
    app.stream("lines", key=str, value=str).to("out")
    without = succeeding(declare(), manifest_of(app.topology()))
    back = compare(without, declare())
    assert [change.effect for change in back] == [Effect.MIGRATES, Effect.MIGRATES, Effect.KEEPS]
    other = compare(without, declare(reduce=True, partitions=7))
    assert [change.effect for change in other] == [Effect.BREAKS, Effect.BREAKS, Effect.KEEPS]
    assert "an earlier topology left it behind, and it had partitions=None and has 7 now" in str(other[1])


def tables(*, reuse: bool, topic: str = "users") -> Manifest:
    app = App("app", reuse_source_topics=reuse)
    app.table(topic, key=str, value=str, store="users")
    return manifest_of(app.topology())


def test_rows_that_are_in_the_input_alone_stay_there() -> None:
    store, _ = compare(tables(reuse=False), tables(reuse=True))
    assert (store.effect, "restored from its input users" in store.detail) == (Effect.MIGRATES, True)
    assert compare(tables(reuse=True), tables(reuse=True))[0].effect is Effect.KEEPS
    store, _ = compare(tables(reuse=True), tables(reuse=False))
    assert (store.effect, "keep reuse_source_topics on" in store.detail) == (Effect.BREAKS, True)
    store, *_ = compare(tables(reuse=True), tables(reuse=True, topic="people"))
    assert (store.effect, store.detail.endswith("and its input is 'people' now")) == (Effect.BREAKS, True)
