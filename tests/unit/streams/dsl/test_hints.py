"""A method of another kind of handle: the error names the step in between."""

from __future__ import annotations

import copy
import re
from typing import Any

import pytest

from streams import App


def handles() -> dict[str, Any]:
    stream = App("hints").stream("lines", key=str, value=str)
    return {"stream": stream, "grouped": stream.group_by_key(), "table": stream.group_by_key().count(store="counts")}


@pytest.mark.parametrize(
    ("handle", "method", "hint"),
    [
        (
            "table",
            "to",
            "'KTable' object has no attribute 'to'; a table's changes become a stream first: .to_stream().to(",
        ),
        ("stream", "count", "records are grouped first: .group_by_key().count(...) or"),
        ("grouped", "to_stream", "grouped records are aggregated first: .count(),"),
        ("stream", "mapValues", "it is called map_values here"),
        ("stream", "foreach", "it is called for_each here"),
        ("table", "toStream", "it is called to_stream here"),
        ("table", "flatMapValues", "first: .to_stream().flat_map_values("),
    ],
)
def test_the_step_in_between(handle: str, method: str, hint: str) -> None:
    with pytest.raises(AttributeError, match=re.escape(hint)):
        getattr(handles()[handle], method)


@pytest.mark.parametrize("handle", ["stream", "grouped", "table"])
def test_what_nobody_has_is_the_usual_error(handle: str) -> None:
    with pytest.raises(AttributeError, match=r"^'K\w+' object has no attribute 'nonsense'$"):
        getattr(handles()[handle], "nonsense")
    assert not hasattr(handles()[handle], "__nonsense__")
    copy.copy(handles()[handle])
