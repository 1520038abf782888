"""From typed values to facts: what kind each named text is, and who vouches for a value."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from decimal import Decimal

from backends.result import Fact, Kind, Sensitivity
from backends.values import Value

TEXT_KINDS: dict[str, Kind] = {
    "account_tail": "digits",
    "address": "text",
    "amount_asked": "text",
    "answer": "passage",
    "antifraud_line": "digits",
    "autopay_change": "enum",
    "autopay_scope": "enum",
    "autopay_state": "enum",
    "bank_asked": "text",
    "benchmark_basis": "text",
    "billed_tail": "digits",
    "branch_name": "name",
    "card_kind": "enum",
    "card_name": "name",
    "card_tail": "digits",
    "channel": "enum",
    "city_name": "name",
    "counterparty": "name",
    "counterparty_bank": "name",
    "counterparty_tail": "digits",
    "country": "name",
    "country_asked": "text",
    "currency": "currency",
    "currency_asked": "text",
    "customer_risk": "text",
    "day_count": "text",
    "debit_outcome": "enum",
    "decline_reason": "text",
    "deposit_kind": "enum",
    "direction": "enum",
    "dispute_reason": "enum",
    "dispute_state": "enum",
    "documents": "text",
    "entry_kind": "enum",
    "fee_state": "enum",
    "flow": "enum",
    "grams": "digits",
    "holding_status": "enum",
    "honorific": "name",
    "hotline": "digits",
    "income_kind": "enum",
    "kind_missing": "enum",
    "language": "enum",
    "limit_change": "enum",
    "limit_kind": "enum",
    "limit_state": "enum",
    "loan_asked": "enum",
    "loan_kind": "enum",
    "loan_stage": "enum",
    "lower_fee": "name",
    "lower_minimum": "name",
    "lower_risk": "name",
    "mailing_address": "text",
    "merchant": "name",
    "merchant_asked": "text",
    "min_units": "digits",
    "missing_papers": "text",
    "name": "name",
    "nav": "digits",
    "number_change": "enum",
    "order_status": "enum",
    "part": "enum",
    "payout_conditions": "text",
    "phone": "digits",
    "phone_tail": "digits",
    "place_asked": "text",
    "plan_name": "name",
    "points_use": "enum",
    "police_line": "digits",
    "posting": "enum",
    "product_asked": "text",
    "product_code": "digits",
    "product_name": "name",
    "product_type": "enum",
    "protection": "text",
    "purpose": "enum",
    "redemption": "text",
    "reference": "digits",
    "refusal": "enum",
    "refusal_reason": "text",
    "regulator_line": "digits",
    "remedy": "text",
    "remit_stage": "enum",
    "repaid_name": "name",
    "repay_method": "enum",
    "replace_reason": "enum",
    "reservation_status": "enum",
    "return_reason": "enum",
    "reward_name": "name",
    "risk_asked": "enum",
    "risk_level": "enum",
    "risk_up_to": "enum",
    "same_risk": "enum",
    "scope": "enum",
    "service_hours": "text",
    "shorter_term": "name",
    "side": "enum",
    "source_text": "text",
    "stage": "enum",
    "tier": "enum",
    "transfer_stage": "enum",
    "trend": "enum",
    "units": "digits",
}
"""The kind of every fact whose value is a string; the other types say their kind themselves."""


@dataclass(frozen=True, slots=True)
class Words:
    """A text in Chinese and, where there is one, in English."""

    zh: str
    en: str | None = None


@dataclass(frozen=True, slots=True)
class Said:
    """A value the customer said: the bank only repeats it."""

    value: Value | Words


@dataclass(frozen=True, slots=True)
class Ruled:
    """A value a rule says (see ``backends/rules.yml``)."""

    value: Value | Words


Vouched = Value | Decimal | Words | Said | Ruled | None


def facts(source: str, as_of: dt.datetime, sensitivity: Sensitivity, values: dict[str, Vouched]) -> tuple[Fact, ...]:
    """A fact for each named value, in order; ``None`` makes none.

    Raises ``KeyError`` for a string under a name that ``TEXT_KINDS`` does not know.
    """
    return tuple(_fact(name, value, source, as_of, sensitivity) for name, value in values.items() if value is not None)


def _fact(
    name: str, value: Value | Decimal | Words | Said | Ruled, source: str, as_of: dt.datetime, sensitivity: Sensitivity
) -> Fact:
    match value:
        case Said(said):
            return _fact(name, said, "customer", as_of, sensitivity)
        case Ruled(ruled):
            return _fact(name, ruled, "rule", as_of, "public")
        case Words(zh, en):
            return Fact.of(
                name, zh, source=source, as_of=as_of, kind=TEXT_KINDS[name], sensitivity=sensitivity, english=en
            )
        case str():
            return Fact.of(name, value, source=source, as_of=as_of, kind=TEXT_KINDS[name], sensitivity=sensitivity)
        case _:
            return Fact.of(name, value, source=source, as_of=as_of, sensitivity=sensitivity)
