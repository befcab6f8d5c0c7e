"""What an application is told, and what it has to let go of first."""

from __future__ import annotations

from streams.assignment import Assignment
from streams.client.handover import Assigned, Handover, Lost, Revoked
from tests.unit.streams.assignment.groups import places


def reading(*partitions: int) -> Handover:
    handover = Handover()
    handover.assign(Assignment(partitions=places("t", *partitions)))
    assert handover.next_event() is not None
    return handover


def test_nothing_else_is_told_before_the_application_has_let_go() -> None:
    handover = reading(0, 1)
    assignment = Assignment(partitions=places("t", 0, 2))
    handover.assign(assignment)
    assert handover.next_event() == Revoked(places("t", 1))
    assert (handover.next_event(), handover.is_waiting, handover.told) == (None, True, places("t", 0, 1))
    handover.released()
    assert (handover.is_waiting, handover.told) == (False, places("t", 0))
    assert handover.next_event() == Assigned(places("t", 2), assignment)
    assert handover.told == places("t", 0, 2)


def test_an_assignment_that_changes_nothing_is_told_all_the_same() -> None:
    """A new generation is news: what is committed from now on is committed in its name."""
    handover = reading(0)
    same = Assignment(partitions=places("t", 0))
    handover.assign(same)
    assert handover.next_event() == Assigned((), same)


def test_what_is_taken_back_is_asked_for_once() -> None:
    handover = reading(0, 1)
    handover.take_back_topics_but(())
    handover.take_back_topics_but(())
    assert handover.next_event() == Revoked(places("t", 0, 1))
    handover.take_back_topics_but(())
    handover.released()
    assert handover.next_event() is None


def test_what_was_never_told_is_never_taken_back() -> None:
    handover = Handover()
    handover.assign(Assignment(partitions=places("t", 0)))
    handover.take_back_topics_but(())
    assert handover.next_event() is None
    handover.assign(Assignment(partitions=places("t", 0)))
    handover.take_back_topics_but(("t",))
    assert handover.has_news


def test_a_loss_replaces_everything_that_was_to_be_told() -> None:
    handover = reading(0, 1)
    handover.assign(Assignment(partitions=places("t", 0, 2)))
    handover.lose_everything()
    assert handover.next_event() == Lost(places("t", 0, 1))
    handover.released()
    assert (handover.next_event(), handover.told) == (None, ())
    handover.lose_everything()
    assert not handover.has_news
