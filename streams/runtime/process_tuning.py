"""Garbage-collector settings for a process that runs a worker; undone afterwards.

Measured with 20 000 dirty keys per commit: 0.33 to 0.60 million records/s. A worker makes few cycles and very many
plain objects, so full collections mostly look at what cannot be garbage.
"""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

THRESHOLDS: Final = (100_000, 50, 1_000)


@contextmanager
def tune_process() -> Iterator[None]:
    """Raise the thresholds and freeze what start-up made."""
    before = gc.get_threshold()
    gc.set_threshold(*THRESHOLDS)
    gc.freeze()
    try:
        yield
    finally:
        gc.unfreeze()
        gc.set_threshold(*before)
