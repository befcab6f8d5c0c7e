"""The table of states says all there is to say about legal steps."""

from broker_core.txn.states import NEXT_STATES, TransactionState

S = TransactionState


def test_every_state_is_in_the_table() -> None:
    assert set(NEXT_STATES) == set(TransactionState)


def test_a_prepared_transaction_ends_the_way_it_was_prepared() -> None:
    """Prepare* is the point of no return: nothing else may follow."""
    assert NEXT_STATES[S.PREPARE_COMMIT] == {S.COMPLETE_COMMIT}
    assert NEXT_STATES[S.PREPARE_ABORT] == {S.COMPLETE_ABORT}


def test_only_an_open_transaction_can_commit() -> None:
    assert [state for state in TransactionState if S.PREPARE_COMMIT in NEXT_STATES[state]] == [S.ONGOING]


def test_numbers_are_those_of_the_log() -> None:
    assert {state.name: int(state) for state in TransactionState} == {
        "EMPTY": 0,
        "ONGOING": 1,
        "PREPARE_COMMIT": 2,
        "PREPARE_ABORT": 3,
        "COMPLETE_COMMIT": 4,
        "COMPLETE_ABORT": 5,
        "DEAD": 6,
        "PREPARE_EPOCH_FENCE": 7,
    }


def test_settled_and_prepared_do_not_overlap() -> None:
    assert [state for state in TransactionState if state.is_prepared] == [S.PREPARE_COMMIT, S.PREPARE_ABORT]
    assert [state for state in TransactionState if state.is_settled] == [S.EMPTY, S.COMPLETE_COMMIT, S.COMPLETE_ABORT]
