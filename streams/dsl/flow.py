"""Types on their way through a chain of operators: known, or lost at a place that an error message can name.

Where a type comes from (an argument, an annotation) is ``builder``'s and ``returns``' business.
"""

from __future__ import annotations

from dataclasses import dataclass

from streams.errors import TopologyError
from streams.topology.graph import at
from streams.topology.nodes import AnySerde


@dataclass(frozen=True, slots=True, kw_only=True)
class Flow:
    """Key or value of a stream: its serde, or where its type was lost.

    Arguments:
        serde: None where the type is not known.
        lost_by: the operator that changed it without saying to what, with its location: ``map_values() at app.py:7``.
        argument: what to add there: ``value=``.
        suggestion: the type, where reading the function gives it away; only ever shown.
    """

    serde: AnySerde | None = None
    lost_by: str = ""
    argument: str = ""
    suggestion: str = ""


def need_serde(flow: Flow, wanted_by: str, location: str, *, because: str, what: str) -> AnySerde:
    """The serde, where one cannot do without.

    Raises:
        TopologyError: the type is not known; names the place that lost it and the argument to add there.
    """
    if flow.serde is not None:
        return flow.serde
    proposal = f"{flow.argument}{flow.suggestion or 'YourType'}"
    example = "" if flow.suggestion else f" (such as {flow.argument}str)"
    own = flow.lost_by == f"{wanted_by}() at {location}"
    reason = "its functions do not" if own else f"{flow.lost_by} made it, and does not"
    place = "this call" if own else flow.lost_by
    raise TopologyError(
        f"{at(location)}{wanted_by}() {because}, so it must know the type of the {what}; {reason} say which: there is "
        f"no argument, and no return annotation that helps. Add {proposal}{example} to {place}"
    )


def lost(operator: str, location: str, argument: str, suggestion: str = "") -> Flow:
    return Flow(lost_by=f"{operator}() at {location}", argument=argument, suggestion=suggestion)
