"""The reader of figures against an oracle that only writes: Chinese and English numerals made here from plain numbers.

``cn2an`` writes ordinary and formal numerals; it is asked where it is right and compared with the writer of this file, so
that neither is trusted alone.
"""

from __future__ import annotations

from decimal import Decimal

import cn2an
from hypothesis import given, settings
from hypothesis import strategies as st

from backends.values import Amount, Money, Percent, PercentPoints, Value, find_figures, same_value

DIGITS = "零一二三四五六七八九"
FORMAL = str.maketrans("一二三四五六七八九十百千", "壹贰叁肆伍陆柒捌玖拾佰仟")
SMALL = [
    "zero",
    "one",
    "two",
    "three",
    "four",
    "five",
    "six",
    "seven",
    "eight",
    "nine",
    "ten",
    "eleven",
    "twelve",
    "thirteen",
    "fourteen",
    "fifteen",
    "sixteen",
    "seventeen",
    "eighteen",
    "nineteen",
]
TENS = ["twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"]
WIDE = {ord(char): chr(ord(char) + 0xFEE0) for char in "0123456789.,%"}
numbers = st.one_of(
    st.integers(100, 9_999), st.integers(10_000, 999_999_999), st.sampled_from([10_001, 100_000, 20_300, 1_0000_0000])
)


def below_myriad(number: int) -> str:
    said, zero = "", False
    for unit, name in ((1000, "千"), (100, "百"), (10, "十"), (1, "")):
        digit, number = divmod(number, unit)
        if digit:
            said += ("零" if zero else "") + DIGITS[digit] + name
            zero = False
        elif said and number:
            zero = True
    return said


def chinese(number: int) -> str:
    """*number* below 10¹² as it is written in words, no 十 shortened."""
    said = ""
    for unit, name in ((10**8, "亿"), (10**4, "万"), (1, "")):
        part, number = divmod(number, unit)
        if part:
            said += ("零" if said and part < 1000 else "") + below_myriad(part) + name
    return said


def english(number: int) -> str:
    """*number* below 10¹² in English words."""
    for unit, name in ((10**9, "billion"), (10**6, "million"), (1000, "thousand"), (100, "hundred")):
        if number >= unit:
            rest = number % unit
            joint = " and " if unit == 100 or 0 < rest < 100 else " "
            return f"{english(number // unit)} {name}" + (joint + english(rest) if rest else "")
    if number < len(SMALL):
        return SMALL[number]
    return TENS[number // 10 - 2] + (f"-{SMALL[number % 10]}" if number % 10 else "")


def only_value(text: str) -> Value:
    """The value of the one figure of *text*."""
    (figure,) = find_figures(text)
    return figure.value


@given(numbers)
def test_numerals_written_here_are_what_another_writer_writes_and_what_is_read(number: int) -> None:
    said = chinese(number)
    assert cn2an.an2cn(number) == (said.removeprefix("一") if said.startswith("一十") else said)
    assert only_value(f"一共{said}元。") == Money.of(number)


@given(numbers)
def test_formal_numerals_say_the_same(number: int) -> None:
    said = chinese(number).translate(FORMAL)
    assert only_value(f"合计{said}元整") == Money.of(number)


@given(st.integers(1, 99_999_999), st.integers(1, 9))
def test_a_fraction_after_a_point_is_read_with_its_myriad(whole: int, tenth: int) -> None:
    assert only_value(f"约{chinese(whole)}点{DIGITS[tenth]}元") == Money.of(Decimal(f"{whole}.{tenth}"))
    if whole < 10_000:
        assert only_value(f"共{whole}.{tenth}万元") == Money.of(Decimal(f"{whole}.{tenth}") * 10_000)
        assert only_value(f"共{chinese(whole)}点{DIGITS[tenth]}万元") == Money.of(Decimal(f"{whole}.{tenth}") * 10_000)


@given(
    st.integers(1, 9), st.integers(1, 9), st.sampled_from([("万", 10_000), ("千", 1000), ("百", 100), ("亿", 10**8)])
)
def test_a_last_digit_is_a_tenth_of_the_unit_before_it(one: int, other: int, unit: tuple[str, int]) -> None:
    name, worth = unit
    assert only_value(f"{DIGITS[one]}{name}{DIGITS[other]}元") == Money.of(one * worth + other * worth // 10)


@given(numbers)
def test_english_words_and_grouped_digits_say_the_same(number: int) -> None:
    assert only_value(f"It is {english(number)} dollars.") == Money.of(number, "USD")
    assert only_value(f"It is USD {number:,}.00.") == Money.of(number, "USD")


@given(numbers, st.integers(0, 99))
def test_every_width_of_digits_is_one(number: int, cents: int) -> None:
    said = f"{number:,}.{cents:02}"
    assert only_value(f"共{said.translate(WIDE)}元") == Money.of(Decimal(f"{number}.{cents:02}"))


@given(st.integers(1, 99), st.integers(0, 99))
def test_shares_are_read_in_each_of_their_forms(whole: int, hundredths: int) -> None:
    exact = Decimal(f"{whole}.{hundredths:02}")
    assert same_value(only_value(f"年化{exact}%"), Percent(exact))
    assert same_value(only_value(f"年化{exact}％"), Percent(exact))
    assert same_value(only_value(f"上浮{whole}bp"), PercentPoints(Decimal(whole) / 100))
    assert same_value(only_value(f"上浮{exact}个百分点"), PercentPoints(exact))
    assert same_value(only_value(f"费率{whole}‰"), Percent(Decimal(whole) / 10))
    words = f"百分之{chinese(whole)}" + (f"点{DIGITS[hundredths // 10]}" if hundredths >= 10 else "")
    assert same_value(only_value(words), Percent(Decimal(f"{whole}.{hundredths // 10}")))


@given(st.integers(100, 99_999_999), st.data())
@settings(max_examples=60)
def test_another_numeral_is_another_value(number: int, data: st.DataObject) -> None:
    said = chinese(number)
    place = data.draw(st.sampled_from([place for place, char in enumerate(said) if char in DIGITS[1:]]))
    digit = data.draw(st.sampled_from([digit for digit in DIGITS[1:] if digit != said[place]]))
    (figure,) = find_figures(f"共{said[:place]}{digit}{said[place + 1 :]}元")
    assert figure.value != Money.of(number)
    assert not isinstance(figure.value, Amount)
