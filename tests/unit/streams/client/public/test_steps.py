from __future__ import annotations

import asyncio
from concurrent.futures import Future

import pytest

from streams.client.public.steps import Ask, Steps, aresult, arun, aside, run


def settled(value: object = None, error: Exception | None = None) -> Future[object]:
    future: Future[object] = Future()
    if error is not None:
        future.set_exception(error)
    else:
        future.set_result(value)
    return future


def course(told: list[object]) -> Steps[str]:
    first = yield settled(1)
    try:
        yield settled(error=ValueError("no"))
    except ValueError as error:
        told.append(str(error))
    yield Ask(told.append, (first,))
    return "done"


def test_blocking_and_awaiting_take_the_same_steps() -> None:
    blocking: list[object] = []
    awaiting: list[object] = []
    assert run(course(blocking)) == "done"
    assert asyncio.run(arun(course(awaiting))) == "done"
    assert blocking == awaiting == ["no", 1]


def test_what_nobody_catches_comes_out() -> None:
    def fails() -> Steps[None]:
        yield settled(error=KeyError("x"))

    with pytest.raises(KeyError):
        run(fails())
    with pytest.raises(KeyError):
        asyncio.run(arun(fails()))


def test_users_functions_may_be_coroutine_functions() -> None:
    told: list[int] = []

    async def listener(number: int) -> None:
        await asyncio.sleep(0)
        told.append(number)

    def asks() -> Steps[None]:
        yield Ask(listener, (7,))

    asyncio.run(arun(asks()))
    assert told == [7]


def test_results_and_blocking_functions_can_be_awaited() -> None:
    async def both() -> tuple[object, int]:
        return await aresult(settled(3)), await aside(lambda: 4)

    assert asyncio.run(both()) == (3, 4)
