"""Chains of nodes become one fused Python function per source."""

from streams.codegen.counters import DropCounters
from streams.codegen.program import BoundProgram, Program, compile_subtopology
from streams.codegen.recovery import RetryLater

__all__ = ["BoundProgram", "DropCounters", "Program", "RetryLater", "compile_subtopology"]
