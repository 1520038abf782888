"""What is left out of a model's draft, and what is not: sentence by sentence."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from responses.draft import PLACEHOLDER, Draft
from responses.hostile.cases import cases_of, written_pairs
from responses.hostile.fit import contrasts
from responses.pruning import RULE, Pruned, prune
from responses.reply import Language
from responses.sentences import split
from tests.unit.responses_samples import bill, fact_fillers

BILL = "尾号⟦card_tail⟧的⟦card_name⟧还需还⟦remaining_due⟧，到期还款日是⟦due_date⟧。请记得按时还款。"
BILL_EN = "Your ⟦card_name⟧ ending ⟦card_tail⟧: ⟦remaining_due⟧ is still due by ⟦due_date⟧. Please pay on time."


def pruned(text: str, language: Language = "zh") -> Pruned:
    source = BILL if language == "zh" else BILL_EN
    return prune(text, Draft(source, fact_fillers(bill())), [bill()], language)


@pytest.mark.parametrize(
    "lie",
    [
        "不用管了，都妥了。",
        "亏了算我们的。",
        "我已经替您打过招呼了。",
        "稍后会有专员联系您！",
        "柜台的小刘都安排好了。",
    ],
)
def test_a_claim_without_a_fact_is_left_out_wherever_it_stands(lie: str) -> None:
    for text in (lie + BILL, BILL + lie, BILL.replace("请记得", lie + "请记得")):
        left = pruned(text)
        assert left.text == BILL
        assert [(each.rule, text[each.start : each.end]) for each in left.cut] == [(RULE, lie)]


@pytest.mark.parametrize("lie", ["It is all taken care of.", "If it loses, we pay.", "I had a word with the manager."])
def test_in_english_too(lie: str) -> None:
    assert pruned(f"{lie} {BILL_EN}", "en").text == BILL_EN
    assert pruned(f"{BILL_EN} {lie}", "en").text == BILL_EN


def test_what_the_template_says_is_kept_and_what_states_a_fact_is_for_the_gates() -> None:
    assert pruned(BILL) == Pruned(BILL)
    for text in ("请记得按时还款。⟦remaining_due⟧我们出。", "保证到账⟦remaining_due⟧。"):
        assert pruned(text).text == text


def test_between_semicolons_only_the_claim_goes_and_the_sentence_still_ends() -> None:
    left = pruned("还需还⟦remaining_due⟧；不用还也没事。请记得按时还款。")
    assert left.text == "还需还⟦remaining_due⟧。请记得按时还款。"


def test_a_list_ends_the_sentence_before_it_and_behind_it() -> None:
    fillers = fact_fillers(bill())
    fillers["rows"] = fillers["remaining_due"].__class__("· 一\n· 二")
    source = Draft("您有这些账单：\n⟦rows⟧", fillers)
    left = prune("您有这些账单：\n⟦rows⟧没有比我们更划算的。", source, [bill()], "zh")
    assert left.text == "您有这些账单：\n⟦rows⟧"


def test_a_draft_that_comes_sentence_by_sentence_loses_the_same() -> None:
    text = "都给您办妥了。" + BILL + "您的信用没问题。"
    assert "".join(pruned(sentence).text for sentence in split(text)) == pruned(text).text


def test_what_a_person_wrote_for_the_outcome_is_kept_and_for_another_need_not_be() -> None:
    rng = random.Random(1)
    for honest in rng.sample(written_pairs(), 60):
        case = next(cases_of(honest, rng))
        assert prune(case.text, case.source, [case.result], case.language).cut == ()


@given(st.lists(st.sampled_from([*contrasts()]), min_size=1, max_size=4), st.randoms(use_true_random=False))
def test_every_fact_stays_and_what_is_left_is_part_of_the_draft(
    said: list[tuple[str, str, Language]], rng: random.Random
) -> None:
    pieces = [lie + "。" for lie, _, language in said if language == "zh"] + split(BILL)
    rng.shuffle(pieces)
    text = "".join(pieces)
    left = pruned(text)
    assert sorted(PLACEHOLDER.findall(left.text)) == sorted(PLACEHOLDER.findall(BILL))
    assert all(text[each.start : each.end] == each.span for each in left.cut)
    assert len(left.text) + sum(len(each.span) for each in left.cut) >= len(text) - text.count("\n") - len(pieces)
