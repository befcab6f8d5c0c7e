"""What type checkers should see in correct chains; ``reveal_type`` lines are checked by ``test_typing``."""

from __future__ import annotations

from dataclasses import dataclass
from typing import reveal_type

from streams import App, KStream, hopping, serde
from streams.testing import TopologyTestDriver


@dataclass
class Bid:
    auction: int
    price: float


def words_of(line: str) -> list[str]:
    return line.split()


def by_auction(key: str, bid: Bid) -> int:
    return bid.auction


app = App("typing")
lines = app.stream("lines", key=str, value=str)
bids = app.stream("bids", key=str, value=Bid, timestamp=lambda bid: int(bid.price))
numbers = app.stream("numbers", key=serde.int64, value=serde.float64)

reveal_type(lines)  # is: streams.dsl.stream.KStream[str, str]
reveal_type(numbers)  # is: streams.dsl.stream.KStream[int, float]
reveal_type(lines.filter(lambda line: line.startswith("a")))  # is: streams.dsl.stream.KStream[str, str]
reveal_type(bids.filter(lambda key, bid: key == "" or bid.price > 1))  # is: streams.dsl.stream.KStream[str, chains.Bid]
reveal_type(bids.filter(lambda key, bid, context: context.offset > 0))  # is: streams.dsl.stream.KStream[str, chains.Bid]
reveal_type(bids.map_values(lambda bid: bid.price))  # is: streams.dsl.stream.KStream[str, float]
reveal_type(lines.flat_map_values(str.split))  # is: streams.dsl.stream.KStream[str, str]
reveal_type(lines.flat_map_values(words_of))  # is: streams.dsl.stream.KStream[str, str]
reveal_type(bids.map(lambda key, bid: (bid.auction, key)))  # is: streams.dsl.stream.KStream[int, str]
reveal_type(bids.flat_map(lambda bid: [(bid.auction, bid)]))  # is: streams.dsl.stream.KStream[int, chains.Bid]
reveal_type(bids.select_key(by_auction))  # is: streams.dsl.stream.KStream[int, chains.Bid]
reveal_type(bids.group_by(by_auction))  # is: streams.dsl.grouped.KGroupedStream[int, chains.Bid]
reveal_type(bids.group_by(by_auction).count())  # is: streams.dsl.table.KTable[int, int]
reveal_type(bids.group_by(lambda bid: bid.auction, key=int).count())  # is: streams.dsl.table.KTable[int, int]
reveal_type(lines.group_by_key().reduce(max))  # is: streams.dsl.table.KTable[str, str]
total = bids.group_by_key().aggregate(float, lambda total, bid: total + bid.price)
reveal_type(total)  # is: streams.dsl.table.KTable[str, float]
reveal_type(total.to_stream())  # is: streams.dsl.stream.KStream[str, float]
by_key = bids.group_by_key().aggregate(float, lambda key, total, bid: total + bid.price + len(key))
reveal_type(by_key)  # is: streams.dsl.table.KTable[str, float]
reveal_type(app.query(total)["a"])  # is: float
reveal_type(lines.merge(bids))  # is: streams.dsl.stream.KStream[str, str | chains.Bid]
reveal_type(lines.merge(lines))  # is: streams.dsl.stream.KStream[str, str]
users = app.table("users", key=str, value=str)
sales = app.table("sales", key=str, value=Bid)
reveal_type(sales)  # is: streams.dsl.table.KTable[str, chains.Bid]
reveal_type(lines.to_table())  # is: streams.dsl.table.KTable[str, str]
reveal_type(sales.filter(lambda bid: bid.price > 1))  # is: streams.dsl.table.KTable[str, chains.Bid]
reveal_type(sales.filter_not(lambda key, bid: key == "", store="s"))  # is: streams.dsl.table.KTable[str, chains.Bid]
reveal_type(sales.map_values(lambda bid: bid.price))  # is: streams.dsl.table.KTable[str, float]
reveal_type(sales.map_values(lambda key, bid: len(key), store="t"))  # is: streams.dsl.table.KTable[str, int]
reveal_type(bids.join(users, lambda bid, user: f"{bid.price} {user}"))  # is: streams.dsl.stream.KStream[str, str]
reveal_type(bids.left_join(users, lambda key, bid, user: user))  # is: streams.dsl.stream.KStream[str, str | None]
reveal_type(users.join(sales, lambda user, bid: bid.price))  # is: streams.dsl.table.KTable[str, float]
reveal_type(users.left_join(sales, lambda _, bid: bid))  # is: streams.dsl.table.KTable[str, chains.Bid | None]
reveal_type(users.outer_join(sales, lambda key, user, bid: user))  # is: streams.dsl.table.KTable[str, str | None]
by_price = sales.group_by(lambda key, bid: (int(bid.price), key), key=int, value=str)
reveal_type(by_price)  # is: streams.dsl.grouped_table.KGroupedTable[int, str]
some = sales.group_by(lambda bid: (bid.auction, bid) if bid.price else None)
reveal_type(some)  # is: streams.dsl.grouped_table.KGroupedTable[int, chains.Bid]
reveal_type(by_price.count(store="u"))  # is: streams.dsl.table.KTable[int, int]
reveal_type(by_price.reduce(max, min, store="v"))  # is: streams.dsl.table.KTable[int, str]
lengths = by_price.aggregate(float, lambda old, name: old + len(name), lambda old, name: old - len(name), store="w")
reveal_type(lengths)  # is: streams.dsl.table.KTable[int, float]
windows = lines.group_by_key().windowed_by(hopping("10s", advance="2s", grace="1s"))
reveal_type(windows)  # is: streams.dsl.windowed.TimeWindowedKStream[str, str]
busy = windows.count(retention="1h")
reveal_type(busy)  # is: streams.dsl.table.KTable[tuple[str, int, int, fallback=streams.model.Windowed[str]], int]
reveal_type(windows.reduce(max))  # is: streams.dsl.table.KTable[tuple[str, int, int, fallback=streams.model.Windowed[str]], str]
sums = windows.aggregate(float, lambda key, total, line: total + len(key) + len(line))
reveal_type(sums)  # is: streams.dsl.table.KTable[tuple[str, int, int, fallback=streams.model.Windowed[str]], float]
rows = busy.to_stream().map(lambda window, count: (window.key, window.start + count))
reveal_type(rows)  # is: streams.dsl.stream.KStream[str, int]
reveal_type(app.query(busy))  # is: streams.query.windows.ReadOnlyWindowStore[str, int]
reveal_type(app.query(busy).fetch("a", 0))  # is: int | None
reveal_type(next(app.query(busy).fetch("a", 0, None)))  # is: tuple[tuple[str, int, int, fallback=streams.model.Windowed[str]], int]
lines.peek(print)
lines.for_each(print)
lines.to(lambda line: f"lines-{line[:1]}")
lines.to("copies", partitioner=lambda topic, key, value, partitions: len(key) % partitions)


