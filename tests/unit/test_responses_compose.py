"""Composing: one reply for all results, evidence under every fact, and no model that could change one."""

from __future__ import annotations

import datetime as dt
import itertools
from functools import partial

import pytest

from backends.http.breaker import Breaker
from backends.result import Card, Fact, Result
from backends.values import Count, Money
from responses.check import SAMPLE_TIME
from responses.compose import MAX_QUICK_REPLIES
from responses.compose import compose as compose_under
from responses.disclosures import UnknownDisclosure
from responses.draft import PLACEHOLDER, MissingFact
from responses.gateway import Completion, Gateway, Request, Upstream
from responses.library import TemplateError, library
from responses.prompting import Prompt, prompt_version
from responses.reply import Reply
from responses.scripted import LYING, MODES, Mode, ScriptedModel
from tests.unit.responses_samples import LIES, audience, bill, result

NOW = SAMPLE_TIME
HONORIFIC = Fact.of(
    "honorific", "陈女士", source="account", as_of=NOW, kind="name", sensitivity="personal", english="Ms Chen"
)
HOTLINE = Fact.of("hotline", "400-820-9966", source="rule", as_of=NOW, kind="digits")
compose = partial(compose_under, rules={"hotline": HOTLINE})


class Listening(ScriptedModel):
    """An honest model that remembers what it was asked."""

    def __init__(self) -> None:
        super().__init__("honest")
        self.prompts: list[Prompt] = []

    async def complete(self, request: Request) -> Completion:
        self.prompts.append(request.prompt)
        return await super().complete(request)


def asking(mode: Mode) -> Gateway:
    return Gateway(ScriptedModel(mode), deadline=0.3 if mode == "stalled" else 30)


def assert_evident(reply: Reply, *results: Result) -> None:
    """Each span says its fact as a reply writes it, and every fact of the evidence is one of the results'."""
    facts = [fact for each in results for fact in (*each.facts, *itertools.chain(*each.rows))]
    for span in reply.evidence:
        match = next(fact for fact in facts if (fact.name, fact.value, fact.unit) == (span.name, span.value, span.unit))
        assert reply.text[span.start : span.end] == match.spoken(reply.language)
        assert (span.source, span.as_of) == (match.source, match.as_of)


async def test_each_fact_of_the_text_is_in_the_evidence_where_it_stands():
    said = bill(remaining_due=Money.of("3500.50"))
    reply = await compose([said], audience(), now=NOW)
    assert "3,500.50元" in reply.text
    assert_evident(reply, said)
    assert {span.name for span in reply.evidence} >= {"remaining_due", "minimum_due", "due_date", "card_tail", "paid"}
    assert reply.how.verdict == "template"
    assert reply.how.generator == "template"
    assert reply.how.prompt is None


async def test_rows_are_evident_line_by_line():
    said = result("card_bill", "found_many")
    reply = await compose([said], audience(), now=NOW)
    assert_evident(reply, said)
    assert [span.name for span in reply.evidence].count("remaining_due") == 2


async def test_two_results_make_one_reply_in_their_order_and_their_facts_are_kept_apart():
    first, second = bill(card_tail="1111"), result("card_limit", "found", card_tail="2222")
    reply = await compose([first, second], audience(), now=NOW, gateway=asking("honest"))
    assert reply.how.verdict == "passed"
    assert reply.text.index("1111") < reply.text.index("2222")
    assert_evident(reply, first, second)
    assert {span.value for span in reply.evidence if span.name == "card_tail"} == {"1111", "2222"}


def stated(reply: Reply) -> set[tuple[str, str]]:
    return {(span.name, span.value) for span in reply.evidence}


def assert_right(reply: Reply, truth: Reply, mode: Mode) -> None:
    """*reply* is the template's, or a model's wording of which the lies were left out: it states what *truth* does."""
    assert stated(reply) == stated(truth), mode
    assert not any(lie in reply.text for lie in LIES), (mode, reply.text)
    if reply.how.generator == "template":
        assert (reply.text, reply.evidence, reply.quick_replies) == (truth.text, truth.evidence, truth.quick_replies)
        assert reply.how.verdict == ("unavailable" if mode in ("empty", "stalled") else "refused")
    else:
        assert reply.how.verdict == "pruned", mode
        assert reply.how.refused, mode


@pytest.mark.parametrize("language", ["zh", "en"])
@pytest.mark.parametrize("mode", LYING)
async def test_whatever_a_model_says_the_reply_is_right(mode, language):
    said = bill()
    truth = await compose([said], audience(language), now=NOW)
    reply = await compose([said], audience(language), now=NOW, gateway=asking(mode))
    assert_evident(reply, said)
    assert_right(reply, truth, mode)
    assert reply.how.attempts in (1, 2)


ANSWERED = [
    (capability, outcome)
    for capability, outcome in [
        ("card_limit", "found"), ("card_report_lost", "done"), ("fx_rate", "found"), ("fx_quote", "found"), ("fx_quota", "found"),
        ("fx_buy", "done"), ("fx_buy", "over_quota"), ("wealth_product", "found"), ("branch", "found"), ("complaint", "registered"),
        ("human_agent", "queued"), ("greet", "plain"), ("transfer_rules", "planned"), ("help", "plain"),
    ]
]  # fmt: skip


