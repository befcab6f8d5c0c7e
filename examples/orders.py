"""Orders enriched from a table of customers, then summed up per country: a stream–table join.

python examples/orders.py
"""

from __future__ import annotations

from pydantic import BaseModel

from streams import App


class Customer(BaseModel):
    name: str
    country: str


class Order(BaseModel):
    customer: int
    cents: int


class Sale(BaseModel):
    name: str
    country: str
    cents: int


app = App("orders")


def sale(order: Order, customer: Customer) -> Sale:
    return Sale(name=customer.name, country=customer.country, cents=order.cents)


def country(sale: Sale) -> str:
    return sale.country


def add(total: int, sale: Sale) -> int:
    return total + sale.cents


customers = app.table("customers", key=int, value=Customer)
orders = app.stream("orders", key=int, value=Order)
sales = orders.join(customers, sale)  # only the order triggers; it meets the customer's row of that moment
sales.to("sales")
revenue = sales.group_by(country).aggregate(int, add, value=int, store="revenue")

if __name__ == "__main__":
    people = [(1, Customer(name="Ada", country="UK")), (2, Customer(name="Linus", country="FI"))]
    app.feed("customers", people, keyed=True)
    app.run(until_end=True)  # the table first, so that every order finds its customer
    for customer, cents in ((1, 1250), (2, 9900), (1, 450), (3, 700)):
        app.send("orders", customer, Order(customer=customer, cents=cents))
    app.run(until_end=True)
    with app.query(revenue) as table:
        for name, cents in table.all():
            print(f"{name}  {cents / 100:.2f}")
