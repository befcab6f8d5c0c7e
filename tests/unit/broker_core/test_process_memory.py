"""Memory that was freed is used again. In a process of its own: the settings cannot be taken back."""

from __future__ import annotations

import subprocess
import sys

BUFFER_BYTES = 4 * 1024 * 1024
ROUNDS = 50
PROGRAM = f"""
import resource
from broker_core.process_memory import keep_freed_memory
if keep_freed_memory():
    bytes(bytearray({BUFFER_BYTES}))
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    for _ in range({ROUNDS}):
        bytes(bytearray({BUFFER_BYTES}))  # two buffers at once
    print((resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before) * resource.getpagesize())
else:
    print(0)
"""


def test_a_buffer_that_was_freed_is_not_faulted_in_again() -> None:
    """Without the settings every round costs what the two buffers hold."""
    done = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=True)
    assert int(done.stdout) < 2 * BUFFER_BYTES
