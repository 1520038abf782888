"""A button sends words as if the customer had written them: the shipped model must take them for what the button says."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest

import bot
from backends.action import BankWrite
from backends.registry import ACTIONS
from bot.phrases import RESEND
from bot.tracking import UNSURE
from intents.capability import catalog, slot_types
from intents.serve import Understander
from intents.understanding import Context, Understanding
from responses.check import sample
from responses.draft import Drafter
from responses.library import library
from responses.reply import Language

WEB = Path(bot.__path__[0]) / "web"
TODAY = dt.date(2026, 11, 21)
PRODUCTS = ("wealth_product", "wealth_recommend")

MEANS: dict[str, str | tuple[str, ...]] = {
    "取消": "cancel", "Cancel": "cancel",
    "确认": "affirm", "Confirm": "affirm", "好的，办理": "affirm", "Yes, do it": "affirm",
    "各期限的存款利率都发我看看": "deposit_rate", "deposit interest rates please": "deposit_rate",
    "今天金价多少": "gold", "What's the gold price today?": "gold",
    "云杉积存金怎么样": ("wealth_product", "gold"), "tell me about Spruce Gold Accumulation": ("wealth_product", "gold"),
    "房贷还剩多少": "loan_repay", "how much left on my mortgage": "loan_repay", "还剩多少贷款没还": "loan_repay",
    "loan balance": "loan_repay", "贷款这个月还多少": "loan_repay", "When is my next loan payment": "loan_repay",
    "我的贷款审核到哪了": "loan_status", "any news on my loan application": "loan_status",
    "个人养老金能抵多少税": "pension", "How much tax does my individual pension save": "pension",
    "个人养老金账户里能买什么产品": "pension", "which products can I buy in my pension account": "pension",
    "我今年缴了多少个人养老金": "pension", "how much have I paid into my individual pension this year": "pension",
    "先不用": "deny", "Not now": "deny",
    "转人工": "human_agent", "Talk to a person": "human_agent",
    "你能做什么": "help", "What can you do?": "help",
    "怎么登录手机银行": "online_banking", "How do I log in to mobile banking?": "online_banking",
    "查余额": "account_balance", "我的账户余额": "account_balance",
    "Show my balance": "account_balance", "My account balance": "account_balance",
    "查一下账单": "card_bill", "查信用卡账单": "card_bill", "查上个月的账单": "card_bill", "查所有信用卡的账单": "card_bill",
    "本期账单多少": "card_bill", "Check my credit card bill": "card_bill", "Show all my credit card bills": "card_bill",
    "Show my credit card bill for last month": "card_bill",
    "查一下额度": "card_limit", "查所有信用卡的额度": "card_limit", "What is my credit card limit?": "card_limit",
    "最近的消费记录": "card_transactions", "My recent card transactions": "card_transactions",
    "查账户流水": "account_transactions", "Show my account transactions": "account_transactions",
    "转账到了没": "transfer_status", "where did my transfer go": "transfer_status",
    "帮我挂失": "card_report_lost", "Report my card lost": "card_report_lost",
    "我的新卡寄出来没有": "card_replace", "has my replacement been mailed": "card_replace",
    "怎么补办新卡": "card_replace", "How do I get a new card?": "card_replace",
    "我要购汇": "fx_buy", "怎么购汇": "fx_buy",
    "I want to buy foreign currency": "fx_buy", "How do I buy foreign currency?": "fx_buy",
    "我要结汇": "fx_sell", "I want to sell foreign currency": "fx_sell",
    "怎么结汇": "fx_sell", "How do I sell foreign currency?": "fx_sell",
    "境外汇款进度": "remit_status", "status of my wire transfer": "remit_status",
    "我要预约外币": "fx_cash", "I want to book foreign cash": "fx_cash",
    "取消外币预约": "fx_cash", "Cancel my foreign cash reservation": "fx_cash",
    "还能换多少外汇": "fx_quota", "How much quota do I have left?": "fx_quota", "How much FX quota do I have left?": "fx_quota",
    "查美元汇率": "fx_rate", "看看全部外汇牌价": "fx_rate", "US dollar rate": "fx_rate", "What are your exchange rates today?": "fx_rate",
    "上海有哪些网点": "branch", "你们的电话是多少": "branch", "Branches in Shanghai": "branch", "What is your phone number?": "branch",
    "你们有哪些理财产品": PRODUCTS,
    "有什么适合我的产品": "wealth_recommend", "What products would suit me?": "wealth_recommend",
    "怎么做风险测评": "risk_assessment", "How do I take the risk assessment?": "risk_assessment",
    "我的风险等级是多少": "risk_assessment", "What is my risk level?": "risk_assessment",
    "查持仓": "wealth_holdings", "看看我的持仓有哪些": "wealth_holdings",
    "Show my holdings": "wealth_holdings", "What am I holding?": "wealth_holdings",
    "怎么赎回": "wealth_redeem", "How do I redeem": "wealth_redeem",
    "我要还款": "card_repay", "Pay my credit card now": "card_repay", "还{owed}": "card_repay", "repay {owed}": "card_repay",
    "我要账单分期": "card_installment", "I want to split my bill into instalments": "card_installment",
    "帮我开通自动还款": "autopay", "关闭自动还款": "autopay", "Set up autopay": "autopay", "Switch off autopay": "autopay",
    "我要提额": "card_limit_change", "I want to raise my credit limit": "card_limit_change",
    "额度调到{offered_limit}": "card_limit_change", "raise my limit to {offered_limit}": "card_limit_change",
    "我要全部赎回{product_name}": "wealth_redeem", "I want to redeem all of {product_name}": "wealth_redeem",
}  # fmt: skip
"""What each button is for: the intent, or either of two."""
WRITES = {action.name for action in ACTIONS if isinstance(action, BankWrite)}
QUESTION = re.compile("怎么|没有$|^(how|has) ", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Pressed:
    """A button of one outcome; ``awaiting`` is the slot that the outcome asks for."""

    capability: str
    outcome: str
    language: Language
    payload: str
    awaiting: str | None

    def words(self) -> str:
        """What pressing it sends, with a sample in place of a fact."""
        facts = {name: sample(name, kind) for name, kind in library()[self.capability].facts.items()}
        return Drafter(self.language).line(self.payload, facts).text


def buttons() -> Iterator[Pressed]:
    """Every button of the templates but the choices, which the bot compares with what it offered."""
    for capability, file in library().items():
        for outcome, said in file.outcomes.items():
            awaiting = outcome.removeprefix("ask_") if outcome.startswith("ask_") else None
            slot = awaiting if awaiting in slot_types() else None
            for language in ("zh", "en") if said.quick_replies else ():
                for button in said.quick_replies[language]:
                    yield Pressed(capability, outcome, language, button.payload, slot)


ALL = tuple(buttons())
ANSWERS = tuple(
    each for each in ALL if each.awaiting and slot_types()[each.awaiting].type != "text" and each.payload not in MEANS
)
RESENT = tuple(each for each in ALL if each.outcome.partition("_")[0] == "code" or each.outcome == "ask_code")


@cache
def understander() -> Understander:
    return Understander()


def understood(pressed: Pressed, capability: str, *, awaiting: str | None = None) -> Understanding:
    context = Context(
        today=TODAY,
        language=pressed.language,
        awaiting=awaiting,
        capability=capability if capability in catalog() else None,
    )
    return understander().understand(pressed.words(), context)


def named(pressed: Pressed) -> str:
    return f"{pressed.capability}.{pressed.outcome}:{pressed.payload}"


@pytest.mark.parametrize("pressed", [each for each in ALL if each not in (*ANSWERS, *RESENT)], ids=named)
def test_a_button_is_understood_as_what_it_is_for(pressed: Pressed) -> None:
    assert pressed.payload in MEANS, "say in MEANS what this button is for"
    meant = MEANS[pressed.payload]
    for awaiting in {None, pressed.awaiting}:
        found = understood(pressed, pressed.capability, awaiting=awaiting).intents[0]
        assert found.name in (meant if isinstance(meant, tuple) else (meant,))
        assert found.confidence >= UNSURE, "it would be asked back"


@pytest.mark.parametrize(
    "pressed",
    [each for each in ALL if MEANS.get(each.payload) in WRITES and not QUESTION.search(each.payload)],
    ids=named,
)
def test_a_button_that_is_for_a_write_begins_it_and_does_not_ask_about_it(pressed: Pressed) -> None:
    assert understood(pressed, pressed.capability).act == "do"


@pytest.mark.parametrize("pressed", ANSWERS, ids=named)
def test_a_button_that_answers_a_question_fills_what_was_asked(pressed: Pressed) -> None:
    asking = [name for name, capability in catalog().items() if pressed.awaiting in capability.slots]
    own = [pressed.capability] if pressed.capability in asking else asking
    assert own
    for capability in own:
        read = understood(pressed, capability, awaiting=pressed.awaiting)
        assert read.top == capability
        assert [slot.slot for slot in read.slots if slot.normalized is not None] == [pressed.awaiting]


@pytest.mark.parametrize("pressed", RESENT, ids=named)
def test_while_a_code_is_awaited_a_button_sends_another_or_leaves(pressed: Pressed) -> None:
    leaves = MEANS.get(pressed.payload) in ("cancel", "human_agent")
    assert leaves or RESEND.search(pressed.words())


def test_every_kind_of_button_is_tested() -> None:
    assert len(ALL) > 150
    assert ANSWERS
    assert RESENT


PAGE: dict[str, str] = {
    "信用卡账单": "card_bill", "Check my card bill": "card_bill",
    "我的信用卡额度": "card_limit", "What's my credit limit?": "card_limit",
    "今天美元和欧元汇率": "fx_rate", "US dollar and euro rates today": "fx_rate",
    "今天美元汇率": "fx_rate", "US dollar rate today": "fx_rate",
    "换五百美金": "fx_buy", "换五百美元": "fx_buy", "Buy 500 US dollars": "fx_buy",
    "适合我的理财产品": "wealth_recommend", "What products would suit me?": "wealth_recommend",
    "信用卡丢了，我要挂失": "card_report_lost", "I lost my card, please block it": "card_report_lost",
    "卡丢了": "card_report_lost", "卡丢了怎么办": "card_report_lost", "I lost my card": "card_report_lost",
    "转人工": "human_agent", "Talk to a person": "human_agent",
}  # fmt: skip


def _page_says() -> list[str]:
    page = (WEB / "index.html").read_text("utf-8")
    lists = re.findall(r"suggestions: \[(.*?)\]", (WEB / "widget" / "words.js").read_text("utf-8"))
    suggested = [words for each in lists for words in re.findall(r'"([^"]*)"', each)]
    return sorted({*re.findall(r'data-ask(?:-en)?="([^"]*)"', page), *suggested})


@pytest.mark.parametrize("words", _page_says())
def test_what_the_page_offers_to_ask_is_understood_and_needs_no_asking_back(words: str) -> None:
    found = understander().understand(words, Context(today=TODAY)).intents[0]
    assert found.name == PAGE[words]
    assert found.confidence >= UNSURE
