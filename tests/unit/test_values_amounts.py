"""Amounts and currencies as customers name them."""

from __future__ import annotations

from decimal import Decimal

import cn2an
import pytest
from hypothesis import given
from hypothesis import strategies as st

from backends.values import CURRENCIES, Amount, Money, read_amount, read_currency, same_value, write
from tests.unit.values_strategies import codes, money


@given(money, st.sampled_from(["zh", "en"]))
def test_an_amount_that_a_reply_writes_can_be_answered_in_the_same_words(amount: Money, language: str) -> None:
    read = read_amount(write(amount, language))
    assert read is not None
    assert same_value(read, amount)


@given(st.integers(1, 10**10))
def test_a_cheque_in_formal_numerals_is_read(cents: int) -> None:
    amount = Money(cents)
    assert read_amount(cn2an.an2cn(float(amount.number), "rmb")) == Amount(amount.number, "CNY")


@given(codes)
def test_every_currency_is_read_by_its_code_and_by_both_its_names(code: str) -> None:
    currency = CURRENCIES[code]
    for name in (code, code.lower(), currency.zh, currency.en, *currency.also, *currency.signs):
        assert read_currency(name) == code
        assert read_currency(f" {name} ") == code


@pytest.mark.parametrize(
    ("code", "names"),
    [
        ("USD", "美金 美刀 刀 美元 USD $ ＄ dollars bucks us$ 美圓"),
        ("EUR", "欧元 欧 € euro Euros"),
        ("JPY", "日元 日币 円 yen 日圆 JPY"),
        ("GBP", "英镑 镑 £ pounds quid 英鎊"),
        ("HKD", "港币 港元 港纸 HK$ 港幣 HKD"),
        ("CNY", "人民币 元 块 RMB CNY ¥ ￥ yuan 人民幣 圆"),
        ("AUD", "澳元 澳币 A$ AU$"),
        ("CAD", "加元 加币 加拿大元 C$"),
        ("CHF", "瑞郎 瑞士法郎 CHF"),
        ("SGD", "新加坡元 新币 坡币 S$"),
        ("NZD", "纽币 新西兰元 纽元 NZ$"),
        ("KRW", "韩元 韩币 won ₩"),
        ("THB", "泰铢 铢 baht 泰币"),
        ("RUB", "卢布"),
        ("TWD", "新台币 台币"),
    ],
)
def test_a_currency_has_many_names(code: str, names: str) -> None:
    assert {name: read_currency(name) for name in names.split()} == dict.fromkeys(names.split(), code)


@pytest.mark.parametrize("text", ["", "500美元", "外币", "钱", "元旦", "dollarama", "US", "bitcoin", "美元欧元"])
def test_what_names_no_currency_is_not_read_as_one(text: str) -> None:
    assert read_currency(text) is None


@pytest.mark.parametrize(
    ("text", "number", "code"),
    [
        ("500", "500", None), ("八千", "8000", None), ("1w", "10000", None), ("一", "1", None), ("-500", "-500", None),
        ("12万5", "125000", None), ("half a million", "500000", None), ("两千五", "2500", None),
        ("500刀", "500", "USD"), ("五百块", "500", "CNY"), ("五百块钱", "500", "CNY"), ("500元整", "500", "CNY"),
        ("500 USD", "500", "USD"), ("usd500", "500", "USD"), ("$500", "500", "USD"), ("500$", "500", "USD"),
        ("US$1,200.50", "1200.50", "USD"), ("美元500", "500", "USD"), ("美元 500", "500", "USD"), ("500块美金", "500", "USD"),
        ("1.2万元人民币", "12000", "CNY"), ("人民币1.2万元", "12000", "CNY"), ("￥１，２００", "1200", "CNY"),
        ("港币500元", "500", "HKD"), ("一万円", "10000", "JPY"), ("五十万日元", "500000", "JPY"), ("5k刀", "5000", "USD"),
        ("三块五", "3.5", "CNY"), ("3块5毛", "3.5", "CNY"), ("12元5角3分", "12.53", "CNY"), ("五毛", "0.5", "CNY"),
        ("八毛七", "0.87", "CNY"), ("壹万贰仟元整", "12000", "CNY"), ("两千五百三十六块八毛七", "2536.87", "CNY"),
        ("five hundred dollars", "500", "USD"), ("20 quid", "20", "GBP"), ("2.5 million yen", "2500000", "JPY"),
        ("EUR 1,000", "1000", "EUR"), ("一百欧", "100", "EUR"), ("大概五百左右", "500", None), ("about $20", "20", "USD"),
        ("three hundred and ten bucks", "310", "USD"), ("a thousand pounds", "1000", "GBP"),
    ],
)  # fmt: skip
def test_amounts_are_read_as_customers_type_them(text: str, number: str, code: str | None) -> None:
    assert read_amount(text) == Amount(Decimal(number), code)


@pytest.mark.parametrize(
    "text",
    ["", "全部", "3–5万", "五百多", "几百块", "100元/月", "500元和300元", "12期", "3.5%", "三天", "USD", "500美元欧元", "元", "一点", "尾号8888"],
)  # fmt: skip
def test_what_is_not_one_exact_amount_is_not_read(text: str) -> None:
    assert read_amount(text) is None


def test_decimals_beyond_the_currency_are_kept_for_the_bank_to_refuse() -> None:
    assert read_amount("0.001美元") == Amount(Decimal("0.001"), "USD")
