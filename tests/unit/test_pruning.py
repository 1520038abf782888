"""What is left out of a model's draft, and what is not: sentence by sentence."""

from __future__ import annotations

import random
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from responses.draft import PLACEHOLDER, Draft
from responses.freedom import Freedom
from responses.gates.bare import as_draft, bare
from responses.gates.familiar import is_familiar
from responses.hostile.cases import cases_of, written_pairs
from responses.hostile.fit import contrasts
from responses.pruning import RULE, Pruned, prune
from responses.reply import Language
from responses.sentences import split
from responses.vouching import Vouched
from responses.writer.pairs import pairs
from responses.writer.plan import Plan
from responses.writer.rehearsal import staged
from tests.unit.responses_samples import bill, fact_fillers

BILL = "尾号⟦card_tail⟧的⟦card_name⟧还需还⟦remaining_due⟧，到期还款日是⟦due_date⟧。请记得按时还款。"
BILL_EN = "Your ⟦card_name⟧ ending ⟦card_tail⟧: ⟦remaining_due⟧ is still due by ⟦due_date⟧. Please pay on time."


def pruned(text: str, language: Language = "zh", *, whole: bool = True, freedom: Freedom = "known") -> Pruned:
    source = BILL if language == "zh" else BILL_EN
    return prune(text, Draft(source, fact_fillers(bill())), [bill()], language, whole=whole, freedom=freedom)


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
    assert "".join(pruned(sentence, whole=False).text for sentence in split(text)) == pruned(text).text


@pytest.mark.parametrize(
    "strange", ["尾号⟦card_tail⟧的⟦card_name⟧税后还需还⟦remaining_due⟧，到期还款日是⟦due_date⟧。", "隔壁老王的⟦card_name⟧（尾号⟦card_tail⟧）还需还⟦remaining_due⟧，⟦due_date⟧到期。"]
)  # fmt: skip
def test_a_fact_in_words_that_nobody_put_side_by_side_is_said_by_the_template(strange: str) -> None:
    left = pruned(strange + "有空再还也行。请记得按时还款。")
    assert left.text == BILL
    assert [each.span for each in left.cut] == [strange, "有空再还也行。"]
    assert pruned(strange, freedom="free").text == strange


def test_only_the_facts_of_the_strange_sentence_are_said_again() -> None:
    source = "尾号⟦card_tail⟧还需还⟦remaining_due⟧。到期还款日是⟦due_date⟧。"
    text = "魔法卡片⟦card_tail⟧欠下⟦remaining_due⟧哟。⟦due_date⟧是到期还款日。"
    left = prune(text, Draft(source, fact_fillers(bill())), [bill()], "zh", freedom="known")
    assert left.text == "尾号⟦card_tail⟧还需还⟦remaining_due⟧。⟦due_date⟧是到期还款日。"


def test_what_the_template_says_without_a_fact_is_said_where_what_may_have_said_it_was_left_out() -> None:
    source = Draft("这笔还办不了。请您换个金额。", {})
    left = prune("这单可妥妥的没戏啦。", source, [bill()], "zh")
    assert left.text == "这笔还办不了。请您换个金额。"


def test_known_freedom_allows_one_new_pair_of_words_and_strict_freedom_no_new_sentence() -> None:
    source = Draft(BILL, fact_fillers(bill()))
    twice = BILL.replace("⟦due_date⟧。", "⟦due_date⟧啵。")
    assert not is_familiar(bare(twice).text, source, "zh")
    assert pruned(twice).text == pruned(twice, freedom="strict").text == BILL
    shorter = [
        BILL[:place] + BILL[place + 1 :] for place in (BILL.index("还需"), BILL.index("到期"), BILL.index("日是"))
    ]
    once = next(text for text in shorter if is_familiar(bare(text).text, source, "zh"))
    assert pruned(once).text == once
    assert pruned(once, freedom="strict").text == BILL


def test_what_may_not_be_said_is_said_in_the_nearest_words_of_who_wrote_of_the_same_facts() -> None:
    pair = next(pair for pair in pairs() if pair.given and pair.lang == "zh" and pair.outcome == "found")
    plan = Plan.of(pair)
    drafts, result = staged(plan)
    written = as_draft(pair.reply)
    strange = written.replace("⟧", "⟧呐呐", 1)
    assert prune(written, drafts[0], [result], "zh", freedom="strict") == Pruned(written)
    for freedom in ("known", "strict"):
        assert prune(strange, drafts[0], [result], "zh", freedom=freedom).text == written
    assert prune(strange, drafts[0], [result], "zh", freedom="free").text == strange


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


def test_strictly_nothing_is_said_that_nobody_said_of_the_same_facts_in_the_same_places() -> None:
    said = "尾号⟦card_tail⟧的⟦card_name⟧还需还⟦remaining_due⟧，到期还款日是⟦due_date⟧。"
    for text in (
        BILL.replace("⟦remaining_due⟧", "⟦x⟧").replace("⟦due_date⟧", "⟦remaining_due⟧").replace("⟦x⟧", "⟦due_date⟧"),
        said + "请记得按时还款哦。",
        "好的，" + BILL,
    ):
        assert pruned(text, freedom="strict").text == BILL, text
    assert pruned(said, freedom="strict") == Pruned(said)


def test_a_sentence_of_another_state_of_the_facts_is_not_said() -> None:
    overdue = next(
        pair for pair in pairs() if (pair.capability, pair.outcome, pair.lang) == ("card_bill", "found", "zh") and "overdue_days" in pair.given
    )  # fmt: skip
    of_it = next(each for each in split(as_draft(overdue.reply)) if "overdue_days" not in each)
    drafts, result = staged(
        replace(Plan.of(overdue), given=tuple(name for name in overdue.given if name != "overdue_days"))
    )
    assert of_it.strip() not in drafts[0].text
    left = prune(drafts[0].text + of_it, drafts[0], [result], "zh", freedom="strict")
    assert of_it.strip() not in left.text or any(
        of_it.strip() in as_draft(pair.reply) for pair in pairs() if (pair.capability, pair.outcome) == ("card_bill", "found") and "overdue_days" not in pair.given
    )  # fmt: skip


def test_a_list_stands_on_lines_of_its_own_where_several_people_s_sentences_are_put_together() -> None:
    runs = {("rows",): ["Here they are: ⟦rows⟧"], ("due_date",): ["Please pay by ⟦due_date⟧."]}
    told = Vouched([], runs, [], "en").told("⟦rows⟧ by ⟦due_date⟧")
    assert told == "Here they are: ⟦rows⟧\nPlease pay by ⟦due_date⟧."


def test_a_list_keeps_its_lines_when_what_stands_beside_it_is_exchanged() -> None:
    fillers = fact_fillers(bill())
    fillers["rows"] = fillers["remaining_due"].__class__("· 一\n· 二")
    source = Draft("您有这些账单：\n⟦rows⟧\n请记得按时还款。", fillers)
    left = prune("魔法账单哟： ⟦rows⟧请记得按时还款。", source, [bill()], "zh", freedom="strict")
    assert left.text == source.text