@pytest.mark.parametrize("language", ["zh", "en"])
@pytest.mark.parametrize(("capability", "outcome"), ANSWERED)
async def test_no_lie_gets_through_whatever_the_subject(capability, outcome, language):
    said = result(capability, outcome)
    truth = await compose([said], audience(language), now=NOW)
    for mode in LYING:
        if mode == "stalled":
            continue
        reply = await compose([said], audience(language), now=NOW, gateway=asking(mode))
        assert_right(reply, truth, mode)


@pytest.mark.parametrize("language", ["zh", "en"])
@pytest.mark.parametrize(("capability", "outcome"), ANSWERED)
async def test_an_honest_rewriting_is_shown_with_its_evidence(capability, outcome, language):
    said = result(capability, outcome)
    shown = 0
    for seed in range(12):
        gateway = Gateway(ScriptedModel("honest", seed=seed))
        reply = await compose([said], audience(language), now=NOW, gateway=gateway, freedom="known")
        assert reply.how.prompt == prompt_version()
        assert_evident(reply, said)
        shown += reply.how.verdict in ("passed", "pruned") and reply.how.generator == "scripted-honest"
    assert shown >= 10


async def test_a_dead_model_costs_nothing_after_a_few_failures():
    model = ScriptedModel("stalled")
    gateway = Gateway(Upstream(model, Breaker(failures=2, clock=lambda: 100.0)), deadline=0.05)
    for _ in range(5):
        reply = await compose([bill()], audience(), now=NOW, gateway=gateway)
        assert reply.how.verdict == "unavailable"
    assert model.asked == 2


async def test_all_results_go_to_the_model_in_one_request_and_no_value_goes_with_them():
    model = Listening()
    said = bill(card_name="云杉星河白金卡", card_tail="9753", remaining_due=Money.of("3517.29"))
    results = [said, result("fx_rate", "found")]
    await compose(results, audience(honorific=HONORIFIC, greeted=False), now=NOW, gateway=Gateway(model))
    assert len(model.prompts) == 1
    asked = "\n".join(message.content for message in model.prompts[0].messages)
    for fact in (*said.facts, *results[1].facts, HONORIFIC):
        if len(fact.spoken("zh")) > 1:
            assert fact.spoken("zh") not in asked, fact.name
            assert fact.value not in asked, fact.name
    assert "⟦remaining_due⟧" in asked
    assert "honorific" not in asked


@pytest.mark.parametrize(
    ("capability", "outcome"),
    [
        ("fx_buy", "ready"), ("card_report_lost", "ready"), ("fx_buy", "expired"), ("fx_buy", "code_sent"), ("fx_buy", "code_wrong"),
        ("card_bill", "sign_in"), ("fx_buy", "channel"), ("fraud_security", "first_steps"), ("fx_buy", "pending"), ("branch", "foreign"), ("card_activate", "answered"),
    ],
)  # fmt: skip
async def test_binding_words_are_never_given_to_a_model(capability, outcome):
    model = Listening()
    reply = await compose([result(capability, outcome)], audience(), now=NOW, gateway=Gateway(model))
    assert model.prompts == []
    assert reply.how.verdict == "template"


async def test_a_foreign_actions_words_are_shown_as_they_are_and_kept_from_the_model():
    words = "Your ticket #4711 is <b>open</b>; 余额 88.00"
    fact = Fact.of("text", words, source="foreign", as_of=NOW, sensitivity="secret")
    foreign = Result(capability="branch", outcome="foreign", facts=(fact,))
    model = Listening()
    reply = await compose([foreign, bill()], audience(), now=NOW, gateway=Gateway(model))
    assert reply.text.startswith(words)
    assert len(model.prompts) == 1
    assert "4711" not in str(model.prompts[0])


async def test_an_exact_part_keeps_its_place_behind_what_was_rewritten():
    reply = await compose(
        [result("fx_rate", "found"), result("fx_buy", "ready")], audience(), now=NOW, gateway=asking("honest")
    )
    assert reply.how.verdict == "passed"
    exact = (await compose([result("fx_buy", "ready")], audience(), now=NOW)).text
    assert reply.text.endswith("\n" + exact)


async def test_the_first_reply_greets_by_name_and_later_ones_do_not():
    first = await compose([bill()], audience(honorific=HONORIFIC, greeted=False), now=NOW)
    later = await compose([bill()], audience(honorific=HONORIFIC, greeted=True), now=NOW)
    assert first.text.startswith("陈女士，下午好。")
    assert first.evidence[0].name == "honorific"
    assert "陈女士" not in later.text
    english = await compose([bill()], audience("en", honorific=HONORIFIC, greeted=False), now=NOW)
    assert english.text.startswith("Good afternoon, Ms Chen. ")


