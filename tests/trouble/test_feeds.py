"""Sources that misbehave: told with topic, place and count; what was committed stays, and goes on from there."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest

from streams import App
from streams.errors import StreamsError, TopologyError
from tests.trouble.kit import Console, run, written


def fed(directory: Path, source: Any, **feed: Any) -> App:
    app = App("fed", data_dir=directory / "data", partitions=1, commit_interval_ms=1)
    app.feed("numbers", source, key=str, value=int, **feed)
    app.stream("numbers", key=str, value=int).map_values(lambda value: value * 2, value=int).to("doubled")
    return app


def raising_at(stop: int) -> Iterator[int]:
    yield from range(stop)
    raise OSError("the tape broke")


def check(app: App, numbers: Iterable[int]) -> None:
    assert written(app, "numbers") == list(numbers)
    assert written(app, "doubled") == [number * 2 for number in numbers]


def test_a_source_that_raises(tmp_path: Path) -> None:
    """The items of commits before stay; a whole source then goes on after them, once each."""
    with pytest.raises(StreamsError, match=r"^the source fed into topic 'numbers' \(test_feeds.py:\d+\) failed after "
                       r"\d+ items: OSError: the tape broke. What was committed stays; the") as failed:  # fmt: skip
        run(fed(tmp_path, raising_at(5_000)))
    assert isinstance(failed.value.__cause__, OSError)
    app = fed(tmp_path, range(5_100))
    committed = written(app, "numbers")
    assert committed == list(range(len(committed)))
    assert len(committed) < 5_000
    run(app)
    check(app, range(5_100))


def test_a_source_that_raises_at_once(tmp_path: Path) -> None:
    def no_source(position: Any) -> Iterable[int]:
        raise FileNotFoundError("no such tape")

    with pytest.raises(StreamsError, match="failed after 0 items: FileNotFoundError: no such tape"):
        run(fed(tmp_path, no_source))
    run(fed(tmp_path, range(3)))
    check(fed(tmp_path, range(3)), range(3))


def test_a_source_that_shrank(tmp_path: Path) -> None:
    """It cannot be what it was: refused, since skipping would lose items or repeat them."""
    run(fed(tmp_path, range(10)))
    for _ in range(2):
        with pytest.raises(StreamsError, match=r"10 items were fed into topic 'numbers' before, but its source now "
                           "ends after 4. A feed must give the same items in every run; give a function"):  # fmt: skip
            run(fed(tmp_path, range(4)))
    app = fed(tmp_path, range(12))
    run(app)
    check(app, range(12))


def test_a_source_that_had_nothing_for_a_while(tmp_path: Path) -> None:
    """None says "nothing now" and is no item: what is skipped after a restart are items only."""
    run(fed(tmp_path, [1, None, 2, None, 3]))
    app = fed(tmp_path, [1, None, None, 2, 3, None, 4])
    run(app)
    check(app, [1, 2, 3, 4])


@pytest.mark.parametrize("bad", ["seven", None.__class__, 1.5j], ids=["text", "a class", "complex"])
def test_an_item_of_the_wrong_type(tmp_path: Path, bad: Any) -> None:
    """Told with its number; nothing of its batch is in the topic, and a corrected source is fed whole."""
    with pytest.raises(StreamsError, match=r"^item 2 fed into topic 'numbers' \(test_feeds.py:\d+\) does not fit its "
                       "types: .*Give key= and value= to app.feed, or change the source"):  # fmt: skip
        run(fed(tmp_path, [1, 2, bad, 4]))
    app = fed(tmp_path, [1, 2, 3, 4])
    run(app)
    check(app, [1, 2, 3, 4])


@pytest.mark.parametrize("bad", [7, ("a", 1, 2), "ab"])
def test_an_item_that_is_no_pair(tmp_path: Path, bad: Any) -> None:
    with pytest.raises(StreamsError, match=r"item 1 fed into topic 'numbers'"):
        run(fed(tmp_path, [("a", 1), bad], keyed=True))


def test_a_position_that_cannot_be_kept(tmp_path: Path) -> None:
    """Too long, or nothing that JSON can hold."""
    with pytest.raises(StreamsError, match="position of the feed into 'numbers' is 5002 bytes long; at most 4000"):
        run(fed(tmp_path, lambda position: [1], resume=lambda item: "x" * 5_000))
    with pytest.raises(
        StreamsError, match=r"resume= of the feed into topic 'numbers' .*not JSON serializable. It must return what"
    ):
        run(fed(tmp_path, lambda position: [1], resume=lambda item: object()))
    with pytest.raises(StreamsError, match=r"resume= of the feed into topic 'numbers' .*ZeroDivisionError"):
        run(fed(tmp_path, lambda position: [1], resume=lambda item: 1 // 0))
    app = fed(tmp_path, [1])
    run(app)
    check(app, [1])


def test_a_source_that_is_none(tmp_path: Path) -> None:
    with pytest.raises(TopologyError, match=r"feed\('numbers', ...\) takes an iterable of records, or a function"):
        fed(tmp_path, 7)
    with pytest.raises(StreamsError, match=r"fed into topic 'numbers' .*failed after 0 items: TypeError"):
        run(fed(tmp_path, lambda position: 7))


def test_two_feeds_of_a_topic(tmp_path: Path) -> None:
    app = fed(tmp_path, [1])
    with pytest.raises(TopologyError, match="topic 'numbers' has a feed already; chain the two iterables into one"):
        app.feed("numbers", [2])


def test_the_users_source_is_shown_on_the_terminal(console: Console) -> None:
    name = console.file(
        "feeding_app.py",
        """
        from streams import App
        app = App("fed", data_dir="data")

        def lines():
            yield "a"
            raise OSError("the tape broke")

        app.feed("lines", lines(), value=str)
        app.stream("lines", key=str, value=str).to("out")
        """,
    )
    done = console("run", name, "--until-end", "--quiet")
    assert done.status == 1
    assert 'feeding_app.py", line 7, in lines' in done.err
    assert "/streams/" not in done.err
    assert done.error.startswith("error: the source fed into topic 'lines' (feeding_app.py:9) failed after ")
