"""Chains of nodes become one fused Python function per source."""

from streams.codegen.counters import DropCounters
from streams.codegen.program import BoundProgram, Program, compile_subtopology

__all__ = ["BoundProgram", "DropCounters", "Program", "compile_subtopology"]
