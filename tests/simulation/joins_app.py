"""The application with several inputs that the simulations stop again and again: topology, input, what to compare.

Two topics as one source with an event time of its own, tables, joins of both kinds, a table grouped anew, windows with
grace, and records that are late, out of order, without key or without value. Every join is between co-partitioned
source topics that are filled beforehand, so that the timestamps alone decide what meets what: outputs must be equal
record by record, whatever happened on the way.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple

from streams import App, hopping, tumbling

START_MS = 1_700_000_000_000
EVENTS = ("clicks", "views")
IN_ORDER = (
    "joined", "left-joined", "mobile", "desktop", "users-plans", "users-left-plans", "users-outer-plans", "names"
)  # fmt: skip
"""Outputs that no record cache touches."""
CACHED = ("members", "tumbled", "hopped", "joined-hopped", "both-windows")
"""Outputs of aggregations: with the record cache on, only the last value of a key is fixed."""
REPARTITIONED = ("members",)
"""Outputs below a repartition topic, where the order between several tasks above it is free."""
STORES = ("users", "plans", "left-plans", "names", "members")
WINDOW_STORES = {"tumbled": 40, "hopped": 3_600_000, "joined-hopped": 3_600_000}
"""Windows that began this long before a store's newest, or longer, are not compared: they go with some commit."""


class Row(NamedTuple):
    """One record of the input."""

    topic: str
    key: str | None
    value: str | None
    timestamp: int
    headers: tuple[tuple[str, bytes | None], ...] = ()


def rows(count: int, *, keys: int, null_keys: bool = True, start_ms: int = START_MS) -> list[Row]:
    """The input, the same in every run: a record a millisecond, and what is wrong with some of them.

    Arguments:
        start_ms: time of the first.
    """
    draw = random.Random(11)
    found = []
    for index in range(count):
        time = start_ms + index - late_by(index)
        key = f"k{draw.randrange(keys)}"
        if index % 7 == 3:
            value = None if index % 5 == 0 else f"user{index}"
            found.append(Row("users", key, value, time))
        elif index % 7 == 5:
            value = None if index % 6 == 0 else draw.choice(("free", "pro", "team", "closed"))
            found.append(Row("plans", key, value, time))
        else:
            null_key = null_keys and index % 53 == 9
            text = None if index % 41 == 1 else f"{index}@{time}"
            headers = (("n", str(index).encode()),) if index % 3 else ()
            # The event time is in the value; the record's own time is another one.
            own = time if text is None else start_ms + count - index
            found.append(Row(EVENTS[index % 2], None if null_key else key, text, own, headers))
    return found


def late_by(index: int) -> int:
    """In milliseconds: every 11th record is out of order, every 17th late for all its windows or for some."""
    if index % 17 == 0:
        return 45 + index % 5 * 15
    return index % 9 if index % 11 == 0 else 0


def event_time(value: str) -> int:
    return int(value.partition("@")[2])


def joined(event: str, user: str) -> str:
    return f"{event} {user}"


def left_joined(event: str, user: str | None) -> str:
    return f"{event} {user}"


def beside(left: str | None, right: str | None) -> str:
    return f"{left}+{right}"


def by_plan(key: str, plan: str) -> tuple[str, str] | None:
    return None if plan == "team" else (plan, key)


def with_member(members: list[str], key: str) -> list[str]:
    return sorted([*members, key])


def without_member(members: list[str], key: str) -> list[str] | None:
    members.remove(key)  # raises where the table did not have it
    return members or None


def longer(text: str, event: str) -> str:
    return f"{text} {event.partition('@')[0]}"[-60:]


def both(left: str | None, right: str | None) -> str:
    return f"{left}|{right}"


def declare(app: App, *, touch: Callable[[], object] = lambda: None) -> App:
    """The topology.

    Arguments:
        touch: called within a joiner, in the middle of batches.
    """

    def touched(event: str, user: str) -> str:
        touch()
        return joined(event, user)

    events = app.stream(list(EVENTS), key=str, value=str, timestamp=event_time)
    users = app.table("users", key=str, value=str, store="users")
    plans = app.stream("plans", key=str, value=str).filter_not(lambda plan: plan == "closed").to_table(store="plans")

    with_user = events.join(users, touched, value=str)
    with_user.to("joined")
    events.left_join(users, left_joined).to("left-joined")
    split = with_user.split()
    split.branch(lambda text: int(text.partition("@")[0]) % 2 == 0, "mobile").to("mobile")
    split.default("desktop").to("desktop")

    users.join(plans, beside).to_stream().to("users-plans")
    left = users.left_join(plans, beside, store="left-plans")
    left.to_stream().to("users-left-plans")
    users.outer_join(plans, beside).to_stream().to("users-outer-plans")
    left.filter(lambda text: "team" not in text).map_values(str.upper, value=str, store="names").to_stream().to("names")
    members = plans.group_by(by_plan, key=str, value=str, name="by-plan")
    kept = members.aggregate(list, with_member, without_member, value=list[str], store="members")
    kept.to_stream().to("members")

    by_key = events.group_by_key()
    by_key.windowed_by(tumbling("40ms", grace="20ms")).count(store="tumbled").to_stream().to("tumbled")
    hops = hopping("40ms", advance="20ms", grace="10ms")
    hopped = by_key.windowed_by(hops).reduce(longer, store="hopped", retention="1h")
    hopped.to_stream().to("hopped")
    below = with_user.group_by_key().windowed_by(hops).reduce(longer, store="joined-hopped", retention="1h")
    below.to_stream().to("joined-hopped")
    hopped.outer_join(below, both, value=str).to_stream().to("both-windows")
    return app


def outcome(
    read: Callable[[str], Iterable[Any]], store: Callable[[str], Mapping[Any, Any]], start_of: Callable[[Any], int],
    *, cache: bool, partitions: int,
) -> dict[str, Any]:  # fmt: skip
    """What there is to compare: record by record, or the last value per key where that alone is fixed.

    Arguments:
        read: the records of a topic, as read_committed readers see them.
        store: the rows of a store.
        start_of: the start of a windowed key.
    """
    found: dict[str, Any] = {}
    for topic in (*IN_ORDER, *CACHED):
        if topic in CACHED and (cache or (topic in REPARTITIONED and partitions > 1)):
            found[topic] = {record.key: record.value for record in read(topic)}
            continue
        by_partition: dict[int, list[Any]] = {}
        for record in read(topic):
            row = (record.key, record.value, record.timestamp, tuple(record.headers))
            by_partition.setdefault(record.partition, []).append(row)
        found[topic] = by_partition
    for name in STORES:
        found[f"{name} store"] = dict(store(name))
    for name, kept_ms in WINDOW_STORES.items():
        kept = dict(store(name))
        newest = max(start_of(key) for key in kept)
        newer = {key: value for key, value in kept.items() if start_of(key) > newest - kept_ms}
        found[f"{name} store"] = newer
    return found


def difference(expected: Any, got: Any) -> str:
    """Where two outcomes differ first, in few words."""
    if not isinstance(expected, dict) or not isinstance(got, dict):
        return f"expected {expected}, got {got}"
    for key in sorted({*expected, *got}, key=str):
        left, right = expected.get(key), got.get(key)
        if left == right:
            continue
        if isinstance(left, list) and isinstance(right, list):
            at = next((i for i, pair in enumerate(zip(left, right, strict=False)) if pair[0] != pair[1]), None)
            found = "" if at is None else f": expected {left[at]!r}, got {right[at]!r}"
            return f"{key}: {len(left)} and {len(right)} records, first difference at {at}{found}"
        return f"{key}: {difference(left, right)}"
    return "nothing"
