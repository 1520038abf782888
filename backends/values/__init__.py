"""Typed values: what a fact can hold, how it is stored, written in a reply, and read from what people type."""

from backends.values.amounts import read_amount
from backends.values.canonical import Kind, canonical, from_canonical
from backends.values.compare import same_value
from backends.values.currencies import CURRENCIES, Currency, currency_name, read_currency
from backends.values.dates import read_date
from backends.values.figures import Figure, Role, find_figures
from backends.values.kinds import (
    Amount,
    Count,
    Money,
    Percent,
    PercentPoints,
    Period,
    Rate,
    Term,
    TermUnit,
    Value,
    minor_digits,
)
from backends.values.moments import BEIJING
from backends.values.numerals import read_number
from backends.values.periods import read_period
from backends.values.speech import write
from backends.values.terms import read_term

__all__ = [
    "BEIJING",
    "CURRENCIES",
    "Amount",
    "Count",
    "Currency",
    "Figure",
    "Kind",
    "Money",
    "Percent",
    "PercentPoints",
    "Period",
    "Rate",
    "Role",
    "Term",
    "TermUnit",
    "Value",
    "canonical",
    "currency_name",
    "find_figures",
    "from_canonical",
    "minor_digits",
    "read_amount",
    "read_currency",
    "read_date",
    "read_number",
    "read_period",
    "read_term",
    "same_value",
    "write",
]
