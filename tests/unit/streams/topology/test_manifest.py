"""The manifest: read as written, formats named by their ids, other versions refused."""

from __future__ import annotations

import msgspec
import pytest

from streams import App, serde, tumbling
from streams.errors import ConfigError
from streams.topology.manifest import (
    FORMAT_VERSION,
    Manifest,
    decode_manifest,
    encode_manifest,
    manifest_of,
    succeeding,
)


def declare(key: object = str) -> Manifest:
    app = App("app")
    lines = app.stream("lines", key=str, value=str)
    grouped = lines.select_key(lambda line: line, key=key).repartition(name="by-line")  # type: ignore[call-overload]
    grouped.group_by_key().count(store="counts")
    lines.group_by_key().windowed_by(tumbling("10s")).count(store="windows", retention="1h")
    return manifest_of(app.topology())


def test_it_is_read_as_it_was_written() -> None:
    manifest = declare()
    assert decode_manifest(encode_manifest(manifest)) == manifest


def test_it_names_formats_by_their_ids() -> None:
    manifest = declare(key=serde.int64)
    assert manifest.stores["counts"].key == "int64"
    assert manifest.repartitions["app-by-line-repartition"].key == "int64"
    assert manifest.sources == {"lines": "utf8/utf8"}


def test_a_newer_format_is_refused() -> None:
    newer = msgspec.json.encode({"format_version": FORMAT_VERSION + 1, "whatever": []})
    with pytest.raises(ConfigError, match=f"format version {FORMAT_VERSION + 1}, this program knows {FORMAT_VERSION}"):
        decode_manifest(newer)


def test_a_file_without_windows_and_orphans_is_an_older_one() -> None:
    """They came later, within the version."""
    older = msgspec.json.decode(encode_manifest(declare()))
    del older["orphaned_stores"], older["orphaned_repartitions"], older["stores"]["windows"]["windows"]
    read = decode_manifest(msgspec.json.encode(older))
    assert read.stores["windows"].windows is None
    assert read.orphaned_stores == {}


def test_what_a_change_leaves_behind_is_remembered_until_it_comes_back() -> None:
    first = declare()
    app = App("app")
    app.stream("lines", key=str, value=str).to("out")
    without = succeeding(first, manifest_of(app.topology()))
    assert without.orphaned_stores == first.stores
    assert without.orphaned_repartitions == first.repartitions
    assert succeeding(without, manifest_of(app.topology())) == without
    assert succeeding(without, first) == first


@pytest.mark.parametrize("data", [b"", b"{", b"[]", b'{"format_version":1}'])
def test_a_broken_file_is_refused(data: bytes) -> None:
    with pytest.raises(ConfigError, match="cannot be read"):
        decode_manifest(data)
