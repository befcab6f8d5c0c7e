"""A topology is edited in a dozen and more ways: what each edit keeps, migrates, orphans and breaks, said before and
true after."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from streams import App, serde, tumbling
from streams.errors import ConfigError
from streams.query.windows import ReadOnlyWindowStore
from streams.runtime.access import caller
from streams.runtime.activity import wait
from streams.runtime.manifest_file import changes_since_last_run
from streams.topology.changes import Effect
from streams.topology.compile import CHANGELOG_EXTRA_RETENTION_MS
from tests.trouble.kit import run

KEEPS, ADDS, MIGRATES, LEAVES, ORPHANS, BREAKS = Effect
REPARTITION = "shop-by-amount-repartition"
LARGEST = "orders-reduce"
"""What the store without a name is called."""


def declare(data_dir: Path, edit: str = "", **settings: Any) -> App:
    """Orders of customers, counted in four ways, and the customers' towns; with one edit."""
    app = App("shop", data_dir=data_dir, partitions=2, **settings)
    if edit == "declare in another order":
        _towns(app)
    topic = "sales" if edit == "rename the input" else "orders"
    amount: Any = float if edit == "change the values' type" else int
    orders = app.stream(topic, key=str, value=amount)
    if edit == "insert a filter":
        orders = orders.filter(lambda amount: amount > 0)
    name = "by-size" if edit == "rename the repartition topic" else "by-amount"
    partitions = 3 if edit == "change the partition count" else None
    rekeyed = orders.select_key(str, key=serde.ordered(str) if edit == "change the keys' type" else str)
    by_amount = rekeyed.repartition(name=name, partitions=partitions)
    by_amount.group_by_key().count(store="per-amount")
    store = "per-buyer" if edit == "rename a store" else "per-customer"
    if edit == "reduce instead of count":
        orders.group_by_key().reduce(lambda total, amount: total + amount, store=store)
    elif edit != "remove an aggregation":
        orders.group_by_key().count(store=store)
    windows = tumbling("20s" if edit == "change the windows' size" else "10s")
    if edit == "change the windows' grace":
        windows = tumbling("10s", grace="1h")
    retention = "2h" if edit == "change the windows' retention" else None
    orders.group_by_key().windowed_by(windows).count(store="per-window", retention=retention)
    given = {"name what had no name": "largest", "name it as it was called": LARGEST}.get(edit)
    largest = orders.group_by_key().reduce(max, store=given)
    if edit == "send a table on":
        largest.to_stream().to("largest-orders")
    split = orders.split(name="by-size")
    split.branch(lambda amount: amount > 100, "large").to("large-orders")
    if edit == "add a branch":
        split.branch(lambda amount: amount > 0, "medium").group_by_key().count(store="medium")
    if edit != "remove a branch":
        split.default("small").to("small-orders")
    if edit != "declare in another order":
        customers = _towns(app)
        if edit == "add a join":
            orders.join(customers, lambda amount, town: f"{amount} to {town}", value=str).to("deliveries")
    return app


def _towns(app: App) -> Any:
    customers = app.table("customers", key=str, value=str)
    customers.group_by(lambda town: (town, town), key=str, value=str).count(store="per-town")
    return customers


