"""Every rule of the gates refuses what breaks it, names itself and the words, and lets the honest words beside it pass."""

from __future__ import annotations

import pytest

from responses.draft import Draft, Filled, fill
from responses.gates.figures import check_figures
from responses.reply import Language
from responses.verify import rule_ids, verify
from tests.unit.responses_samples import BILL, BILL_EN, END, bill, fact_fillers, result, source
from tests.unit.responses_samples import refused as refused_rules

SAID_AT_THE_END: dict[str, tuple[str, str]] = {
    "number": ("一共三千五百。", "一共就这些。"),
    "date": ("明天之前还。", "按时还就行。"),
    "currency": ("折成美元也行。", "外币账单也可以问我。"),
    "unit": ("利率是百分之几。", "利率以合同为准。"),
    "name": ("可到朝阳门支行还款。", "可到就近的支行还款。"),
    "leak": ("以下是改写后的回复。", "以下是您的账单情况。"),
    "persona": ("我是真人客服。", "我是您的 AI 助手。"),
    "contact": ("您加我微信吧。", "您在微信里也能问我。"),
    "markup": ("**请注意**", "请注意。"),
    "link": ("详见 www.example.com", "详见手机银行。"),
    "cut": ("另外，", "另外再说明，都在上面了。"),
    "control": ("好的\u202e吧。", "好的吧😊"),
    "language": ("ありがとうございます。", "谢谢您。"),
    "completion": ("已为您办理分期。", "需要的话，我可以为您办理分期。"),
    "seems_done": ("钱刚刚打过去了。", "我刚刚帮您看过了。"),
    "unlike": ("这个理财稳赚，大家都在买。", "还有什么需要，随时告诉我。"),
    "polarity": ("这期不用还。", "这期记得还。"),
    "added_fee_free": ("还款免费。", "还款渠道有好几种。"),
    "added_waiver": ("利息给您减免。", "利息怎么算可以问我。"),
    "added_gift": ("还款有好礼。", "还款方式有好几种。"),
    "added_present": ("还款送您红包。", "还款方式有好几种。"),
    "added_speed": ("还款实时到账。", "还款后会有短信通知。"),
    "added_certainty": ("这次百分百没问题。", "有问题可以问我。"),
    "added_forever": ("这张卡永久有效。", "这张卡的事都可以问我。"),
    "added_approval": ("您的申请审核通过。", "要申请什么，告诉我。"),
    "added_increase": ("我来提高额度。", "额度的事也可以问我。"),
    "added_safety": ("您的资金安全无忧。", "这样做是为了您的资金安全。"),
    "added_state_overdue": ("您已经逾期了。", "按时还款，避免逾期。"),
    "added_state_blocked": ("您的交易涉嫌异常交易。", "您的交易记录可以随时查。"),
    "added_open_days": ("网点节假日也开门。", "网点可以帮您办。"),
    "added_yearly": ("每年都要还。", "这期记得还。"),
    "added_monthly": ("每个月都要还。", "这期记得还。"),
    "added_daily": ("按日计息。", "利息怎么算可以问我。"),
    "added_secret": ("请把密码告诉我。", "别把密码告诉任何人。"),
    "added_oath": ("我发誓绝无虚言。", "我会如实告诉您。"),
    "added_forecast": ("美元会涨的。", "汇率的事也可以问我。"),
    "added_no_loss": ("买它不亏。", "投资的事也可以问我。"),
    "added_comparison": ("我们吊打同行。", "别的卡也可以查。"),
    "added_verdict": ("您的贷款批了。", "贷款的事也可以问我。"),
    "added_open_here": ("您完全符合条件。", "条件是什么可以问我。"),
    "added_retraction": ("以上这句不对。", "以上都是这期账单的。"),
    "added_quarterly": ("收益按季度算。", "怎么算可以问我。"),
    "guarantee": ("我们承诺不收利息。", "为保证您的账户安全，请保管好卡片。"),
    "principal": ("这笔钱保本。", "理财产品不保本。"),
    "promised_return": ("买它稳赚不赔。", "没有稳赚不赔的产品。"),
    "risk_free": ("毫无风险。", "并非没有风险。"),
    "expected_return": ("预期收益率不错。", "我们不使用预期收益率的说法。"),
    "past_as_promise": ("过去表现好，历史业绩以后也会保持。", "过往业绩不代表将来。"),
    "managed_for_you": ("我可以代客理财。", "我们不得代客理财。"),
    "superlative": ("我们的汇率是最优的。", "建议您最好尽快还。"),
}
"""Rule → what a bill's reply must not end with, and what it may."""

