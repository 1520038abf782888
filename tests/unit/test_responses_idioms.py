"""What the gates let through for the sake of honest drafts, each beside the lie that looks like it."""

from __future__ import annotations

import pytest

from backends.values import Count, Money, Value
from responses.draft import PLACEHOLDER
from responses.reply import Language
from tests.unit.responses_samples import BILL, BILL_EN, bill, refused, refused_bill, result, source

# The rule, honest words that look as if they broke it, and the lie they resemble.
SENTENCES: list[tuple[str, str, str]] = [
    ("number", "每笔都在，一字不落。", "每笔都在，一万不落。"),
    ("number", "我帮您捋一捋。", "我帮您捋一亿。"),
    ("number", "有一部分可以先不看。", "有一成可以先不看。"),
    ("number", "您不用一个人着急。", "您不用急，一个账期后再说。"),
    ("number", "要不要换一期看看？", "您还剩一期。"),
    ("number", "先停一停也行。", "先停一年也行。"),
    ("number", "一起算，一目了然。", "一欧也不多。"),
    ("number", "咱们一块看看。", "利息一块。"),
    ("number", "一股脑都列出来了。", "一股也不少。"),
    ("number", "万望谅解，千万核对好。", "千万美元也行。"),
    ("number", "零头也可以。", "零元也可以。"),
    ("number", "祝您有美好的一天。", "一天内还。"),
    ("number", "一举两得。", "两张都得还。"),
    ("number", "二选一就好。", "二折就好。"),
    ("number", "多半来得及，一大早就能办。", "一大半都还了。"),
    ("number", "请把末尾四位发我。", "一共四位要还。"),
    ("number", "安全第一。", "第一期要还。"),
    ("number", "每一笔都核对过。", "每一单位都核对过。"),
    ("currency", "这部分钱别忘了。", "五分钱别忘了。"),
    ("unit", "这个点提醒您。", "降了几个点。"),
    ("date", "大半夜的还让您操心。", "半夜前还清。"),
    ("name", "可到任意支行咨询。", "可到安定门支行咨询。"),
    ("name", "系统会向您先生成提醒。", "请转告向先生。"),
    ("added_safety", "这样做是为了您的资金安全。", "您的资金安全无忧。"),
    ("added_state_blocked", "如发现异常交易请告诉我。", "您的卡有异常交易。"),
    ("added_state_blocked", "若发现异常交易请告诉我。", "我们发现您有异常交易。"),
    ("number", "这一期还要还的都在这儿。", "一期还清就行。"),
    ("added_secret", "有空请修改密码。", "把密码发给我。"),
    ("polarity", "等还清了就无需还。", "这期无需还。"),
]  # fmt: skip


@pytest.mark.parametrize(("rule", "honest", "lie"), SENTENCES, ids=[case[1] for case in SENTENCES])
def test_an_idiom_passes_and_the_lie_it_resembles_does_not(rule, honest, lie):
    assert refused_bill(honest) == set()
    assert rule in refused_bill(lie)


ENGLISH: list[tuple[str, str, str]] = [
    ("number", "It is worth a second look.", "It is worth a second payment."),
    ("number", "A thousand apologies.", "A thousand is left."),
    ("completion", "A slip, easily done.", "It was easily done."),
    ("completion", "Easier said than done.", "Consider it paid and done."),
    ("superlative", "Your patience is second to none.", "Our rates are second to none."),
    ("added_state_blocked", "Report anything suspicious.", "There is something suspicious."),
    ("added_state_blocked", "Tell me if anything looks suspicious.", "Your payment looks suspicious."),
    ("added_waiver", "We won’t waive the interest.", "We’ll waive the interest."),
]


@pytest.mark.parametrize(("rule", "honest", "lie"), ENGLISH, ids=[case[1] for case in ENGLISH])
def test_an_english_idiom_passes_and_the_lie_it_resembles_does_not(rule, honest, lie):
    assert refused(f"{BILL_EN} {honest}", bill(), "en", BILL_EN) == set()
    assert rule in refused(f"{BILL_EN} {lie}", bill(), "en", BILL_EN)


QUEUE = {"position": Count(3, "person"), "ahead": Count(2, "person"), "wait_minutes": Count(6, "minute")}
RISES = {"amount_usd": Money.of("9000", "USD"), "purchase_left": Money.of("3500", "USD")}
POOR = {"cost": Money.of("7000"), "balance": Money.of("880")}

