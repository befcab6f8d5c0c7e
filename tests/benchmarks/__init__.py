"""Benchmarks: ``python -m tests.benchmarks [name ...] [--json] [--short]``.

Speed is shown as a ratio to a yardstick taken in the same run, never asserted by a test.
"""