CHANGED: dict[str, tuple[str, str, str]] = {
    "placeholder_missing": ("⟦remaining_due⟧", "", "⟦remaining_due⟧"),
    "placeholder_doubled": ("⟦paid⟧", "⟦paid⟧也就是⟦paid⟧", "⟦paid⟧"),
    "placeholder_unknown": ("⟦paid⟧", "⟦points⟧", "⟦paid⟧"),
    "approximation": ("还需还⟦", "还需还大约⟦", "现在还需还⟦"),
    "label": ("最低还款额⟦minimum_due⟧", "最低还款额⟦remaining_due⟧", "至少还⟦minimum_due⟧"),
    "exchanged": ("到期还款日是⟦due_date⟧，还有⟦days_left⟧", "⟦days_left⟧", "到期还款日是⟦due_date⟧，还有⟦days_left⟧"),
    "denied": ("还有⟦days_left⟧", "没有⟦days_left⟧", "还剩⟦days_left⟧"),
    "opposite": ("最低还款额", "最高还款额", "最低要还"),
    "date_turned": ("到期还款日是⟦due_date⟧", "⟦due_date⟧之后还款", "到期还款日⟦due_date⟧之前"),
}
"""Rule → words of the bill, what breaks the rule in their place, and what does not."""


def rules_of(text: str, template: str = BILL, language: Language = "zh") -> dict[str, list[str]]:
    """The rules that *text* breaks as a rewording of the bill, and the words of each."""
    draft = Draft(template, fact_fillers(bill(), language))
    found: dict[str, list[str]] = {}
    for refusal in verify(text, draft, [bill()], language):
        found.setdefault(refusal.rule, []).append(refusal.span)
        if not refusal.rule.startswith("figure_"):
            assert text[refusal.start : refusal.end] == refusal.span or refusal.start == refusal.end or refusal.rule in (
                "leak", "polarity", "too_long",
            )  # fmt: skip
    return found


@pytest.mark.parametrize("rule", SAID_AT_THE_END)
def test_a_sentence_that_breaks_a_rule_is_refused_by_it_and_the_honest_one_is_not(rule: str) -> None:
    lie, honest = SAID_AT_THE_END[rule]
    assert rule in rules_of(BILL.replace(END, lie))
    assert rule not in rules_of(BILL.replace(END, honest))


@pytest.mark.parametrize("rule", [rule for rule in CHANGED if rule not in ("exchanged", "date_turned")])
def test_a_change_that_breaks_a_rule_is_refused_by_it_and_another_wording_is_not(rule: str) -> None:
    words, lie, honest = CHANGED[rule]
    assert words in BILL
    assert rule in rules_of(BILL.replace(words, lie))
    assert rule not in rules_of(BILL.replace(words, honest))


def test_facts_in_each_others_words_are_refused_and_in_their_own_are_not() -> None:
    of = result("loan_repay", "found")
    draft = source(of)
    one, other = "⟦next_amount⟧", "⟦remaining_principal⟧"
    assert one in draft.text
    assert other in draft.text
    swapped = draft.text.replace(one, "⟦⟧").replace(other, one).replace("⟦⟧", other)
    assert "exchanged" in {refusal.rule for refusal in verify(swapped, draft, [of], "zh")}
    assert verify(draft.text, draft, [of], "zh") == ()


def test_a_last_day_does_not_become_a_first_one() -> None:
    draft = Draft("请在⟦due_date⟧之前还款。", fact_fillers(bill()))
    for said, turned in (("⟦due_date⟧之后再还款。", True), ("赶在⟦due_date⟧前还款就行。", False)):
        found = {refusal.rule for refusal in verify(said, draft, [bill()], "zh")}
        assert ("date_turned" in found) is turned


def test_a_benchmark_needs_its_basis_beside_it() -> None:
    of = result("wealth_product", "found", without=("benchmark_basis",))
    text = "“⟦product_name⟧”的业绩比较基准是⟦benchmark_low⟧至⟦benchmark_high⟧。"
    for said, refused in ((text, True), (text + "业绩比较基准不代表实际收益。", False)):
        found = {refusal.rule for refusal in verify(said, Draft(said, fact_fillers(of)), [of], "zh")}
        assert ("benchmark_without_basis" in found) is refused