GOES_ON: Mapping[str, Mapping[Any, Any]] = {
    "per-amount": {"5": 2, "7": 1},
    "per-customer": {"ada": 2, "bob": 1},
    "per-window": {("ada", 0): 2, ("bob", 0): 1},
    LARGEST: {"ada": 5, "bob": 7},
    "per-town": {"london": 2, "paris": 1},
}
"""Rows after both runs, where nothing was lost in between."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Expected:
    """Of one edit.

    Arguments:
        changes: effects other than ``keeps``, by what is said of it: kind and name.
        rows: rows of stores that begin with the edit; the others go on.
        refused: what the user has to do for it to run: nothing, ``accept``, or nothing helps (``always``).
    """

    changes: Mapping[str, Effect] = field(default_factory=dict)
    rows: Mapping[str, Mapping[Any, Any]] = field(default_factory=dict)
    refused: str = ""


EDITS: Mapping[str, Expected] = {
    "none": Expected(),
    "insert a filter": Expected(),
    "remove a branch": Expected(),
    "send a table on": Expected(),
    "name it as it was called": Expected(),
    "add a branch": Expected(changes={"store medium": ADDS}, rows={"medium": {"ada": 1}}),
    "add a join": Expected(changes={"store customers-table": MIGRATES, "store per-town": MIGRATES}),
    "declare in another order": Expected(
        changes=dict.fromkeys(("store customers-table", *(f"store {name}" for name in GOES_ON)), MIGRATES)
    ),
    "change the windows' grace": Expected(changes={"store per-window": MIGRATES}),
    "change the windows' retention": Expected(changes={"store per-window": MIGRATES}),
    "rename a store": Expected(
        changes={"store per-customer": ORPHANS, "store per-buyer": ADDS},
        rows={"per-buyer": {"ada": 1}},
        refused="accept",
    ),
    "name what had no name": Expected(
        changes={f"store {LARGEST}": ORPHANS, "store largest": ADDS}, rows={"largest": {"ada": 5}}, refused="accept"
    ),
    "remove an aggregation": Expected(changes={"store per-customer": ORPHANS}, refused="accept"),
    "rename the input": Expected(
        changes={
            "input orders": LEAVES,
            "input sales": ADDS,
            f"store {LARGEST}": ORPHANS,
            "store sales-reduce": ADDS,
        },
        rows={"sales-reduce": {"ada": 5}},
        refused="accept",
    ),
    "rename the repartition topic": Expected(
        changes={f"repartition topic {REPARTITION}": ORPHANS, "repartition topic shop-by-size-repartition": ADDS},
        refused="accept",
    ),
    "change the partition count": Expected(changes={f"repartition topic {REPARTITION}": BREAKS}, refused="always"),
    "change the windows' size": Expected(changes={"store per-window": BREAKS}, refused="always"),
    "reduce instead of count": Expected(changes={"store per-customer": BREAKS}, refused="always"),
    "change the keys' type": Expected(
        changes={f"repartition topic {REPARTITION}": BREAKS, "store per-amount": BREAKS}, refused="always"
    ),
    "change the values' type": Expected(
        changes={
            "input orders": MIGRATES,
            f"repartition topic {REPARTITION}": BREAKS,
            f"store {LARGEST}": BREAKS,
        },
        refused="always",
    ),
}


def rows(app: App, store: str) -> dict[Any, Any]:
    with app.query(store) as found:
        if isinstance(found, ReadOnlyWindowStore):
            return {(windowed.key, windowed.start): count for windowed, count in found.fetch_all()}
        return dict(found.all())


def send_before(app: App) -> None:
    for number, (customer, amount, town) in enumerate([("ada", 5, "london"), ("bob", 7, "paris")]):
        app.send("orders", customer, amount, timestamp=1_000 + number)
        app.send("customers", customer, town, timestamp=1_000 + number)


def send_after(app: App) -> None:
    app.send("sales" if "sales" in app.topology().external_topics else "orders", "ada", 5, timestamp=2_000)
    app.send("customers", "carl", "london", timestamp=2_000)


@pytest.mark.parametrize("edit", EDITS)
def test_an_edit_does_what_is_said_of_it(tmp_path: Path, edit: str) -> None:
    """Said before the run, refused or not accordingly, and true after it: the kept goes on, the new is empty."""
    expected = EDITS[edit]
    before = declare(tmp_path)
    send_before(before)
    run(before)
    after = declare(tmp_path, edit)
    changes = changes_since_last_run(tmp_path, after.topology())
    said = {f"{change.kind} {change.name}": change.effect for change in changes if change.effect is not KEEPS}
    assert said == expected.changes
    if expected.refused:
        with pytest.raises(ConfigError, match="does not fit the state"):
            run(after)
    if expected.refused == "always":
        with pytest.raises(ConfigError, match="does not fit the state"):
            run(after, accept=True)
        after = before  # undone, everything goes on
    send_after(after)
    run(after, accept=expected.refused == "accept")
    topology = after.topology()
    for name in topology.stores:
        if name in expected.rows:
            assert rows(after, name) == expected.rows[name]
        elif name in GOES_ON:
            assert rows(after, name) == GOES_ON[name], name
    assert changes_since_last_run(tmp_path, topology)
    assert all(change.effect is KEEPS for change in changes_since_last_run(tmp_path, topology))


def test_what_was_left_behind_may_come_back(tmp_path: Path) -> None:
    """With the rows of its time, in the format of its time; another one under its name is refused."""
    before = declare(tmp_path)
    send_before(before)
    run(before)
    without = declare(tmp_path, "remove an aggregation")
    send_after(without)
    run(without, accept=True)
    changed = declare(tmp_path, "reduce instead of count")
    (found,) = (change for change in changes_since_last_run(tmp_path, changed.topology()) if change.effect is not KEEPS)
    assert str(found) == (
        "breaks store per-customer: an earlier topology left it behind, and it held a count and holds a reduce now; "
        "give this one another name: store='...'"
    )
    with pytest.raises(ConfigError, match="left it behind"):
        run(changed, accept=True)
    (found,) = (change for change in changes_since_last_run(tmp_path, before.topology()) if change.effect is not KEEPS)
    assert (found.effect, found.name) == (MIGRATES, "per-customer")
    run(before)
    assert rows(before, "per-customer") == {"ada": 1, "bob": 1}


@pytest.mark.parametrize(("edit", "retention_ms"), [("change the windows' retention", 7_200_000), ("none", 10_000)])
def test_a_changelogs_retention_follows(tmp_path: Path, edit: str, retention_ms: int) -> None:
    run(declare(tmp_path))
    app = declare(tmp_path, edit)
    run(app)
    with caller(app.config(), None) as call:
        topic = "shop-per-window-changelog"
        configs = call(lambda client: wait(client.admin.describe_configs([topic])))[topic]
    assert configs["retention.ms"] == str(retention_ms + CHANGELOG_EXTRA_RETENTION_MS)


def test_a_source_topic_becomes_the_changelog_and_stays_it(tmp_path: Path) -> None:
    """Turned on the store is filled from the topic, also where local state is lost later; turned off it is refused."""
    before = declare(tmp_path)
    send_before(before)
    run(before)
    after = declare(tmp_path, reuse_source_topics=True)
    (found,) = (change for change in changes_since_last_run(tmp_path, after.topology()) if change.effect is not KEEPS)
    assert str(found).startswith("migrates store customers-table: restored from its input customers from now on")
    send_after(after)
    run(after)
    for _ in range(2):
        assert rows(after, "customers-table") == {"ada": "london", "bob": "paris", "carl": "london"}
        assert rows(after, "per-town") == GOES_ON["per-town"]
        shutil.rmtree(tmp_path / "state")
        run(after)
    after.send("customers", "bob", None)
    after.send("customers", "ada", "oslo")
    run(after)
    assert rows(after, "per-town") == {"oslo": 1, "london": 1, "paris": 0}
    with pytest.raises(ConfigError, match="'customers-table' breaks: its rows are in its input topic 'customers'"):
        run(before, accept=True)
    with pytest.raises(ConfigError, match="keep reuse_source_topics on"):
        run(declare(tmp_path), accept=True)


def test_a_table_that_gets_a_store_later_has_the_rows_of_its_topic(tmp_path: Path) -> None:
    def shop(*, joins: bool) -> App:
        app = App("shop", data_dir=tmp_path, partitions=2, reuse_source_topics=True)
        customers = app.table("customers", key=str, value=str)
        customers.to_stream().to("moves")
        orders = app.stream("orders", key=str, value=int)
        if joins:
            orders.join(customers, lambda amount, town: f"{amount} to {town}", value=str).to("deliveries")
        else:
            orders.to("copies")
        return app

    send_before(shop(joins=False))
    run(shop(joins=False))
    joined = shop(joins=True)
    (found,) = (change for change in changes_since_last_run(tmp_path, joined.topology()) if change.effect is not KEEPS)
    assert str(found) == "adds store customers-table: filled from its input customers, up to the committed position"
    joined.send("orders", "ada", 9)
    run(joined)
    assert [record.value for record in joined.read("deliveries")] == ["9 to london"]
