"""Templates: complete, well formed, and held to the gates that models are held to, whatever the figures."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from pathlib import Path

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from backends.fx.actions import QUOTED
from backends.registry import ACTIONS
from backends.result import Fact, Result
from backends.rules import standing_facts
from backends.values import Count, Money, Percent, Rate, Value, find_figures
from backends.wealth.actions import DEPOSIT_INSURANCE, WEALTH_RISK
from responses.audience import Audience
from responses.check import SAMPLE_TIME, check_templates, check_wording, sample
from responses.disclosures import disclosures
from responses.draft import Drafter, MissingFact, draft_result, fill
from responses.gates.figures import check_figures
from responses.library import FactType, TemplateError, TemplateFile, Wording, library, names_in, parse, wording

OUTCOMES = sorted((capability, outcome) for capability, file in library().items() for outcome in file.outcomes)


def test_every_template_passes_every_gate():
    assert check_templates({}) == []


def test_an_outcome_without_a_template_is_named():
    assert check_templates({"card_bill": ["found", "vanished"]}) == ["card_bill.vanished: no template"]


def test_a_template_with_a_figure_of_its_own_is_named():
    careless = Wording(zh=("还款日是每月5号。", "请在5号前还款。"), en=("Pay by the 5th.", "Due on the 5th."))
    problems = list(check_wording("card_bill", "found", careless, {}))
    assert any("number" in problem for problem in problems)


def test_a_template_that_claims_what_was_not_done_is_named():
    boasting = Wording(zh=("已为您办理成功。", "已经办好了。"), en=("All done.", "It has been completed."))
    problems = list(check_wording("card_bill", "found", boasting, {}))
    for boast in (*boasting.zh, *boasting.en):
        assert any("completion" in problem and boast in problem for problem in problems), boast


def _values(kind: FactType) -> st.SearchStrategy[Value]:
    days = st.dates(dt.date(2020, 1, 1), dt.date(2035, 12, 28))
    match kind.kind:
        case "money":
            return st.integers(0, 10**11).map(lambda minor: Money(minor, kind.detail or "CNY"))
        case "rate":
            return st.decimals("0.01", "2000", places=4).map(lambda number: Rate(number, "USD"))
        case "percent":
            return st.decimals("0", "30", places=2).map(lambda number: Percent(Decimal(number)))
        case "count":
            least, most = (2020, 2035) if kind.detail == "year" else (0, 500)
            return st.integers(least, most).map(lambda number: Count(number, kind.detail or "item"))
        case "date":
            return days
        case "datetime":
            return days.map(lambda day: dt.datetime.combine(day, dt.time(4, 5), dt.UTC))
        case "time":
            return st.times().map(lambda time: time.replace(second=0, microsecond=0))
        case "digits":
            return st.from_regex(r"[0-9]{4,12}", fullmatch=True)
        case _:
            return st.just(sample("any", kind).typed())


@pytest.mark.parametrize(("capability", "outcome"), OUTCOMES)
@given(data=st.data())
@settings(max_examples=4, deadline=None)
def test_every_figure_of_a_filled_template_is_read_back_as_the_fact_it_states(capability, outcome, data):
    file = library()[capability]
    facts = {
        name: Fact.of(name, data.draw(_values(kind)), source="test", as_of=SAMPLE_TIME, kind=kind.kind)
        for name, kind in file.facts.items()
    }
    said = file.outcomes[outcome]
    for language, template in said.templates():
        drafter = Drafter(language)
        rows = drafter.line(said.row[language], facts) if said.row else None
        filled = fill(drafter.draft(template, facts, rows))
        assert check_figures(filled) == [], filled.text
        for figure in find_figures(filled.text):
            covered = any(span.start <= figure.start and figure.end <= span.end for span in filled.spans)
            assert covered, f"{figure.text} of {filled.text} is in no fact's span"
        for span in filled.spans:
            assert filled.text[span.start : span.end] == span.fact.spoken(language)


@pytest.mark.parametrize(("capability", "outcome"), [key for key in OUTCOMES if key[1] == "ready"])
def test_a_confirmation_reads_back_every_quoted_figure_and_asks_for_an_explicit_yes(capability, outcome):
    said = library()[capability].outcomes[outcome]
    quoted = {
        "fx_buy": {
            "amount",
            "cost",
            "rate",
            "unit_amount",
            "purpose",
            "account_tail",
            "quoted_at",
            "expires_at",
            "quota_left_after",
        },
        "fx_sell": {
            "amount", "proceeds", "rate", "unit_amount", "purpose", "account_tail", "quoted_at", "expires_at",
            "quota_left_after",
        },
        "fx_cash": {"amount", "pickup_on", "branch_name", "address", "account_tail", "expires_at"},
        "wealth_buy": {
            "product_name", "product_code", "amount", "purchase_fee", "risk_level", "customer_risk", "account_tail",
            "trade_on", "confirm_on", "expires_at",
        },
        "wealth_redeem": {
            "product_name", "product_code", "scope", "units", "estimate", "redemption_fee", "nav", "nav_date",
            "account_tail", "trade_on", "arrives_on", "expires_at",
        },
        "card_report_lost": {"card_name", "card_tail", "card_kind"},
        "card_replace": {
            "card_name", "card_tail", "card_kind", "replace_reason", "number_change", "fee", "mailing_address",
            "expected_by", "expires_at",
        },
        "card_dispute": {
            "merchant", "amount", "spent_at", "card_name", "card_tail", "dispute_reason", "answer_by", "expires_at",
        },
        "card_repay": {"card_name", "card_tail", "payment", "account_tail", "left_due", "expires_at"},
        "card_installment": {
            "card_name", "card_tail", "plan_name", "principal", "term", "first_payment", "each_payment", "last_payment",
            "first_on", "interest", "term_interest", "annual_rate", "total_payment", "settle_fee_rate", "expires_at",
        },
        "autopay": {"autopay_change", "repaid_name", "expires_at"},
        "card_limit_change": {
            "card_name", "card_tail", "limit_change", "limit_kind", "credit_limit", "new_limit", "expires_at",
        },
    }[capability]  # fmt: skip
    for language, template in said.templates():
        named = {name for part in parse(template) if not part.optional for name in part.names}
        assert named >= quoted
        assert ("确认" if language == "zh" else "confirm") in template
        assert ("取消" if language == "zh" else "cancel") in template


@pytest.mark.parametrize("capability", sorted(library()))
def test_a_rate_of_exchange_is_never_stated_without_the_units_it_is_for(capability):
    file = library()[capability]
    rates = {name for name, kind in file.facts.items() if kind.kind == "rate"}
    for outcome, said in file.outcomes.items():
        for _, template in said.templates():
            if rates & {*names_in(template), *(names_in(said.row.zh) if said.row else ())}:
                assert "unit_amount" in names_in(template), f"{outcome}: {template}"


def test_fraud_advice_says_first_to_stop_paying_and_whom_to_call():
    for language, template in library()["fraud_security"].outcomes["first_steps"].templates():
        first = template[: template.index("{hotline}")]
        assert any(word in first for word in ("停止", "别转钱", "不要付款", "stop", "do not send")), template
        assert language in ("zh", "en")


def _audience(**changes) -> Audience:
    return Audience(language="zh", now=SAMPLE_TIME).model_copy(update=changes)


def _bill(**changes: Value) -> Result:
    file = library()["card_bill"]
    facts = {name: sample(name, kind) for name, kind in file.facts.items() if name not in ("overdue_days", "period")}
    for name, value in changes.items():
        facts[name] = Fact.of(name, value, source="test", as_of=SAMPLE_TIME)
    return Result(capability="card_bill", outcome="found", facts=tuple(facts.values()))


def _said(result: Result, audience: Audience) -> str:
    said = wording(result.capability, result.outcome)
    return fill(draft_result(Drafter(audience.language), said, result, {}, audience)).text


def test_an_optional_part_is_said_only_when_its_fact_is_there():
    assert "3天" in _said(_bill(), _audience())
    assert "逾期" not in _said(_bill(), _audience())
    assert "逾期2天" in _said(_bill(overdue_days=Count(2, "day")), _audience())


def test_replies_to_one_result_differ_with_the_variation_and_only_with_it():
    texts = {_said(_bill(), _audience(variation=number)) for number in range(3)}
    assert len(texts) == 3
    assert _said(_bill(), _audience(variation=1)) == _said(_bill(), _audience(variation=1))


def test_older_customers_get_the_simpler_wording():
    assert _said(_bill(), _audience(age=72)) != _said(_bill(), _audience(age=32))


def test_a_result_without_a_fact_its_template_needs_is_an_error_and_not_a_hole():
    bare = Result(capability="card_bill", outcome="found")
    with pytest.raises(MissingFact, match=r"card_bill\.found"):
        _said(bare, _audience())


def test_an_unknown_outcome_is_an_error_that_names_it():
    with pytest.raises(TemplateError, match=r"card_bill\.vanished"):
        wording("card_bill", "vanished")


@pytest.mark.parametrize(
    "template", ["[[一 [[二]] {a}]]", "[[{a}", "{a}]]", "[[没有事实]]", "{A}", "一个 {brace", "⟦a⟧"]
)
def test_a_broken_template_is_refused_when_it_is_read(template):
    with pytest.raises(ValueError):
        parse(template)


def test_a_template_may_name_only_the_facts_it_declares():
    raw = {
        "facts": {"amount": "money CNY"},
        "outcomes": {"found": {"zh": ["{amuont}", "是{amount}"], "en": ["a", "b"]}},
    }
    with pytest.raises(ValueError, match="amuont"):
        TemplateFile.model_validate(raw)


def test_a_single_wording_is_refused_unless_it_is_a_fact_alone():
    with pytest.raises(ValueError, match="2 variants"):
        Wording(zh=("好的。",), en=("Fine.", "Good."))
    assert Wording(zh=("{text}",), en=("{text}",)).zh == ("{text}",)


def test_a_wrong_file_is_named(tmp_path: Path):
    (tmp_path / "card_bill.yml").write_text(yaml.safe_dump({"outcomes": {"found": {"zh": ["{x}"]}}}), "utf-8")
    with pytest.raises(ValueError, match=r"card_bill\.yml"):
        library(tmp_path)


def test_what_no_result_of_an_outcome_states_a_standing_rule_does():
    said = {name for _, template in wording("fraud_security", "first_steps").templates() for name in names_in(template)}
    assert said - {"topic"} == standing_facts(SAMPLE_TIME).keys()


@pytest.mark.parametrize("text", disclosures().values(), ids=disclosures())
def test_every_disclosure_has_a_source_and_a_review_within_a_year(text):
    assert text.effective_from <= SAMPLE_TIME.date()
    assert dt.timedelta(0) <= SAMPLE_TIME.date() - text.reviewed_on <= dt.timedelta(days=365)


def test_every_text_that_a_backend_demands_is_there_and_no_other():
    always = {name for action in ACTIONS for name in action.disclosures}
    assert always | {*QUOTED, WEALTH_RISK, DEPOSIT_INSURANCE} == disclosures().keys()


@pytest.mark.parametrize("language", ["zh", "en"])
@pytest.mark.parametrize("outcome", ["queued", "waiting"])
def test_whoever_waits_is_told_how_many_are_ahead_in_words_that_fit_one_and_many(outcome, language):
    for variation in range(2):
        for ahead in (0, 1, 3):
            fact = Fact.of("ahead", Count(ahead, "person"), source="desk", as_of=SAMPLE_TIME)
            said = _said(
                Result(capability="human_agent", outcome=outcome, facts=(fact,)),
                _audience(language=language, variation=variation),
            )
            assert fact.spoken(language) in said
            assert "are 1 person" not in said