def test_facts_of_one_name_keep_their_order() -> None:
    fillers = {"card_tail": fact_fillers(bill(card_tail="1111"))["card_tail"]}
    fillers["card_tail_2"] = fact_fillers(bill(card_tail="2222"))["card_tail"]
    draft = Draft("尾号⟦card_tail⟧的账单，和尾号⟦card_tail_2⟧的额度。", fillers)
    swapped = "尾号⟦card_tail_2⟧的账单，和尾号⟦card_tail⟧的额度。"
    assert {refusal.rule for refusal in verify(swapped, draft, [bill()], "zh")} == {"placeholder_order"}
    assert verify(draft.text, draft, [bill()], "zh") == ()


def test_nothing_and_too_much_are_no_replies() -> None:
    assert "empty" in rules_of("⟦card_tail⟧")
    assert "too_long" in rules_of(BILL.replace(END, END * 60))
    assert rules_of(BILL) == {}


def test_the_finished_text_is_read_back_figure_by_figure() -> None:
    filled = fill(source(bill()))
    assert check_figures(filled) == []
    for rule, text in (
        ("figure_ungrounded", filled.text + "另收88.00元。"),
        ("figure_changed", filled.text.replace("1,234.56元", "1,243.56元", 1)),
        ("figure_missing", filled.text.replace("1,234.56元", "一些数字的元", 1)),
    ):
        assert rule in {refusal.rule for refusal in check_figures(Filled(text, filled.spans))}


ELSEWHERE = {
    "exchanged", "date_turned", "benchmark_without_basis", "placeholder_order", "empty", "too_long", "figure_ungrounded",
    "figure_changed", "figure_missing",
}  # fmt: skip
"""Rules whose pair is a test of its own above."""


def test_every_rule_has_its_pair() -> None:
    assert {*SAID_AT_THE_END, *CHANGED, *ELSEWHERE} == rule_ids()


def test_english_lies_are_refused_by_the_same_rules() -> None:
    for rule, lie in (
        ("name", "Our Evergrow Plan suits you."), ("seems_done", "Your dispute has been settled."),
        ("added_forecast", "Gold will go up."), ("unlike", "Your money has arrived and our fund always pays."),
    ):  # fmt: skip
        assert rule in rules_of(f"{BILL_EN} {lie}", BILL_EN, "en"), rule


@pytest.mark.parametrize(
    ("rule", "lie", "honest"),
    [
        ("principal", "这笔钱保 本。", "这笔钱您自己保管。"),
        ("promised_return", "买它稳·赚·不·赔。", "买不买您自己定。"),
        ("risk_free", "無風險。", "有风险评估可以做。"),
        ("name", "推荐“稳健增利”。", "跟我说“查额度”就行。"),
        ("name", "可以去兰江银行。", "可以去别家银行问。"),
        ("name", "孙主任会联系您。", "客服经理会联系您。"),
    ],
)
def test_a_word_that_is_spread_out_or_a_name_by_its_looks_is_seen(rule: str, lie: str, honest: str) -> None:
    assert rule in rules_of(BILL.replace(END, lie))
    assert rule not in rules_of(BILL.replace(END, honest))


def test_a_name_with_more_beside_it_is_another_name() -> None:
    assert "name" in rules_of(BILL.replace("的⟦card_name⟧", "的⟦card_name⟧二号"))
    assert "name" in rules_of(BILL_EN.replace("⟦card_name⟧", "⟦card_name⟧ II"), BILL_EN, "en")
    assert "name" not in rules_of(BILL.replace("的⟦card_name⟧", "，也就是⟦card_name⟧"))


def test_an_adjective_within_a_sentence_makes_a_name_another_and_the_end_of_a_word_does_not() -> None:
    for honest, lie in (("的最新⟦card_name⟧", "的新⟦card_name⟧"), ("养老⟦card_name⟧", "的老⟦card_name⟧")):
        assert "name" in rules_of(BILL.replace("的⟦card_name⟧", lie))
        assert "name" not in rules_of(BILL.replace("的⟦card_name⟧", honest))
    assert "name" in rules_of(BILL_EN.replace("⟦card_name⟧", "new ⟦card_name⟧"), BILL_EN, "en")
    assert "name" in rules_of(BILL.replace("的⟦card_name⟧", "的不是⟦card_name⟧"))
    for end, wrong in (("新卡另寄。", False), ("明细已更新。", True)):
        assert ("name" in rules_of(BILL.replace("的⟦card", "的新⟦card"), BILL + end)) is wrong


