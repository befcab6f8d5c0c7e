"""Which reducers may combine any run of values by themselves first: what the user says, and a table of obvious ones.

Only what is exactly associative belongs here: sums of floats depend on their order.
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any, Final

from streams.dsl.flow import Flow
from streams.errors import TopologyError
from streams.topology.graph import at

OBVIOUS: Final[tuple[tuple[Callable[..., Any], tuple[type, ...]], ...]] = (
    (min, (int, str)),
    (max, (int, str)),
    (operator.add, (int, str)),
)
"""Reducers, and the types of values for which they are associative."""


def is_associative(reducer: Callable[..., Any], value: Flow, declared: bool | None, location: str) -> bool:
    """Whether a reduce may be pre-aggregated.

    Arguments:
        value: what the values are.
        declared: the user's word; None lets the table say.

    Raises:
        TopologyError: a sum of floats is declared to be associative.
    """
    kind = None if value.serde is None else value.serde.type
    if declared is None:
        return any(reducer is obvious and kind in kinds for obvious, kinds in OBVIOUS)
    if declared and reducer is operator.add and kind is float:
        raise TopologyError(
            f"{at(location)}reduce(operator.add, associative=True) over float: the order of a sum of floats shows in "
            "its last digits; leave associative out, or count in int (cents, millimetres)"
        )
    return declared