async def test_a_greeting_is_not_greeted_twice():
    said = Result(capability="greet", outcome="plain", facts=(HONORIFIC,))
    reply = await compose([said], audience(honorific=HONORIFIC, greeted=False), now=NOW)
    assert reply.text.count("陈女士") == 1


async def test_what_must_be_said_is_appended_once_whoever_wrote_the_text():
    said = result("wealth_product", "found").model_copy(update={"disclosures": ("wealth_risk",)})
    for gateway in (None, asking("honest"), asking("changed_digit")):
        reply = await compose([said, said], audience(), now=NOW, gateway=gateway)
        assert reply.text.count("理财非存款、产品有风险、投资须谨慎") == 1
        assert reply.text.endswith("投资须谨慎。")


@pytest.mark.parametrize("mode", ["honest", "changed_digit"])
async def test_what_must_be_said_comes_before_the_question_that_ends_the_reply(mode):
    told = result("wealth_product", "found").model_copy(update={"disclosures": ("wealth_risk",)})
    asked = [Result(capability="fx_buy", outcome="resume"), Result(capability="fx_buy", outcome="ask_amount")]
    reply = await compose([told, *asked], audience(), now=NOW, gateway=asking(mode))
    question = (await compose(asked, audience(), now=NOW)).text
    assert reply.text.endswith(f"投资须谨慎。\n{question}")
    assert_evident(reply, told)


async def test_a_confirmation_ends_with_its_question_though_it_needs_a_warning():
    ready = result("fx_buy", "ready").model_copy(update={"disclosures": ("wealth_risk",)})
    reply = await compose([ready], audience(honorific=HONORIFIC, greeted=False), now=NOW)
    greeting, warning, question = reply.text.split("\n")
    assert (greeting, warning) == ("陈女士，下午好。", "理财非存款、产品有风险、投资须谨慎。")
    assert question == (await compose([result("fx_buy", "ready")], audience(), now=NOW)).text
    assert_evident(reply, ready.model_copy(update={"facts": (*ready.facts, HONORIFIC)}))


async def test_a_result_whose_disclosure_is_unknown_is_not_shown_without_it():
    with pytest.raises(UnknownDisclosure):
        await compose([bill().model_copy(update={"disclosures": ("vanished",)})], audience(), now=NOW)


async def test_words_of_completion_are_refused_for_a_result_that_was_not_completed():
    undone = result("fx_buy", "done").model_copy(update={"completed": False})
    with pytest.raises(TemplateError, match="was not"):
        await compose([undone], audience(), now=NOW)


async def test_quick_replies_put_the_choices_first_and_say_each_thing_once():
    reply = await compose([result("card_report_lost", "choose"), bill(), bill()], audience(), now=NOW)
    payloads = [button.payload for button in reply.quick_replies]
    assert payloads[0] == "尾号8866"
    assert len(payloads) == len(set(payloads)) <= MAX_QUICK_REPLIES


async def test_cards_are_gathered_from_all_results():
    cards = [Card(kind="kv", data={"n": number}) for number in (1, 2)]
    results = [bill().model_copy(update={"card": card}) for card in cards]
    reply = await compose(results, audience(), now=NOW)
    assert list(reply.cards) == cards


async def test_a_rule_fact_stands_in_where_the_result_has_none():
    locked = Result(capability="fx_buy", outcome="code_locked")
    reply = await compose([locked], audience(), now=NOW)
    span = next(span for span in reply.evidence if span.name == "hotline")
    assert reply.text[span.start : span.end] == "400-820-9966"
    assert span.source == "rule"


async def test_a_results_own_fact_goes_before_a_rule_of_the_same_name():
    own = Fact.of("hotline", "400-000-0000", source="service", as_of=NOW, kind="digits")
    reply = await compose([Result(capability="fx_buy", outcome="code_locked", facts=(own,))], audience(), now=NOW)
    assert "400-000-0000" in reply.text
    assert "400-820-9966" not in reply.text


async def test_a_template_that_needs_a_rule_nobody_gave_is_an_error_and_not_a_hole():
    with pytest.raises(MissingFact, match="hotline"):
        await compose([Result(capability="fx_buy", outcome="code_locked")], audience(), now=NOW, rules={})


async def test_an_older_customer_is_written_for_simply():
    young = await compose([bill()], audience(age=30), now=NOW)
    old = await compose([bill()], audience(age=75), now=NOW)
    assert young.text != old.text


async def test_a_reply_survives_json():
    reply = await compose([bill(days_left=Count(0, "day"))], audience(), now=NOW)
    assert Reply.model_validate_json(reply.model_dump_json()) == reply
    assert all(span.as_of.tzinfo == dt.UTC or span.as_of.utcoffset() == dt.timedelta(0) for span in reply.evidence)


def test_every_template_says_its_placeholders_in_the_same_alphabet_as_the_prompt():
    names = {name for file in library().values() for name in file.facts}
    assert all(PLACEHOLDER.fullmatch(f"⟦{name}⟧") and name.islower() for name in names)


def test_every_lying_mode_is_tested():
    assert set(MODES) == {"honest", *LYING}
