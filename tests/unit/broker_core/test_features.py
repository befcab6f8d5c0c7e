"""Features are consistent, and tell Java's producer to use KIP-890."""

from __future__ import annotations

from broker_core.features import FEATURES, FEATURES_EPOCH


def test_levels_lie_in_their_ranges() -> None:
    assert all(feature.minimum <= feature.level <= feature.maximum for feature in FEATURES.values())
    assert FEATURES_EPOCH >= 0, "clients ignore levels of a negative epoch"
    assert FEATURES["transaction.version"].level == 2
