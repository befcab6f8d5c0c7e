"""Garbage-collector settings: made for the block, undone after it, failures included."""

from __future__ import annotations

import gc

import pytest

from streams.runtime.process_tuning import THRESHOLDS, tune_process


def test_settings_last_as_long_as_the_block() -> None:
    before, frozen = gc.get_threshold(), gc.get_freeze_count()
    with tune_process():
        assert gc.get_threshold() == THRESHOLDS
        assert gc.get_freeze_count() > frozen
    assert gc.get_threshold() == before
    with pytest.raises(ZeroDivisionError), tune_process():
        raise ZeroDivisionError
    assert (gc.get_threshold(), gc.get_freeze_count()) == (before, 0)
