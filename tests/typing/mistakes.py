"""Mistakes that type checkers must find, each on the line of the wrong function; ``test_typing`` compares.

Two are found by one of the checkers only, as their comments say.
"""

from __future__ import annotations

from dataclasses import dataclass

from streams import App, KStream, serde, tumbling
from streams.testing import TopologyTestDriver


@dataclass
class Bid:
    auction: int
    price: float


def of_int(value: int) -> bool:
    return value > 0


def two_of_int(key: int, value: int) -> bool:
    return key > value


def to_text(total: int, bid: Bid) -> str:
    return str(total)


app = App("typing")
lines = app.stream("lines", key=str, value=str)
bids = app.stream("bids", key=int, value=Bid)

lines.filter(of_int)  # error: incompatible type
lines.filter(two_of_int)  # error: incompatible type
lines.filter("price > 5")  # error: No overload variant
lines.filter(lambda a, b, c, d: True)  # error
bids.filter(lambda bid: bid.prize > 1)  # error: has no attribute "prize"
bids.map_values(lambda bid: bid.price).filter(lambda price: price.upper())  # error: has no attribute "upper"
bids.map(lambda bid: bid.price)  # error
lines.flat_map_values(len)  # error
bids.group_by(lambda bid: bid.auction, key=str)  # error (mypy)
bids.group_by_key().reduce(lambda total, bid: total + bid.price)  # error
bids.group_by_key().aggregate(int, to_text)  # error: Cannot infer value of type parameter "A"
bids.merge(lines)  # error: incompatible type
lines.to("copies", value=int)  # error
lines.group_by_key().filter(len)  # error: has no attribute "filter"
lines.group_by_key().count().to("counts")  # error: has no attribute "to"
lines.group_by_key().windowed_by("10s")  # error: incompatible type
lines.group_by_key().windowed_by(tumbling("10s")).reduce(lambda total, line: total + len(line))  # error
app.stream("x", key=str)  # error: Missing named argument "value"
app.stream("x", key="str", value=str)  # error
users = app.table("users", key=str, value=str)
lines.join(bids, lambda line, bid: line)  # error
bids.join(users, lambda bid, user: user)  # error
lines.join(users, lambda line, user: user.price)  # error: has no attribute "price"
lines.left_join(users, lambda line, user: user.upper())  # error: has no attribute "upper"
users.outer_join(users, lambda left, right: left.upper())  # error: has no attribute "upper"
users.filter(lambda key, user, context: True)  # error
users.group_by(lambda user: user)  # error
users.map_values(str.upper).to("out")  # error: has no attribute "to"
users.group_by(lambda user: (user, 1)).reduce(max)  # error
wrong: KStream[int, str] = lines  # error: Incompatible types in assignment
app.stream("y", key=serde.int64, value=Bid, timestamp=lambda bid: bid.when)  # error: has no attribute "when"
driver = TopologyTestDriver(app)
driver.send(lines, "a", 5)  # error: Cannot infer value of type parameter "V"
driver.send(lines, 5, "a")  # error: Cannot infer value of type parameter "K"
driver.send(lines, "a")  # error: No overload variant
driver.send(lines, "a", "b", timestamp="noon")  # error: No overload variant
lines.join(lines, lambda left, right: left + right)  # error
lines.left_join(app.stream("z", key=str, value=Bid), lambda line, bid: line)  # error
split = bids.split()
split.branch(of_int, "large")  # error: incompatible type
split.branch(lambda bid: bid.prize > 1)  # error: has no attribute "prize"
split.default().map_values(lambda bid: bid.prize)  # error: has no attribute "prize"
windows = lines.group_by_key().windowed_by(tumbling("10s", grace="1s"))
windows.aggregate(int, lambda total, line: total + line)  # error (pyright)
windows.count().to_stream().map_values(lambda count: count.upper())  # error: has no attribute "upper"
windows.count().filter(lambda window, count: window.begin > 0)  # error
windows.count(retention=5.5)  # error: incompatible type
app.table("customers", key=str)  # error: Missing named argument "value"
users.join(bids.to_table(), lambda user, bid: user)  # error
users.left_join(users, lambda left, right: right.upper())  # error: has no attribute "upper"
users.group_by(lambda user: (user, 1)).aggregate(int, lambda total, one: total + one)  # error
app.send("lines", "key")  # error: Missing positional argument "value"
app.send(lines, "key", "value")  # error: incompatible type
app.read(lines)  # error
app.query(lines)  # error
app.query(users)["a"].price  # error: has no attribute "price"
app.query(users).get(5)  # error: incompatible type
