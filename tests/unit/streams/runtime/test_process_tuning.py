"""Interpreter settings: made for the block, undone after it, failures included."""

from __future__ import annotations

import gc
import sys

import pytest

from streams.runtime.process_tuning import SWITCH_INTERVAL_S, THRESHOLDS, tune_process


def test_settings_last_as_long_as_the_block() -> None:
    before, frozen, interval = gc.get_threshold(), gc.get_freeze_count(), sys.getswitchinterval()
    with tune_process():
        assert gc.get_threshold() == THRESHOLDS
        assert gc.get_freeze_count() > frozen
        assert sys.getswitchinterval() == pytest.approx(SWITCH_INTERVAL_S)
    assert gc.get_threshold() == before
    assert sys.getswitchinterval() == interval
    with pytest.raises(ZeroDivisionError), tune_process():
        raise ZeroDivisionError
    assert (gc.get_threshold(), gc.get_freeze_count()) == (before, 0)
