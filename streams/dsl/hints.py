"""What to say when a handle is asked for a method that another kind of handle has. Messages only."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

_AS_STREAM: Final = "a table's changes become a stream first: .to_stream().{name}(...)"
_GROUPED: Final = "records are grouped first: .group_by_key().{name}(...) or .group_by(...).{name}(...)"
_AGGREGATED: Final = "grouped records are aggregated first: .count(), .reduce(...) or .aggregate(...)"

HINTS: Final = {
    "KTable": dict.fromkeys(
        (
            "to",
            "peek",
            "for_each",
            "map",
            "flat_map",
            "flat_map_values",
            "select_key",
            "merge",
            "split",
            "group_by_key",
        ),
        _AS_STREAM,
    ),
    "KStream": dict.fromkeys(("count", "reduce", "aggregate", "windowed_by"), _GROUPED),
    "KGroupedStream": dict.fromkeys(("to", "to_stream", "map_values", "filter", "peek", "for_each"), _AGGREGATED),
}
"""Kind of handle, the method that it lacks, and the step in between."""


class Hinted:
    """Base of the handles: a missing method names the step that is missing, or its name here."""

    if not TYPE_CHECKING:  # a type checker shall go on to refuse what is not there

        def __getattr__(self, name: str) -> object:
            kind = type(self).__name__
            plain = f"{kind!r} object has no attribute {name!r}"
            snake_case = re.sub(r"(?<=[a-z])([A-Z])", r"_\1", name).lower().replace("foreach", "for_each")
            hint = HINTS.get(kind, {}).get(snake_case, "")
            if snake_case != name and hasattr(type(self), snake_case):
                hint = "it is called {name} here"
            raise AttributeError(f"{plain}; {hint.format(name=snake_case)}" if hint else plain, name=name, obj=self)