# Capability, outcome, its values, what the template says, the honest words and the dishonest ones, and the rule.
BESIDE_FIGURES: list[tuple[str, str, dict[str, Value], str, str, str, str]] = [
    ("human_agent", "queued", QUEUE, "前面还有⟦ahead⟧。", "大约还有⟦ahead⟧，前面就是您。", "您排在第⟦ahead⟧。", "approximation"),
    ("human_agent", "queued", QUEUE, "要等⟦wait_minutes⟧。", "要等⟦wait_minutes⟧左右。", "要等不到⟦wait_minutes⟧。", "approximation"),
    ("human_agent", "queued", QUEUE, "要等⟦wait_minutes⟧。", "大概⟦wait_minutes⟧。", "要等⟦wait_minutes⟧小时。", "unit"),
    ("fx_quota", "found", {}, "购汇⟦purchase_left⟧。", "购汇⟦purchase_left⟧余额。", "购汇⟦purchase_left⟧余。", "approximation"),
    ("fx_buy", "over_quota", RISES, "⟦amount_usd⟧超出⟦purchase_left⟧了。", "⟦amount_usd⟧，已经超出⟦purchase_left⟧了。", "超出，您的额度超过⟦purchase_left⟧，不止⟦amount_usd⟧。", "approximation"),
    ("fx_buy", "over_quota", RISES, "⟦amount_usd⟧⟦purchase_left⟧不够", "要⟦amount_usd⟧，不够，请改成不超过⟦purchase_left⟧的金额。", "⟦purchase_left⟧不够，不超过⟦amount_usd⟧。", "approximation"),
    ("fx_buy", "over_quota", RISES, "⟦amount_usd⟧⟦purchase_left⟧不够", "不够：⟦amount_usd⟧，比剩下的⟦purchase_left⟧多了一些。", "不够：⟦purchase_left⟧，比要换的⟦amount_usd⟧多了一些。", "approximation"),
    ("fx_buy", "insufficient_funds", POOR, "⟦cost⟧⟦balance⟧", "余额不足⟦cost⟧，只有⟦balance⟧。", "余额超过⟦balance⟧，但不够⟦cost⟧。", "approximation"),
    ("fx_buy", "insufficient_funds", POOR, "⟦cost⟧⟦balance⟧", "⟦balance⟧，低于⟦cost⟧，办不了。", "⟦cost⟧，低于⟦balance⟧，办不了。", "approximation"),
    ("fx_buy", "over_quota", RISES, "⟦amount_usd⟧⟦purchase_left⟧不够", "⟦amount_usd⟧不够，改成⟦purchase_left⟧以下的金额。", "⟦amount_usd⟧不够，额度在⟦purchase_left⟧以下。", "approximation"),
    ("wealth_product", "found", {}, "起购⟦min_amount⟧", "起购⟦min_amount⟧以上。", "起购⟦min_amount⟧以下。", "approximation"),
    ("branch", "found", {}, "⟦hours_from⟧至⟦hours_to⟧", "营业⟦hours_from⟧-⟦hours_to⟧。", "营业⟦hours_from⟧，-⟦hours_to⟧。", "approximation"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("capability", "outcome", "facts", "template", "honest", "lie", "rule"),
    BESIDE_FIGURES,
    ids=[case[4] for case in BESIDE_FIGURES],
)
def test_words_beside_a_figure_may_compare_and_hedge_it_and_never_change_it(
    capability, outcome, facts, template, honest, lie, rule
):
    of = result(capability, outcome, **facts)
    # These templates have no words around their facts, so which of two stands where nothing tells.
    assert refused(honest, of, template=template) <= {"exchanged"}
    assert rule in refused(lie, of, template=template)


def test_a_comparison_that_arithmetic_denies_is_refused():
    rich = result("fx_buy", "insufficient_funds", cost=Money.of("700"), balance=Money.of("8800"))
    assert "approximation" in refused("余额不足⟦cost⟧，只有⟦balance⟧。", rich, template="⟦cost⟧⟦balance⟧")


def test_only_a_place_in_a_queue_is_counted_with_an_ordinal():
    of = result("human_agent", "queued")
    place = of.facts[0].model_copy(update={"name": "position"})
    of = of.model_copy(update={"facts": (*of.facts, place)})
    template = "⟦position⟧⟦ahead⟧"
    assert refused("您排在第⟦position⟧，前面还有⟦ahead⟧。", of, template=template) == set()
    assert refused("您前面有第⟦ahead⟧，是⟦position⟧。", of, template=template) == {"approximation"}
    assert "approximation" in refused_bill("还需还第⟦remaining_due⟧", "还需还⟦remaining_due⟧")


@pytest.mark.parametrize(
    ("words", "honest", "lie"),
    [
        ("已还⟦paid⟧", "其中⟦paid⟧已经入账", "已还⟦paid⟧，退款已经入账"),
        ("已还⟦paid⟧", "您已经还款了⟦paid⟧", "已还⟦paid⟧已经退款"),
    ],
)
def test_what_was_paid_may_be_called_posted_and_nothing_else(words, honest, lie):
    assert refused_bill(honest, words) == set()
    assert "completion" in refused_bill(lie, words)


def test_what_is_left_to_pay_is_never_called_posted():
    assert "completion" in refused_bill("还需还⟦remaining_due⟧已经入账", "还需还⟦remaining_due⟧")


SAYINGS: list[tuple[str, str, Language, dict[str, Value], str, str, str]] = [
    ("card_bill", "settled", "zh", {"remaining_due": Money(0)}, "都还清了，待还⟦remaining_due⟧。", "都还清了，欠款不少，⟦remaining_due⟧。", "polarity"),
    ("card_bill", "settled", "en", {"remaining_due": Money(0)}, "All settled: ⟦remaining_due⟧, so you owe nothing.", "All settled: ⟦remaining_due⟧, but you owe more.", "polarity"),
    ("card_report_lost", "status", "zh", {}, "卡已冻结，其他卡可以正常使用，⟦reference⟧。", "卡已冻结，这张卡可以正常使用，⟦reference⟧。", "polarity"),
    ("card_report_lost", "status", "zh", {}, "卡已冻结，⟦reference⟧。", "卡已冻结，钱一分没动，⟦reference⟧。", "polarity"),
    ("fx_buy", "over_quota", "zh", {}, "超出了，⟦purchase_left⟧，改成额度以内的金额吧。", "超出了，⟦purchase_left⟧，这笔在额度以内。", "polarity"),
    ("fx_buy", "over_quota", "zh", {}, "超出了，⟦purchase_left⟧，请控制在额度以内。", "超出别人了，⟦purchase_left⟧，不用调整就在额度以内。", "polarity"),
    ("fx_buy", "insufficient_funds", "zh", {}, "余额不够，⟦cost⟧，等余额足够时再来。", "余额不够别的，⟦cost⟧，按您的等级余额足够。", "polarity"),
    ("fx_buy", "insufficient_funds", "zh", {}, "余额不够，⟦cost⟧，等余额充足了再来。", "余额不够付别的，⟦cost⟧，这笔余额充足。", "polarity"),
    ("fx_buy", "channel", "zh", {}, "这里办不了，手机银行可以办理。", "别急，现在就可以办理。", "polarity"),
    ("fx_buy", "code_locked", "zh", {}, "这笔先锁住了，已锁定，请打⟦hotline⟧。", "您的卡已冻结，请打⟦hotline⟧。", "completion"),
    ("fx_buy", "changed", "en", {}, "The details differ, so I stopped there.", "The details differ, but I bought it.", "completion"),
    ("fx_buy", "cancelled", "zh", {}, "好的，不换了，钱一分没动。", "好的，不换了，钱一千没动。", "number"),
    ("wealth_recommend", "assessment_expired", "en", {}, "It was valid until ⟦valid_until⟧; please take it again.", "All is fine until ⟦valid_until⟧, just ask me.", "polarity"),
    ("transfer_rules", "planned", "en", {}, "That is one for my colleagues.", "A smaller one, with pleasure.", "polarity"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("capability", "outcome", "language", "facts", "honest", "lie", "rule"), SAYINGS, ids=[case[4] for case in SAYINGS]
)
def test_what_an_outcome_means_may_be_said_and_its_opposite_may_not(
    capability, outcome, language, facts, honest, lie, rule
):
    of = result(capability, outcome, **facts)
    words = source(of, language).text
    template = PLACEHOLDER.sub("", words) + "".join(f"⟦{name}⟧" for name in PLACEHOLDER.findall(honest))
    assert refused(honest, of, language, template) == set()
    assert rule in refused(lie, of, language, template)


def test_a_balance_that_is_not_zero_is_no_settled_bill():
    owing = result("card_bill", "settled", remaining_due=Money.of("100"))
    template = "已还清，⟦remaining_due⟧。"
    assert "polarity" in refused("已还清，待还⟦remaining_due⟧。", owing, template=template)


def test_the_customers_side_of_a_price_is_the_banks_other_side():
    rate = result("fx_rate", "found")
    template = "⟦spot_buy⟧⟦spot_sell⟧"
    assert refused("您买入按⟦spot_sell⟧，您卖出按⟦spot_buy⟧。", rate, template=template) == set()
    assert refused("您买入按⟦spot_buy⟧，您卖出按⟦spot_sell⟧。", rate, template=template) >= {"label"}


def test_what_a_figure_is_a_part_of_is_not_its_label():
    limit = result("card_limit", "found")
    template = "⟦available⟧⟦credit_limit⟧"
    said = "You have ⟦available⟧ of your credit limit; it is ⟦credit_limit⟧."
    assert refused(said, limit, "en", template) == set()
    assert "label" in refused("Your credit limit is ⟦available⟧; ⟦credit_limit⟧ is available.", limit, "en", template)


def test_the_base_of_the_bill_tests_is_honest():
    assert refused(BILL, bill(), template=BILL) == set()
