"""One course of action for blocking and for awaiting callers: a generator that says what it waits for.

What a client does in several round trips is written once, as a generator of ``Steps``; ``run`` blocks at each step,
``arun`` awaits it. The same idea as ``runtime.activity``, between threads instead of within one.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from concurrent.futures import Future
from typing import Any, NamedTuple, TypeAlias, TypeVar

T = TypeVar("T")


class Ask(NamedTuple):
    """Call a user's function here, where it may block or be awaited; its result is of no interest."""

    function: Callable[..., Any]
    arguments: tuple[Any, ...]


Step: TypeAlias = "Future[Any] | Ask"
Steps: TypeAlias = Generator[Step, Any, T]


def run(steps: Steps[T]) -> T:
    """Take every step, blocking."""
    try:
        step = next(steps)
        while True:
            try:
                result = step.function(*step.arguments) if isinstance(step, Ask) else step.result()
            except BaseException as error:
                step = steps.throw(error)
            else:
                step = steps.send(result)
    except StopIteration as stop:
        value: T = stop.value
        return value


async def arun(steps: Steps[T]) -> T:
    """Take every step in an event loop; users' functions may be coroutine functions."""
    import inspect

    try:
        step = next(steps)
        while True:
            try:
                if isinstance(step, Ask):
                    result = step.function(*step.arguments)
                    if inspect.isawaitable(result):
                        result = await result
                else:
                    result = await aresult(step)
            except BaseException as error:
                step = steps.throw(error)
            else:
                step = steps.send(result)
    except StopIteration as stop:
        value: T = stop.value
        return value


async def aresult(future: Future[T]) -> T:
    """Await what another thread settles. Giving up waiting stops nothing that has begun."""
    import asyncio  # here: whoever blocks does without it, and starts sooner

    return await asyncio.wrap_future(future)


async def aside(function: Callable[[], T]) -> T:
    """Await a function that blocks."""
    import asyncio

    return await asyncio.to_thread(function)
