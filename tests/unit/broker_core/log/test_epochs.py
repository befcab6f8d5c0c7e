from __future__ import annotations

import pytest

from broker_core.log.epochs import UNBOUNDED, LeaderEpochs


def epochs() -> LeaderEpochs:
    return LeaderEpochs([(1, 10), (4, 50), (5, 70)])


def test_an_epoch_is_remembered_at_its_first_batch_only() -> None:
    found = epochs()
    found.assign(5, 90)
    found.assign(4, 95)
    assert not found.changed
    found.assign(6, 100)
    assert found.entries[-1] == (6, 100)
    assert found.changed
    assert found.latest == 6


def test_an_epoch_that_wrote_nothing_gives_way() -> None:
    found = epochs()
    found.assign(6, 70)
    assert found.entries == [(1, 10), (4, 50), (6, 70)]


@pytest.mark.parametrize(("offset", "expected"), [(9, (-1, 10)), (10, (1, 50)), (49, (1, 50)), (70, (5, UNBOUNDED))])
def test_who_wrote_an_offset(offset: int, expected: tuple[int, int]) -> None:
    assert epochs().at(offset) == expected


@pytest.mark.parametrize(
    ("epoch", "expected"),
    [
        (-1, (-1, -1)),
        (0, (0, 10)),
        (1, (1, 50)),
        (2, (1, 50)),
        (3, (1, 50)),
        (4, (4, 70)),
        (5, (5, 100)),
        (6, (5, 100)),
        (7, (7, 100)),
        (8, (-1, -1)),
    ],
)
def test_where_an_epoch_ends(epoch: int, expected: tuple[int, int]) -> None:
    """Kafka's rules, with 7 as the leader's epoch now: it has not written yet, 8 is unknown."""
    assert epochs().end_offset(epoch, 7, 100) == expected


def test_truncation_forgets_epochs_behind_the_cut() -> None:
    found = epochs()
    found.truncate_to(50)
    assert found.entries == [(1, 10)]
    assert found.changed


def test_raising_the_start_keeps_the_epoch_that_wrote_there() -> None:
    found = epochs()
    found.start_at(60)
    assert found.entries == [(4, 60), (5, 70)]
    found.start_at(200)
    assert found.entries == [(5, 200)]
    untouched = epochs()
    untouched.start_at(10)
    assert not untouched.changed
    assert LeaderEpochs().latest == -1
