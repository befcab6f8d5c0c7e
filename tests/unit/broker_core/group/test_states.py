"""The table of states holds what Kafka allows, and every way leads on."""

from broker_core.group.states import NEXT_STATES, GroupState


def test_the_legal_steps() -> None:
    steps = {(state.value, after.value) for state, targets in NEXT_STATES.items() for after in targets}
    assert steps == {
        ("Empty", "PreparingRebalance"), ("Empty", "Dead"),
        ("PreparingRebalance", "CompletingRebalance"), ("PreparingRebalance", "Empty"),
        ("CompletingRebalance", "Stable"), ("CompletingRebalance", "PreparingRebalance"),
        ("Stable", "PreparingRebalance"),
    }  # fmt: skip


def test_every_state_is_reached_and_only_death_is_final() -> None:
    reached = {after for targets in NEXT_STATES.values() for after in targets}
    assert reached == set(GroupState)
    assert [state for state, targets in NEXT_STATES.items() if not targets] == [GroupState.DEAD]