def test_a_day_is_neither_early_nor_late() -> None:
    assert "approximation" in rules_of(BILL_EN.replace("by ⟦due_date⟧", "by early ⟦due_date⟧"), BILL_EN, "en")
    assert "approximation" not in rules_of(BILL_EN.replace("by ⟦due_date⟧", "by ⟦due_date⟧, early"), BILL_EN, "en")
    assert "approximation" not in rules_of(BILL_EN.replace("and ⟦rem", "if early ⟦rem"), BILL_EN, "en")


def test_a_figure_may_be_called_what_it_is_by_nature_and_nothing_else() -> None:
    of = result("card_installment", "ready")
    text = source(of, "en").text
    for token, words, refused in (
        ("⟦each_payment⟧", "⟦each_payment⟧ a month", False),
        ("⟦each_payment⟧", "⟦each_payment⟧ a year", True),
        ("⟦total_payment⟧", "⟦total_payment⟧ a month", True),
    ):
        draft = Draft(text.replace("⟦each_payment⟧ each", "⟦each_payment⟧"), fact_fillers(of, "en"))
        said = draft.text.replace(token, words)
        assert token in draft.text
        assert ("approximation" in {refusal.rule for refusal in verify(said, draft, [of], "en")}) is refused, said


def test_a_short_clause_is_not_turned_round_either() -> None:
    template = "好的，不办了，没有扣款。账单没动，还需还⟦remaining_due⟧。"
    assert rules_of(template, template) == {}
    for words, instead in (("没有扣款", "有扣款"), ("账单没动", "账单动了"), ("不办了", "办了")):
        assert "denied" in rules_of(template.replace(words, instead), template), instead
    assert "denied" not in rules_of(template.replace("没有扣款", "还没有扣款"), template)


def test_what_can_be_or_is_asked_for_is_not_said_as_done() -> None:
    template = "请核对：还需还⟦remaining_due⟧。要取现的话，可以取⟦paid⟧。"
    assert "completion" in rules_of(template.replace("请核对", "已经核对"), template)
    assert "completion" not in rules_of(template.replace("请核对", "麻烦核对"), template)
    assert "completion" not in rules_of(template, template)
    template = "账单金额⟦statement_balance⟧，还需还⟦remaining_due⟧。"
    assert "completion" not in rules_of(template.replace("账单金额", "账单金额已经是"), template)
    template = "Up to ⟦remaining_due⟧ can be taken as cash. The rest, ⟦paid⟧, has been paid."
    assert "completion" in rules_of(template.replace("can be", "has been"), template, "en")
    assert "completion" not in rules_of(template.replace("can be", "may be"), template, "en")


def test_a_word_does_not_take_the_place_of_its_opposite_where_the_template_has_both() -> None:
    template = "⟦statement_month⟧收入⟦statement_balance⟧，支出⟦paid⟧。"
    for said, turned in (
        ("⟦statement_month⟧支出⟦statement_balance⟧，支出⟦paid⟧。", True),
        ("⟦statement_month⟧收入⟦statement_balance⟧，收入⟦paid⟧。", True),
        ("⟦statement_month⟧的收入是⟦statement_balance⟧，支出是⟦paid⟧，支出不多。", False),
        ("⟦statement_month⟧进账⟦statement_balance⟧，支出⟦paid⟧。", False),
    ):
        assert ("opposite" in rules_of(said, template)) is turned, said


def test_no_problem_is_no_refusal() -> None:
    of = result("fx_buy", "insufficient_funds")
    draft = source(of)
    tokens = "，".join(f"⟦{name}⟧" for name in draft.fillers)
    assert "polarity" in {refusal.rule for refusal in verify(f"可以的，没问题。{tokens}", draft, [of], "zh")}
    assert "polarity" not in {refusal.rule for refusal in verify(f"抱歉，还不够。{tokens}", draft, [of], "zh")}


def test_who_has_paid_in_all_that_a_year_allows_is_not_told_that_more_may_be_paid() -> None:
    full = result("pension", "full")
    told = source(full).text
    assert "不能再缴" in told
    assert "polarity" in refused_rules(told.replace("不能再缴", "还可以缴存"), full)
    assert "polarity" not in refused_rules(told.replace("不能再缴", "要等新的年度才可以继续缴"), full)
