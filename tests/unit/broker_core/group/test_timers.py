"""Timers come up in the order of their latest deadlines, once each, whatever the clock does."""

from random import Random

from broker_core.group.timers import Timer, TimerKind, Timers

A = Timer("g", TimerKind.SESSION, "a")
B = Timer("g", TimerKind.SESSION, "b")
JOIN = Timer("g", TimerKind.JOIN)


def due(timers: Timers, now_ms: int) -> list[Timer]:
    found = []
    while (timer := timers.take_due(now_ms)) is not None:
        found.append(timer)
    return found


def test_each_comes_up_once_and_in_order() -> None:
    timers = Timers()
    timers.set(B, 20)
    timers.set(A, 10)
    timers.set(JOIN, 20)
    assert timers.next_ms() == 10
    assert due(timers, 9) == []
    assert due(timers, 20) == [A, JOIN, B]
    assert timers.next_ms() is None
    assert due(timers, 100) == []


def test_a_renewed_one_comes_up_later_and_a_shortened_one_earlier() -> None:
    timers = Timers()
    timers.set(A, 10)
    timers.set(A, 30)
    timers.set(B, 20)
    timers.set(B, 15)
    assert due(timers, 14) == []
    assert due(timers, 29) == [B]
    assert timers.next_ms() == 30
    assert due(timers, 30) == [A]


def test_a_cancelled_one_does_not_come_up() -> None:
    timers = Timers()
    timers.set(A, 10)
    timers.cancel(A)
    timers.cancel(B)
    assert (len(timers), timers.next_ms(), due(timers, 99)) == (0, None, [])
    timers.set(A, 50)
    assert timers.deadline(A) == 50
    assert due(timers, 50) == [A]


def test_heartbeats_do_not_fill_the_memory() -> None:
    timers = Timers()
    for now_ms in range(10_000):
        timers.set(A, now_ms + 10_000)
        timers.set(B, now_ms + 10_000)
    assert len(timers._heap) == 2


def test_a_clock_that_went_back_takes_the_deadlines_with_it() -> None:
    timers = Timers()
    assert timers.take_due(10**12) is None
    timers.set(A, 10**12 + 10_000)
    assert timers.take_due(5_000) is None
    assert timers.next_ms() == 15_000
    assert timers.take_due(4_500) is None
    assert timers.next_ms() == 15_000, "a little is tolerated"


def test_against_a_simple_model() -> None:
    random = Random(4)
    timers, model = Timers(), dict[Timer, int]()
    now_ms = 0
    for _ in range(3_000):
        timer = Timer("g", TimerKind.SESSION, str(random.randrange(8)))
        match random.randrange(4):
            case 0 | 1:
                model[timer] = now_ms + random.randrange(1, 50)
                timers.set(timer, model[timer])
            case 2:
                model.pop(timer, None)
                timers.cancel(timer)
            case 3:
                now_ms += random.randrange(20)
                expected = sorted((deadline, each) for each, deadline in model.items() if deadline <= now_ms)
                assert due(timers, now_ms) == [each for _, each in expected]
                for _, each in expected:
                    del model[each]
        assert timers.next_ms() == min(model.values(), default=None)
