"""The manifest in the data directory: compared before anything is opened, replaced as a whole."""

from __future__ import annotations

from pathlib import Path

import pytest

from streams import App
from streams.errors import ConfigError
from streams.runtime.manifest_file import MANIFEST_FILE, changes_since_last_run, check_manifest
from streams.topology.compile import CompiledTopology


def topology(store: str = "counts", value: type = str) -> CompiledTopology:
    app = App("words")
    app.stream("lines", key=str, value=value).group_by_key().reduce(lambda old, new: new, store=store)
    return app.topology()


def test_the_first_run_writes_it_and_the_second_leaves_it(tmp_path: Path) -> None:
    assert changes_since_last_run(tmp_path, topology()) == ()
    check_manifest(tmp_path, topology(), accept=False)
    before = (tmp_path / MANIFEST_FILE).stat()
    check_manifest(tmp_path, topology(), accept=False)
    assert (tmp_path / MANIFEST_FILE).stat().st_mtime_ns == before.st_mtime_ns
    assert [str(change) for change in changes_since_last_run(tmp_path, topology())] == [
        "keeps store counts", "keeps input lines"
    ]  # fmt: skip


def test_orphans_are_let_go_of_only_on_purpose(tmp_path: Path) -> None:
    check_manifest(tmp_path, topology(), accept=False)
    with pytest.raises(ConfigError, match=r"store 'counts' orphans.*run with --accept.*Nothing was changed"):
        check_manifest(tmp_path, topology("renamed"), accept=False)
    check_manifest(tmp_path, topology("renamed"), accept=True)
    check_manifest(tmp_path, topology("renamed"), accept=False)


def test_a_broken_format_is_refused_whatever_is_accepted(tmp_path: Path) -> None:
    check_manifest(tmp_path, topology(), accept=False)
    with pytest.raises(ConfigError, match="store 'counts' breaks: its value was utf8 and is json:int now"):
        check_manifest(tmp_path, topology(value=int), accept=True)


def test_a_file_that_is_none_is_named(tmp_path: Path) -> None:
    (tmp_path / MANIFEST_FILE).write_text("{")
    with pytest.raises(ConfigError, match=rf"^{tmp_path}/manifest.json: the manifest cannot be read"):
        check_manifest(tmp_path, topology(), accept=True)
    (tmp_path / MANIFEST_FILE).unlink()
    (tmp_path / MANIFEST_FILE).mkdir()
    with pytest.raises(ConfigError, match=r"manifest.json cannot be used \(.*Is a directory"):
        check_manifest(tmp_path, topology(), accept=True)
