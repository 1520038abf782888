"""Results as cards: labelled, in the reply's language, and holding nothing but their own facts."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

import pytest

from backends.result import Card, Fact, Quote, Result
from backends.values import Count, Money, Percent, Rate
from responses.cards import book, cards_of
from responses.library import library, names_in, wording

NOW = dt.datetime(2026, 11, 21, 2, 30, tzinfo=dt.UTC)


def fact(name: str, value: object, **more: object) -> Fact:
    return Fact.of(name, value, source="card", as_of=NOW, **more)  # type: ignore[arg-type]


BILL = Result(
    capability="card_bill",
    outcome="found",
    facts=(
        fact("card_tail", "8888", kind="digits"),
        fact("statement_balance", Money.of("6842.37")),
        fact("paid", Money.of("842.37")),
        fact("remaining_due", Money.of("6000")),
        fact("minimum_due", Money.of("684.24")),
    ),
)
READY = Result(
    capability="fx_buy",
    outcome="ready",
    facts=(
        fact("amount", Money.of("500", "USD")),
        fact("cost", Money.of("3531.05")),
        fact("rate", Rate(Decimal("706.21"), "USD")),
        fact("expires_at", NOW + dt.timedelta(minutes=3)),
    ),
    quote=Quote(quote_id="q", digest="d", expires_at=NOW + dt.timedelta(minutes=3)),
)


def drawn_names() -> list[tuple[str, str, str]]:
    """Every fact that an outcome may be drawn with."""
    found = []
    for where, drawing in book().drawn.items():
        capability, outcome = where.split(".")
        names = (*drawing.items, *drawing.columns, *drawing.parts, *(name for pair in drawing.meters for name in pair))
        found += [(capability, outcome, name) for name in names]
    return found


@pytest.mark.parametrize(("capability", "outcome", "name"), drawn_names())
def test_what_is_drawn_is_a_fact_of_its_outcome_and_has_a_label_in_both_languages(
    capability: str, outcome: str, name: str
) -> None:
    wording(capability, outcome)
    assert name in library()[capability].facts
    zh, en = (book().label(capability, name, language) for language in ("zh", "en"))
    assert zh
    assert en
    assert zh != en


def test_everything_that_is_confirmed_or_was_done_has_a_label() -> None:
    said = {
        (capability, name)
        for capability, told in library().items()
        for outcome, wordings in told.outcomes.items()
        if outcome.startswith(("ready", "done"))
        for template in wordings.zh
        for name in names_in(template)
    }
    missing = {each for each in said if book().label(*each, "zh") is None}
    assert missing == {(capability, "expires_at") for capability, name in said if name == "expires_at"}


@pytest.mark.parametrize("language", ["zh", "en"])
def test_the_buttons_of_a_confirmation_are_those_of_every_template_that_asks_for_one(language: str) -> None:
    buttons = list(book().confirm.buttons[language == "en"])
    for capability, told in library().items():
        for outcome, said in told.outcomes.items():
            if outcome.startswith("ready"):
                assert said.quick_replies is not None
                assert [button.payload for button in said.quick_replies[language]] == buttons, capability


def test_a_bill_is_drawn_as_what_it_comes_to() -> None:
    (card,) = cards_of(BILL, "zh")
    assert card.kind == "bill_breakdown"
    assert card.data["whole"] == {
        "name": "statement_balance",
        "label": "账单金额",
        "kind": "money",
        "text": "6,842.37元",
        "value": "6842.37",
    }
    assert [part["value"] for part in card.data["parts"]] == ["842.37", "6000.00"]
    assert [item["name"] for item in card.data["items"]] == ["card_tail", "minimum_due"]
    assert card.data["sources"] == [{"source": "card", "as_of": "2026-11-21T02:30:00+00:00"}]


def test_a_quote_becomes_a_card_to_confirm_that_holds_every_figure_that_is_read_back() -> None:
    (card,) = cards_of(READY, "en")
    assert card.kind == "confirm"
    assert [(item["label"], item["text"]) for item in card.data["items"]] == [
        ("You buy", "USD 500.00"),
        ("You pay", "CNY 3,531.05"),
        ("Rate", "706.21"),
    ]
    assert card.data["expires_at"] == "2026-11-21T02:33:00+00:00"
    assert [button["payload"] for button in card.data["buttons"]] == ["Confirm", "Cancel"]


def test_what_was_done_becomes_a_receipt_and_what_was_not_does_not() -> None:
    done = READY.model_copy(update={"outcome": "done", "quote": None, "completed": True})
    (card,) = cards_of(done, "zh")
    assert (card.kind, card.data["done"], card.data["title"]) == ("kv", True, "办理回执")
    assert cards_of(done.model_copy(update={"completed": False, "outcome": "expired"}), "zh") == ()


def test_a_secret_fact_is_in_no_card() -> None:
    hidden = fact("merchant", "暗号", sensitivity="secret")
    for result in (READY, BILL):
        told = result.model_copy(update={"facts": (*result.facts, hidden)})
        assert "暗号" not in "".join(card.model_dump_json() for card in cards_of(told, "zh"))


def test_a_column_that_no_row_fills_is_left_out() -> None:
    rows = (
        (fact("card_name", "甲", kind="name"), fact("remaining_due", Money.of("1"))),
        (fact("card_name", "乙", kind="name"),),
    )
    (card,) = cards_of(Result(capability="card_bill", outcome="found_many", rows=rows), "zh")
    assert [column["name"] for column in card.data["columns"]] == ["card_name", "remaining_due"]
    assert card.data["rows"][1] == [{"text": "乙", "value": "乙"}, None]


def test_a_code_is_asked_for_with_its_length_and_the_tries_that_are_left() -> None:
    sent = Result(capability="fx_buy", outcome="code_wrong", facts=(fact("tries_left", Count(4, "try")),))
    assert cards_of(sent, "zh") == (Card(kind="code", data={"length": 6, "tries_left": "4次"}),)
    assert cards_of(sent.model_copy(update={"outcome": "code_locked"}), "zh") == ()


def test_the_share_of_a_year_is_a_meter_only_where_both_sides_are_known() -> None:
    facts = (fact("purchase_used", Money.of("1", "USD")), fact("purchase_left", Money.of("9", "USD")))
    quota = Result(capability="fx_quota", outcome="found", facts=facts)
    assert cards_of(quota, "zh")[0].data["meters"] == []
    whole = quota.model_copy(update={"facts": (*facts, fact("purchase_limit", Money.of("10", "USD")))})
    (meter,) = cards_of(whole, "zh")[0].data["meters"]
    assert (meter["part"]["value"], meter["whole"]["value"]) == ("1.00", "10.00")


def test_a_backends_curve_is_drawn_with_what_sums_it_up() -> None:
    own = Card(
        kind="rate_history",
        data={"currency": "USD", "quote": "CNY", "unit": 100, "points": [{"day": "2026-11-20", "mid": "700.1"}]},
    )
    facts = (fact("currency", "USD", kind="currency"), fact("change_percent", Percent(Decimal("0.64"))))
    (card,) = cards_of(Result(capability="fx_rate", outcome="history", facts=facts, card=own), "en")
    assert (card.kind, card.data["points"], card.data["unit"]) == ("rate_chart", [["2026-11-20", "700.1"]], 100)
    assert [item["text"] for item in card.data["items"]] == ["0.64%"]


def test_a_card_that_a_backend_draws_itself_is_shown_as_it_is() -> None:
    own = Card(kind="kv", data={"title": "外部", "items": []})
    assert cards_of(BILL.model_copy(update={"card": own}), "zh") == (own,)
