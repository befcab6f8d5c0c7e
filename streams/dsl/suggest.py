"""What a function without annotation seems to return: for error messages only, never for choosing a serde.

So that a message can show ``key=str`` rather than ``key=<type>``.
"""

from __future__ import annotations

from streams.dsl.flow import Flow
from streams.topology.nodes import UserFunction


def suggested(function: UserFunction, key: Flow, value: Flow, *, each: bool = False) -> str:
    """A type as it would be written, or ``""``."""
    return ""
