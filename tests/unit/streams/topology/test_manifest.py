"""The manifest: read as written, and every change named by what it does to state."""

from __future__ import annotations

import msgspec
import pytest

from streams import App, serde
from streams.errors import ConfigError
from streams.topology.manifest import (
    FORMAT_VERSION,
    Change,
    Effect,
    Manifest,
    compare,
    decode_manifest,
    encode_manifest,
    manifest_of,
)


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
    return {change.name: change.effect for change in compare(old, new)}


def test_it_is_read_as_it_was_written() -> None:
    manifest = declare()
    assert decode_manifest(encode_manifest(manifest)) == manifest


def test_it_names_formats_by_their_ids() -> None:
    manifest = declare(key=serde.int64)
    assert manifest.stores["counts"].key == "int64"
    assert manifest.repartitions["app-by-line-repartition"].key == "int64"
    assert manifest.sources == {"lines": "utf8/utf8"}


@pytest.mark.parametrize(
    ("new", "expected"),
    [
        (declare(), {"counts": Effect.KEEPS, "app-by-line-repartition": Effect.KEEPS}),
        (
            declare(store="renamed"),
            {"counts": Effect.ORPHANS, "renamed": Effect.ADDS, "app-by-line-repartition": Effect.KEEPS},
        ),
        (declare(key=serde.uuid), {"counts": Effect.BREAKS, "app-by-line-repartition": Effect.BREAKS}),
        (declare(partitions=7), {"counts": Effect.KEEPS, "app-by-line-repartition": Effect.BREAKS}),
        (declare(first=True), {"counts": Effect.MOVES, "app-by-line-repartition": Effect.KEEPS}),
        (declare(reduce=True), {"counts": Effect.BREAKS, "app-by-line-repartition": Effect.KEEPS}),
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


def test_a_newer_format_is_refused() -> None:
    newer = msgspec.json.encode({"format_version": FORMAT_VERSION + 1, "whatever": []})
    with pytest.raises(ConfigError, match=f"format version {FORMAT_VERSION + 1}, this program knows {FORMAT_VERSION}"):
        decode_manifest(newer)


@pytest.mark.parametrize("data", [b"", b"{", b"[]", b'{"format_version":1}'])
def test_a_broken_file_is_refused(data: bytes) -> None:
    with pytest.raises(ConfigError, match="cannot be read"):
        decode_manifest(data)