def annotated() -> KStream[str, int]:
    return lines.map_values(len)


driver = TopologyTestDriver(app)
driver.send(bids, key="a", value=Bid(auction=1, price=3.0))
driver.send(bids, None, None)
driver.send("anything", key="k", value=object())
reveal_type(driver.store(bids.group_by_key().count(store="driver")))  # is: streams.query.local.ReadOnlyStore[str, int]
reveal_type(driver.read("out"))  # is: list[streams.model.Record[Any, Any]]
reveal_type(driver.read("out", key=str, value=Bid))  # is: list[streams.model.Record[str, chains.Bid]]
reveal_type(driver.read_values("out", value=Bid))  # is: list[chains.Bid]
reveal_type(driver.read_record("out", key=str, value=Bid).value)  # is: chains.Bid


def at_most_three(names: list[str], name: str) -> list[str] | None:
    return [*names, name] if len(names) < 3 else None


reveal_type(bids.group_by_key().aggregate(list, lambda old, bid: [*old, str(bid.price)] if bid.price else None, value=list[str]))  # is: streams.dsl.table.KTable[str, list[str]]
reveal_type(lines.group_by_key().aggregate(list[str], at_most_three))  # is: streams.dsl.table.KTable[str, list[str]]
reveal_type(lines.group_by_key().reduce(lambda old, line: None if line == "" else old + line))  # is: streams.dsl.table.KTable[str, str]
reveal_type(windows.aggregate(list[str], at_most_three))  # is: streams.dsl.table.KTable[tuple[str, int, int, fallback=streams.model.Windowed[str]], list[str]]
split = bids.split()
reveal_type(split.branch(lambda bid: bid.price > 100, "large"))  # is: streams.dsl.stream.KStream[str, chains.Bid]
reveal_type(split.branch(lambda key, bid, context: context.offset > 0))  # is: streams.dsl.stream.KStream[str, chains.Bid]
reveal_type(split.default())  # is: streams.dsl.stream.KStream[str, chains.Bid]
reveal_type(lines.repartition(name="r", partitions=3))  # is: streams.dsl.stream.KStream[str, str]
reveal_type(app.stream(["lines", "more"], key=str, value=str, timestamp=len))  # is: streams.dsl.stream.KStream[str, str]
reveal_type(bids.to_table(store="of-bids").join(users, lambda bid, user: (bid, user)))  # is: streams.dsl.table.KTable[str, tuple[chains.Bid, str]]
reveal_type(busy.filter(lambda window, count: window.start > count))  # is: streams.dsl.table.KTable[tuple[str, int, int, fallback=streams.model.Windowed[str]], int]
reveal_type(busy.join(windows.count(store="other"), lambda left, right: left / right))  # is: streams.dsl.table.KTable[tuple[str, int, int, fallback=streams.model.Windowed[str]], float]
app.send("lines", "key", "value", timestamp=5, headers=(("h", b"1"),))
reveal_type(next(app.read("out")))  # is: streams.model.Record[Any, Any]
reveal_type(next(app.read("out", key=str, value=Bid)))  # is: streams.model.Record[str, chains.Bid]
reveal_type(next(app.read("out", key=serde.int64, value=str)).key)  # is: int
reveal_type(list(app.query(by_price.count(store="x")).range(1, 5)))  # is: list[tuple[int, int]]
reveal_type(app.query("by-name"))  # is: Any
