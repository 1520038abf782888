"""Streaming by a sentence gate: only verified sentences leave, none is taken back, and the whole is what left."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Sequence
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from backends.result import Fact, Result
from backends.values import Money, find_figures
from responses.check import SAMPLE_TIME
from responses.compose import compose
from responses.draft import PLACEHOLDER, Draft, Drafter, Filled, draft_result, required
from responses.gateway import Completion, Delta, Gateway, ModelFailure, Request, Upstream
from responses.library import wording
from responses.mask import Vault
from responses.persona import persona
from responses.prompting import Prompt, prompt_for
from responses.reply import Evidence, Reply
from responses.scripted import LYING, ScriptedModel
from responses.sentences import Incoming, split
from responses.streaming import Heard
from responses.telling import Mouth, tell
from responses.verify import verify
from tests.unit.responses_samples import audience, bill, result

HOTLINE = Fact.of("hotline", "400-820-9966", source="rule", as_of=SAMPLE_TIME, kind="digits")
HONORIFIC = Fact.of("honorific", "陈女士", source="account", as_of=SAMPLE_TIME, kind="name", sensitivity="personal")
LIE = "另外送您八百元红包。"
DRAFT = (
    "尾号⟦card_tail⟧的⟦card_name⟧，⟦statement_month⟧账单金额⟦statement_balance⟧，已还⟦paid⟧，还需还⟦remaining_due⟧。"
    "最低还款额⟦minimum_due⟧，到期还款日是⟦due_date⟧。"
)


class Ear:
    """A listener that keeps every piece it was given, and stops listening after *patience* of them."""

    def __init__(self, heard: Heard | None = None, patience: int = 99) -> None:
        self.heard = heard or Heard()
        self.pieces: list[str] = []
        self.patience = patience

    async def hear(self, text: str, evidence: tuple[Evidence, ...]) -> bool:
        if len(self.pieces) >= self.patience:
            return False
        self.pieces.append(text)
        self.heard = self.heard.and_then(text, evidence)
        return True


class Reciter:
    """A model that streams given texts, one a request, and breaks off where a text ends in ``✂``."""

    name = "reciter"

    def __init__(self, *texts: str, size: int = 3) -> None:
        self.texts = list(texts)
        self.size = size
        self.prompts: list[Prompt] = []

    async def complete(self, request: Request) -> Completion:
        raise AssertionError("it was to be streamed")

    async def stream(self, request: Request) -> AsyncGenerator[Delta | Completion]:
        self.prompts.append(request.prompt)
        text = self.texts.pop(0)
        said = text.removesuffix("✂")
        for start in range(0, len(said), self.size):
            yield Delta(said[start : start + self.size], self.name)
        if said != text:
            raise ModelFailure("cut or filtered")
        yield Completion(said, self.name)


def said(results: Sequence[Result], model: Any, ear: Ear, **to: Any) -> Reply:
    told = audience(**to)
    rules = {"hotline": HOTLINE}
    return asyncio.run(
        compose(
            results,
            told,
            now=SAMPLE_TIME,
            rules=rules,
            gateway=Gateway(model, deadline=30) if model else None,
            listener=ear,
            freedom="known",
        )
    )


def assert_true_to(reply: Reply, results: Sequence[Result]) -> None:
    """Every figure lies in the evidence, and what the evidence says is where it says."""
    facts = {
        (fact.name, fact.value): fact.spoken(reply.language)
        for each in results
        for fact in (*each.facts, *(fact for row in each.rows for fact in row), HOTLINE, HONORIFIC)
    }
    for span in reply.evidence:
        assert reply.text[span.start : span.end] == facts[span.name, span.value]
    for figure in find_figures(reply.text):
        assert any(span.start <= figure.start and figure.end <= span.end for span in reply.evidence), figure


def bill_now(**changes: Any) -> Result:
    return result("card_bill", "found", without=("overdue_days", "period", "instalment_amount"), **changes)


def test_sentences_are_heard_one_by_one_and_the_reply_is_what_was_heard():
    ear = Ear()
    reply = said([bill_now()], Reciter(DRAFT + "还有⟦days_left⟧，不着急。"), ear)
    assert reply.how.verdict == "passed"
    assert len(ear.pieces) == 3
    assert "".join(ear.pieces) == reply.text == ear.heard.text
    assert ear.heard.evidence == reply.evidence
    assert_true_to(reply, [bill_now()])


@pytest.mark.parametrize("mode", ["honest", *(mode for mode in LYING if mode != "stalled")])
@pytest.mark.parametrize("language", ["zh", "en"])
def test_whatever_a_model_streams_nothing_wrong_leaves_and_nothing_is_taken_back(mode, language):
    for told in (bill(), result("fx_buy", "over_quota"), result("card_report_lost", "done"), result("help", "plain")):
        for seed in range(2):
            ear = Ear()
            reply = said([told], ScriptedModel(mode, seed=seed), ear, language=language)
            assert reply.text == ear.heard.text or not ear.pieces
            assert_true_to(reply, [told])
            if mode == "honest":
                assert reply.how.verdict == "passed"


def test_a_lie_in_a_later_sentence_never_leaves_and_the_template_ends_the_reply():
    ear = Ear()
    model = Reciter(f"{split(DRAFT)[0]}{LIE}{split(DRAFT)[1]}")
    reply = said([bill_now()], model, ear)
    assert reply.how.verdict == "mended"
    assert "红包" not in "".join(ear.pieces)
    assert "".join(ear.pieces) == reply.text
    assert reply.text.count("还需还") == 1, "what was said is not said again"
    assert {span.name for span in reply.evidence} >= {"minimum_due", "due_date", "days_left"}
    assert_true_to(reply, [bill_now()])


def test_a_stream_that_breaks_off_is_ended_by_what_the_template_has_left():
    ear = Ear()
    reply = said([bill_now()], Reciter(DRAFT[:-12] + "✂"), ear)
    assert reply.how.verdict == "mended"
    names = [span.name for span in reply.evidence]
    assert sorted(names) == sorted(set(names)), "no fact comes twice"
    assert {"paid", "remaining_due", "minimum_due", "due_date"} <= set(names)


def test_a_reply_that_ends_too_soon_is_given_what_it_left_out():
    ear = Ear()
    reply = said([bill_now()], Reciter(DRAFT), ear)
    assert reply.how.verdict == "mended"
    assert {"minimum_due", "due_date", "days_left"} <= {span.name for span in reply.evidence}
    assert len(ear.pieces) == 2, "what was lacking came behind what had left"


def test_of_a_sentence_that_was_half_said_only_the_other_half_is_added():
    half = "尾号⟦card_tail⟧的⟦card_name⟧，⟦statement_month⟧账单金额⟦statement_balance⟧，已还⟦paid⟧。"
    reply = said([bill_now()], Reciter(half + LIE), Ear())
    names = [span.name for span in reply.evidence]
    assert sorted(names) == sorted(set(names)), reply.text
    assert {"remaining_due", "minimum_due", "due_date"} <= set(names)


def test_a_first_sentence_that_is_refused_is_asked_for_again_with_the_reason():
    ear = Ear()
    model = Reciter("最低还款额⟦remaining_due⟧。" + DRAFT, DRAFT + "还有⟦days_left⟧。")
    reply = said([bill_now()], model, ear)
    assert reply.how.verdict == "passed"
    assert reply.how.attempts == 2
    assert "“最低”" in model.prompts[1].messages[-1].content


def test_a_sentence_that_nobody_vouches_for_is_never_heard_and_the_rest_is() -> None:
    ear = Ear()
    model = Reciter(LIE + DRAFT + "我向您保证没事。还有⟦days_left⟧。")
    reply = said([bill_now()], model, ear)
    assert (reply.how.verdict, reply.how.attempts) == ("pruned", 1)
    assert {span.span for span in reply.how.refused} == {LIE, "我向您保证没事。"}
    assert "红包" not in "".join(ear.pieces)
    assert "保证" not in "".join(ear.pieces)
    assert "3天" in reply.text


def test_nothing_leaves_of_a_reply_whose_first_sentence_is_never_right():
    ear = Ear()
    reply = said([bill_now()], Reciter(LIE, LIE), ear)
    assert (ear.pieces, reply.how.verdict) == ([], "refused")
    assert reply.text == said([bill_now()], None, Ear()).text


def test_a_sentence_waits_while_the_denial_that_is_owed_has_not_come():
    told = result("fx_buy", "over_quota")
    first = "换⟦amount⟧要占用年度购汇额度⟦amount_usd⟧。"
    ear = Ear()
    reply = said([told], Reciter(first + "您还剩⟦purchase_left⟧，不够换这么多。"), ear)
    assert reply.how.verdict == "passed"
    assert len(ear.pieces) == 1
    assert ear.pieces[0].endswith("不够换这么多。")


def test_the_greeting_leaves_with_the_first_sentence_and_what_must_be_said_comes_last():
    told = result("wealth_product", "found").model_copy(update={"disclosures": ("wealth_risk",)})
    ear = Ear()
    reply = said([told], ScriptedModel("honest"), ear, honorific=HONORIFIC, greeted=False)
    assert ear.pieces[0].startswith("陈女士，下午好。")
    assert ear.pieces[-1].endswith("投资须谨慎。")
    assert "".join(ear.pieces) == reply.text


def test_a_reply_by_template_is_whole_at_once():
    ear = Ear()
    said([bill_now()], None, ear)
    said([result("fx_buy", "ready")], Reciter(), ear)
    assert ear.pieces == []


def test_when_nobody_listens_any_more_the_reply_is_finished_and_no_word_leaves():
    ear = Ear(patience=1)
    reply = said([bill_now()], Reciter(DRAFT + "还有⟦days_left⟧。"), ear)
    assert len(ear.pieces) == 1
    assert reply.text.startswith(ear.pieces[0])
    assert_true_to(reply, [bill_now()])


def begun(told: Result, **to: Any) -> Heard:
    """What was heard of a turn that broke off behind the first sentence."""
    ear = Ear(patience=1)
    said([told], Reciter(DRAFT + "还有⟦days_left⟧。"), ear, **to)
    return ear.heard


def test_a_turn_that_is_begun_again_goes_on_where_it_was_heard_to():
    before = begun(bill_now())
    ear = Ear(before)
    reply = said([bill_now()], Reciter("不该再问模型。"), ear)
    assert reply.text.startswith(before.text)
    assert reply.text == ear.heard.text
    names = [span.name for span in reply.evidence]
    assert sorted(names) == sorted(set(names))
    assert {"minimum_due", "due_date"} <= set(names)
    assert_true_to(reply, [bill_now()])


def test_a_turn_that_is_begun_again_over_other_facts_takes_nothing_back_and_says_all_anew():
    before = begun(bill_now())
    now = bill_now(remaining_due=Money.of("99.50"))
    ear = Ear(before)
    reply = said([now], None, ear)
    assert reply.text.startswith(f"{before.text}\n{persona().cut_off['zh']}")
    assert "99.50元" in reply.text
    assert reply.text == ear.heard.text


def test_a_turn_that_broke_off_behind_its_last_word_says_nothing_more():
    told = result("wealth_product", "found").model_copy(update={"disclosures": ("wealth_risk",)})
    first = Ear()
    whole = said([told], ScriptedModel("honest"), first)
    again = Ear(first.heard)
    assert said([told], None, again).text == whole.text
    assert again.pieces == [""] or again.pieces == []


TOLD = [
    bill_now(), result("card_limit", "found"), result("fx_buy", "done"), result("fx_quote", "found"), result("loan_status", "refused"),
    result("card_report_lost", "done"), result("account_balance", "no_account"), result("card_bill", "found_many"),
]  # fmt: skip


@settings(max_examples=25, deadline=None)
@given(st.sampled_from(TOLD), st.integers(0, 5), st.integers(1, 40), st.booleans(), st.integers(0, 3))
def test_wherever_a_model_lies_or_breaks_off_all_facts_are_told_and_no_lie_is(told, at, size, lies, variation):
    draft = draft_result(
        Drafter("zh"), wording(told.capability, told.outcome), told, {"hotline": HOTLINE}, audience(variation=variation)
    )
    sentences = split(draft.text)
    text = "".join([*sentences[:at], LIE, *sentences[at:]]) if lies else "".join(sentences[:at]) + "✂"
    ear = Ear()
    reply = said([told], Reciter(text, text, size=size), ear, variation=variation)
    assert "红包" not in reply.text
    assert reply.text == ear.heard.text or not ear.pieces
    assert_true_to(reply, [told])
    stated = {span.name for span in reply.evidence}
    for token in required(draft):
        assert token in stated or token == "rows"
    assert not PLACEHOLDER.search(reply.text)


@given(
    st.text(alphabet="好的。！？!.… \n”）abc⟦x⟧Ms", max_size=60), st.lists(st.integers(1, 9), min_size=1, max_size=9)
)
def test_sentences_out_of_pieces_are_those_of_the_whole_text(text, sizes):
    incoming, found, start = Incoming(), [], 0
    for size in sizes * (len(text) + 1):
        if start >= len(text):
            break
        found += incoming.take(text[start : start + size])
        start += size
    found.append(incoming.rest())
    assert "".join(found) == text == "".join(split(text))


def test_a_sentence_ends_where_a_reader_would_pause():
    assert split("您好。还需还12.5元！（请留意。）好") == ["您好。", "还需还12.5元！", "（请留意。）", "好"]
    assert split("Dear Ms. Chen, it is 3.5. Ask “me.” Bye") == ["Dear Ms. Chen, it is 3.5. ", "Ask “me.” ", "Bye"]
    assert split("共三笔：\n一\n二") == ["共三笔：\n", "一\n", "二"]


def test_the_draft_that_these_tests_recite_is_an_honest_one():
    draft = draft_result(Drafter("zh"), wording("card_bill", "found"), bill_now(), {}, audience())
    assert verify(DRAFT + "还有⟦days_left⟧。", draft, [bill_now()], "zh") == ()


@pytest.mark.parametrize("cut", ["", "✂"])
async def test_what_was_kept_from_a_model_outside_is_heard_again_once_the_gates_have_seen_its_token(cut: str):
    vault = Vault()
    vault.token("PHONE", "13700001111")
    token = vault.token("PHONE", "13912345678")
    model = Reciter(f"短信会发到{token}。请留意。{cut}")
    source = Draft("短信会发到您的手机。请留意。", {})
    ear, checked = Ear(), []

    def check(text: str) -> list[Any]:
        checked.append(text)
        return []

    prompt = prompt_for(source, audience()).again("发到13912345678", [])
    mouth = Mouth(ear, Filled(""), source, vault)
    told = await tell(prompt, Gateway(Upstream(model, on_premises=False), deadline=30), mouth, check)
    assert "13912345678" not in repr(model.prompts) + "".join(checked)
    assert token in repr(model.prompts)
    assert ear.heard.text.startswith("短信会发到13912345678。")
    assert (told.text, told.verdict) == (ear.heard.text, "mended" if cut else "passed")
