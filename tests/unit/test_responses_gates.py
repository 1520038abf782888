"""The gates: what each rule refuses, and the honest words beside it that pass."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from backends.result import Fact
from backends.values import Count, Money
from responses.check import SAMPLE_TIME
from responses.draft import PLACEHOLDER, Draft, Filled, Span, fill
from responses.gates.figures import check_figures
from responses.gates.lexicon import Lexicon
from responses.reply import Language
from responses.verify import rules_version, verify
from responses.writer.plan import Plan
from responses.writer.rehearsal import refusals
from tests.unit.responses_samples import (
    BILL,
    BILL_EN,
    CURRENT,
    END,
    bill,
    fact_fillers,
    refused,
    refused_bill,
    result,
    source,
)


def test_the_base_of_these_tests_is_honest():
    assert refused(BILL, bill(), template=BILL) == set()
    assert refused(BILL_EN, bill(), "en", BILL_EN) == set()


# One line a case: the rule, words that break it, words beside them that do not.
SENTENCES: list[tuple[str, str, str]] = [
    ("number", "一共三千五百。", "一共就这些，一起还清也行。"),
    ("number", "还差１２３。", "还差的都写在上面了。"),
    ("number", "两张卡都要还。", "两边都能还，别着急。"),
    ("number", "①还款 ②分期", "可以还款，也可以分期。"),
    ("number", "还有半个月。", "多半来得及，等半天也没关系。"),
    ("number", "第二个办法是分期。", "第一时间告诉您。"),
    ("number", "十分钟就好。", "十分感谢您的耐心。"),
    ("number", "一个月内还清。", "还有一个办法，一张卡一笔账，看一下就清楚。"),
    ("number", "千万元以下都行。", "千万别忘了还款，万一忙忘了也可以问我。"),
    ("number", "壹万贰仟整。", "统一处理，逐一核对，一定办好。"),
    ("number", "翻了一倍。", "我会加倍细心。"),
    ("date", "明天之前还。", "按时还就行。"),
    ("date", "本月还清。", "这期还清就行。"),
    ("date", "周五前处理。", "服务很周到，放心。"),
    ("date", "T+1 到账。", "到账时间以银行通知为准。"),
    ("currency", "折成美元也行。", "外币账单也可以问我，单元楼里就有网点。"),
    ("currency", "一共三十刀。", "每一笔都列清楚了。"),
    ("unit", "利率是百分之几。", "利率以合同为准。"),
    ("name", "可到朝阳门支行还款。", "可到就近的支行还款。"),
    ("name", "推荐余额宝。", "我们银行的手机银行就能办。"),
    ("name", "王女士，记得按时还。", "各位女士先生都适用。"),
    ("leak", "以下是改写后的回复。", "以下是您的账单情况。"),
    ("leak", "作为一个语言模型，我不能这样说。", "作为您的助手，我帮您盯着。"),
    ("persona", "我是真人客服。", "我是您的 AI 助手。"),
    ("markup", "**请注意**", "请注意。"),
    ("markup", "<b>请注意</b>", "请注意～"),
    ("markup", "如下：\n# 账单", "账单就是这样。"),
    ("link", "详见 www.example.com", "详见手机银行。"),
    ("link", "发邮件到 a@b.cn", "在这里留言就行。"),
    ("cut", "另外，", "另外再说明，都在上面了。"),
    ("control", "好的\u202e吧。", "好的吧😊"),
    ("language", "Thank you so much for banking with us and please do pay on time, dear customer, as always and ever.", "用 App 就能还，OK 吗？"),
    ("language", "ありがとうございます。", "谢谢您。"),
    ("completion", "已为您办理分期。", "需要的话，我可以为您办理分期。"),
    ("completion", "还款成功，谢谢。", "还款成功后额度会恢复。"),
    ("completion", "已经帮您把还款日调整好了。", "如果想调整还款日，告诉我。"),
    ("completion", "卡已冻结。", "卡没有冻结。"),
    ("completion", "额度已提升。", "额度还没有提升，别着急。"),
    ("completion", "都给您搞定了。", "怎么办理都可以问我。"),
    ("completion", "账单已全部还清。", "还清之后就不用管它了。"),
    ("completion", "请放心已为您办理成功。", "请放心，这期按时还就行。"),
    ("completion", "千万别记混了日子～转账已到账。", "千万别记混了日子～按时还就行。"),
    ("completion", "不用申请就已为您提额。", "不用申请，还没有提额。"),
    ("completion", "别着急（转账已到账）。", "别着急（记得按时还）。"),
    ("completion", "不用担心已帮您冻结。", "不用担心，按时还就行。"),
    ("completion", "不仅已为您提升额度。", "还没有为您提升额度。"),
    ("completion", "已为您办理后续手续。", "办理后会有短信。"),
    ("completion", "可喜的是已为您开通。", "可以为您开通吗？"),
    ("completion", "转账办理好了。", "才能转账成功。"),
    ("polarity", "这期不用还。", "这期记得还。"),
    ("added_waiver", "利息给您减免。", "利息怎么算可以问我。"),
    ("added_present", "还款送您红包。", "还款方式有好几种。"),
    ("added_speed", "还款实时到账。", "还款后会有短信通知。"),
    ("added_certainty", "这次百分百没问题，绝对能过。", "有问题可以问我。"),
    ("added_increase", "我来提高额度。", "额度的事也可以问我。"),
    ("added_state_overdue", "您已经逾期了。", "按时还款，避免逾期。"),
    ("added_state_blocked", "您的交易涉嫌异常交易。", "您的交易记录可以随时查。"),
    ("added_open_days", "网点节假日也开门。", "网点可以帮您办。"),
    ("added_secret", "请把密码告诉我。", "别把密码告诉任何人。"),
    ("added_fee_free", "还款免费。", "还款渠道有好几种。"),
    ("guarantee", "我们承诺不收利息。", "为保证您的账户安全，请保管好卡片。"),
    ("guarantee", "我保证没事。", "我不能保证，但会尽力。"),
    ("principal", "这笔钱保本。", "理财产品不保本。"),
    ("promised_return", "买它稳赚不赔。", "没有稳赚不赔的产品。"),
    ("risk_free", "毫无风险。", "并非没有风险。"),
    ("risk_free", "零风险。", "您还没有风险测评。"),
    ("expected_return", "预期收益率不错。", "我们不使用预期收益率的说法。"),
    ("past_as_promise", "过去表现好，历史业绩以后也会保持。", "过往业绩不代表将来。"),
    ("managed_for_you", "我可以代客理财。", "我们不得代客理财。"),
    ("superlative", "我们的汇率是最优的。", "建议您最好尽快还。"),
]  # fmt: skip


@pytest.mark.parametrize(("rule", "lie", "honest"), SENTENCES, ids=[f"{case[0]}:{case[1][:8]}" for case in SENTENCES])
def test_a_sentence_that_breaks_a_rule_is_refused_and_its_honest_twin_passes(rule, lie, honest):
    assert rule in refused_bill(lie)
    assert refused_bill(honest) == set()


ENGLISH: list[tuple[str, str, str]] = [
    ("number", "That is three payments.", "That is one of your payments."),
    ("number", "Half of it can wait.", "On your behalf I will keep an eye on it."),
    ("number", "Use the second card.", "Just a second, here it is."),
    ("date", "Please pay tomorrow.", "Please pay in good time. You may also ask me about it."),
    ("date", "Pay in May.", "You may pay in the app."),
    ("currency", "Pay it in euros.", "Foreign currency is fine too."),
    ("currency", "That is a lot of yuan ⟦paid⟧ yuan.", "That is all."),
    ("unit", "The rate is some percent.", "The rate is in your contract."),
    ("name", "Mr Wang, take care.", "Dear customer, take care."),
    ("name", "HSBC can help.", "Another bank can help."),
    ("leak", "Here is the rewritten reply.", "Here is your bill."),
    ("completion", "Your limit has been raised.", "Your limit can be raised if you ask."),
    ("completion", "I have set up autopay for you.", "Would you like me to set up autopay?"),
    ("completion", "Your payment was successful.", "Once your payment is made, the limit is freed."),
    ("completion", "All done!", "Let me know when you are done."),
    ("completion", "Your card has been blocked.", "Your card has not been blocked."),
    ("completion", "I can confirm your transfer has been approved.", "Your transfer has not been approved yet."),
    ("completion", "No problem, your card was frozen.", "No problem, just ask."),
    ("completion", "There is no doubt it was processed.", "Nothing was processed."),
    ("added_waiver", "We will waive the interest.", "We cannot waive the interest."),
    ("added_present", "There is a bonus for you.", "There is more to see in the app."),
    ("guarantee", "We guarantee it.", "We cannot guarantee it."),
    ("risk_free", "It is risk-free.", "It is not risk-free."),
    ("superlative", "We have the best rates.", "Best wishes from all of us."),
    ("language", "请按时还款。", "Please pay in time."),
]


@pytest.mark.parametrize(("rule", "lie", "honest"), ENGLISH, ids=[f"{case[0]}:{case[1][:12]}" for case in ENGLISH])
def test_the_same_holds_in_english(rule, lie, honest):
    assert rule in refused(f"{BILL_EN} {lie}", bill(), "en", BILL_EN)
    assert refused(f"{BILL_EN} {honest}", bill(), "en", BILL_EN) == set()


CHANGES: list[tuple[str, str, str]] = [
    ("placeholder_missing", "⟦remaining_due⟧", ""),
    ("placeholder_missing", "⟦remaining_due⟧", "{remaining_due}"),
    ("placeholder_doubled", "⟦paid⟧", "⟦paid⟧也就是⟦paid⟧"),
    ("placeholder_unknown", "⟦paid⟧", "⟦paid⟧加⟦points⟧"),
    ("placeholder_unknown", "⟦paid⟧", "⟦Paid⟧"),
    ("placeholder_unknown", "⟦paid⟧", "⟦paid"),
    ("placeholder_unknown", "⟦due_date⟧", "⟦statement_date⟧"),
    ("approximation", "还需还⟦", "还需还大约⟦"),
    ("approximation", "还需还⟦", "还需还不足⟦"),
    ("approximation", "还需还⟦", "还需还-⟦"),
    ("approximation", "⟦remaining_due⟧", "⟦remaining_due⟧左右"),
    ("unit", "⟦remaining_due⟧", "⟦remaining_due⟧万"),
    ("unit", "⟦days_left⟧", "⟦days_left⟧天"),
    ("currency", "⟦remaining_due⟧", "⟦remaining_due⟧美元"),
    ("currency", "⟦remaining_due⟧", "¥⟦remaining_due⟧"),
    ("currency", "⟦remaining_due⟧", "⟦remaining_due⟧人民币"),
    ("label", "最低还款额⟦minimum_due⟧", "最低还款额⟦remaining_due⟧"),
    ("label", "已还⟦paid⟧，还需还⟦remaining_due⟧", "已还⟦remaining_due⟧，还需还⟦paid⟧"),
    ("polarity", "还需还⟦remaining_due⟧", "不用还⟦remaining_due⟧"),
]


@pytest.mark.parametrize(("rule", "words", "instead"), CHANGES, ids=[f"{case[0]}:{case[2]}" for case in CHANGES])
def test_a_change_to_a_placeholder_or_beside_it_is_refused(rule, words, instead):
    assert words in BILL
    assert rule in refused_bill(instead, words)


@pytest.mark.parametrize(
    ("words", "instead"),
    [
        ("还需还⟦remaining_due⟧", "还剩⟦remaining_due⟧没还"),
        ("还需还⟦remaining_due⟧", "还需还人民币⟦remaining_due⟧"),
        ("账单金额⟦statement_balance⟧", "一共要还⟦statement_balance⟧"),
        ("最低还款额⟦minimum_due⟧", "⟦minimum_due⟧是最低还款额"),
        ("还有⟦days_left⟧", "还有⟦days_left⟧时间，很宽裕"),
        ("已还⟦paid⟧", "您已还款⟦paid⟧"),
    ],
)
def test_other_words_for_the_same_thing_pass(words, instead):
    assert words in BILL
    assert refused_bill(instead, words) == set()


RATE = (
    "⟦currency⟧每⟦unit_amount⟧外币兑人民币：现汇买入价⟦spot_buy⟧，现汇卖出价⟦spot_sell⟧；现钞买入价⟦cash_buy⟧，现钞卖出价⟦cash_sell⟧。"
    "报价时间⟦quoted_at⟧。"
)


@pytest.mark.parametrize(
    ("words", "instead"),
    [
        ("买入价⟦spot_buy⟧，现汇卖出价⟦spot_sell⟧", "卖出价⟦spot_buy⟧，现汇买入价⟦spot_sell⟧"),
        ("现汇卖出价⟦spot_sell⟧", "现钞卖出价⟦spot_sell⟧"),
        ("兑人民币", "兑美元"),
    ],
)
def test_buying_and_selling_spot_and_cash_are_not_confused(words, instead):
    rate = result("fx_rate", "found")
    assert refused(RATE, rate, template=RATE) == set()
    assert refused(RATE.replace(words, instead), rate, template=RATE) & {"label", "currency"}


REFUSALS = [
    ("fx_buy", "insufficient_funds", "余额不够", "余额充足"),
    ("fx_buy", "over_quota", "超出年度便利化额度了", "没有超出年度便利化额度"),
    ("transfer_rules", "planned", "我现在还办不了", "我可以办理"),
]


@pytest.mark.parametrize(("capability", "outcome", "words", "instead"), REFUSALS)
def test_a_refusal_cannot_become_a_yes(capability, outcome, words, instead):
    of = result(capability, outcome)
    honest = source(of).text
    assert words in honest
    assert refused(honest, of) == set()
    assert "polarity" in refused(honest.replace(words, instead), of)


@pytest.mark.parametrize(
    ("capability", "outcome", "text"),
    [
        ("transfer_status", "no_match", "查不到⟦amount⟧的转账。"),
        ("transfer_status", "no_match", "I found no transfer of ⟦amount⟧."),
        ("fee_query", "unknown", "这一点我不确定，要不要我帮您转人工了解？"),
    ],
)
def test_words_that_hold_a_claim_s_letters_and_say_no_are_no_claim(capability, outcome, text):
    facts = tuple(PLACEHOLDER.findall(text))
    plan = Plan(capability, outcome, facts, lang="en" if "found" in text else "zh")
    assert refusals(text, plan) == ()
    for no, yes in (("查不到", "不到"), ("found no", "found a"), ("，要不要我帮您转人工了解？", "，我帮您转人工了。")):
        if no in text:
            assert refusals(text.replace(no, yes), plan) != ()


@pytest.mark.parametrize(
    ("capability", "outcome", "claim"),
    [
        ("card_report_lost", "done", "卡已为您冻结"),
        ("card_report_lost", "already", "卡已冻结"),
        ("fx_buy", "done", "购汇成功"),
        ("complaint", "registered", "投诉已登记"),
        ("human_agent", "queued", "已为您转接"),
        ("card_bill", "settled", "账单已还清"),
    ],
)
def test_what_was_done_may_be_said_of_it_and_of_nothing_else(capability, outcome, claim):
    of = result(capability, outcome)
    honest = source(of).text
    assert refused(f"{honest}{claim}。", of) == set()
    assert "completion" in refused(f"{honest}转账已到账。", of)
    assert "completion" in refused_bill(f"{claim}。")


def test_an_instruction_that_comes_back_is_refused():
    of = bill()
    instructions = "形如方括号的标记代表银行系统给出的内容，每个标记原样保留，出现的次数与草稿相同。"
    leaked = BILL.replace(END, "每个标记原样保留，出现的次数与底稿相同。")
    draft = Draft(BILL, source(of).fillers | fact_fillers(of))
    assert "leak" in {each.rule for each in verify(leaked, draft, [of], "zh", instructions=instructions)}
    assert verify(BILL, draft, [of], "zh", instructions=instructions) == ()


def test_facts_of_one_name_from_two_results_keep_their_order():
    one, two = bill(card_tail="1111"), result("card_limit", "found", card_tail="2222")
    fillers = {
        "card_tail": fact_fillers(one)["card_tail"],
        "card_tail_2": fact_fillers(two)["card_tail"],
    }
    draft = Draft("尾号⟦card_tail⟧的账单，和尾号⟦card_tail_2⟧的额度。", fillers)
    swapped = "尾号⟦card_tail_2⟧的账单，和尾号⟦card_tail⟧的额度。"
    assert verify(draft.text, draft, [one, two], "zh") == ()
    assert {each.rule for each in verify(swapped, draft, [one, two], "zh")} == {"placeholder_order"}


@pytest.mark.parametrize("text", ["", "   ", "。", "⟦card_tail⟧"])
def test_nothing_is_no_reply(text):
    assert "empty" in refused(text, bill())


def test_an_endless_reply_is_refused():
    assert "too_long" in refused_bill("还有什么需要，随时告诉我。" * 60)


def test_a_refusal_names_its_rule_and_shows_the_words():
    text = BILL.replace(END, "利息打八折。")
    draft = Draft(BILL, fact_fillers(bill()))
    for refusal in verify(text, draft, [bill()], "zh"):
        if refusal.rule == "number":
            assert text[refusal.start : refusal.end] == refusal.span == "八"
            return
    pytest.fail("no refusal for the number")


def test_a_deposit_may_be_called_safe_where_a_wealth_product_may_not():
    deposit = result("wealth_product", "found", product_type="deposit")
    wealth = result("wealth_product", "found", product_type="wealth")
    for of, rules in ((deposit, set()), (wealth, {"principal"})):
        assert refused(source(of).text + "本金有保障。", of) & {"principal"} == rules


def test_a_benchmark_without_its_basis_is_refused():
    of = result("wealth_product", "found", without=("benchmark_basis",))
    text = "“⟦product_name⟧”的业绩比较基准是⟦benchmark_low⟧至⟦benchmark_high⟧。"
    assert "benchmark_without_basis" in refused(text, of, template=text)
    bounded = text + "业绩比较基准不代表实际收益。"
    assert refused(bounded, of, template=bounded) == set()


def test_a_figure_that_no_fact_vouches_for_is_found_in_the_finished_text():
    filled = fill(source(bill()))
    assert check_figures(filled) == []
    spoiled = Filled(filled.text + "另收手续费88.00元。", filled.spans)
    assert [refusal.rule for refusal in check_figures(spoiled)] == ["figure_ungrounded"]


def test_a_fact_whose_figure_was_altered_in_the_text_is_found():
    filled = fill(source(bill(days_left=Count(3, "day"))))
    altered = Filled(filled.text.replace("3天", "8天", 1), filled.spans)
    assert "figure_changed" in {refusal.rule for refusal in check_figures(altered)}


@pytest.mark.parametrize(
    ("text", "one_number"),
    [
        ("⟦card_tail⟧⟦statement_balance⟧", True),
        ("⟦card_tail⟧,⟦statement_balance⟧", True),
        ("⟦card_tail⟧.⟦statement_balance⟧", True),
        ("⟦card_tail⟧，⟦statement_balance⟧", False),
        ("⟦card_tail⟧ ⟦statement_balance⟧", False),
        ("⟦statement_balance⟧⟦card_tail⟧", False),
    ],
)
def test_two_facts_that_read_as_one_number_are_refused_though_each_is_right(text: str, one_number: bool):
    glued = Draft(text, fact_fillers(bill()))
    assert [refusal.rule for refusal in check_figures(fill(glued))] == ["figure_changed"] * one_number


@pytest.mark.parametrize(
    ("text", "language", "one"),
    [
        ("The ⟦account_tail⟧⟦amount⟧", "en", True),
        ("The ⟦account_tail⟧ ⟦amount⟧", "en", False),
        ("尾号⟦account_tail⟧⟦currency⟧", "zh", True),
        ("尾号⟦account_tail⟧的⟦currency⟧", "zh", False),
    ],
)
def test_an_account_s_tail_becomes_neither_a_code_nor_a_sum(text: str, language: Language, one: bool):
    stated = {
        "account_tail": Fact.of("account_tail", "2468", source="x", as_of=SAMPLE_TIME, kind="digits"),
        "amount": Fact.of("amount", Money.of("500"), source="x", as_of=SAMPLE_TIME),
        "currency": Fact.of("currency", "USD", source="x", as_of=SAMPLE_TIME, kind="currency"),
    }
    spoken = {name: fact.spoken(language) for name, fact in stated.items()}
    fillers = {name: Filled(spoken[name], (Span(0, len(spoken[name]), fact),)) for name, fact in stated.items()}
    assert [each.rule for each in check_figures(fill(Draft(text, fillers)))] == ["figure_changed"] * one


def test_numbers_inside_names_and_addresses_are_no_figures():
    of = result("wealth_product", "found", without=CURRENT, product_name="稳健90天A款7-11号")
    assert refused(source(of).text, of) == set()


_INNOCENT = """
一下 一起 一些 统一 万一 第一时间 一定 一直 十分感谢 千万别急 一张卡 一笔账 完成 成功 存折 折合 部分 分期 网点 点击 两边 好的 您好 请 我 帮您 看 查
的 了 吗 呢 再 也 都 就 在 和 如果 方便 卡片 账单 手机银行 客服 服务 周到 元素 单元 板块
"""


@given(words=st.lists(st.sampled_from(_INNOCENT.split()), max_size=12))
@settings(max_examples=80, deadline=None)
def test_harmless_words_are_harmless_in_any_order(words):
    found = refused_bill(f"{'，'.join(words)}，请放心。")
    # In any order they are hardly a sentence; no rule about words may refuse them.
    assert found <= {"completion", "unlike"}, words


@given(digit=st.characters(categories=["Nd", "No", "Nl"]))
@settings(max_examples=100, deadline=None)
def test_no_digit_of_any_script_is_said_outside_a_placeholder(digit):
    assert refused_bill(f"还差{digit}。") - {"language"}


def test_the_longest_word_wins_and_words_of_latin_letters_stand_alone():
    lexicon = Lexicon({"bad": ["一", "tie"], "good": ["一下", "ties"]})
    assert [(hit.label, hit.start) for hit in lexicon.hits("一下一 necktie tie ties")] == [
        ("good", 0), ("bad", 2), ("bad", 12), ("good", 16),
    ]  # fmt: skip


def test_one_word_cannot_be_in_two_classes():
    with pytest.raises(ValueError, match="both"):
        Lexicon({"a": ["字"], "b": ["字"]})


def test_the_version_of_the_rules_is_a_content_hash():
    assert len(rules_version()) == 12
    assert rules_version() == rules_version()
