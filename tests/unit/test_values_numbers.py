"""Numbers as people write them."""

from __future__ import annotations

from decimal import Decimal

import cn2an
import pytest
from hypothesis import given
from hypothesis import strategies as st

from backends.values import read_number

DIGITS, FORMAL = "零一二三四五六七八九", "零壹贰叁肆伍陆柒捌玖"


def in_chinese(number: int, digits: str = DIGITS, units: str = "十百千") -> str:
    """*number* as Chinese writes it in full: 10_005 is 一万零五."""
    ten, hundred, thousand = units
    for unit, sign in ((10**8, "亿"), (10**4, "万"), (1000, thousand), (100, hundred), (10, ten)):
        if number >= unit:
            head, rest = divmod(number, unit)
            text = in_chinese(head, digits, units) + sign
            gap = digits[0] if 0 < rest < unit // 10 else ""
            return text + gap + (in_chinese(rest, digits, units) if rest else "")
    return digits[number]


def in_english(number: int) -> str:
    """*number*, below 10**12, in English words."""
    ones = "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen"
    ones += " seventeen eighteen nineteen"
    tens = "twenty thirty forty fifty sixty seventy eighty ninety"
    if number < 20:
        return ones.split()[number]
    if number < 100:
        return tens.split()[number // 10 - 2] + (f"-{in_english(number % 10)}" if number % 10 else "")
    if number < 1000:
        return f"{in_english(number // 100)} hundred" + (f" and {in_english(number % 100)}" if number % 100 else "")
    scale, word = next(
        pair for pair in ((10**9, "billion"), (10**6, "million"), (10**3, "thousand")) if number >= pair[0]
    )
    return f"{in_english(number // scale)} {word}" + (f" {in_english(number % scale)}" if number % scale else "")


@given(st.integers(0, 10**12))
def test_every_whole_number_written_in_chinese_is_read_back(number: int) -> None:
    assert read_number(in_chinese(number)) == number


@given(st.integers(0, 10**12))
def test_every_whole_number_in_formal_numerals_is_read_back(number: int) -> None:
    assert read_number(in_chinese(number, FORMAL, "拾佰仟")) == number


@given(st.integers(0, 10**12 - 1))
def test_every_whole_number_in_english_words_is_read_back(number: int) -> None:
    assert read_number(in_english(number)) == number
    assert read_number(in_english(number).title()) == number


@given(st.integers(0, 10**12), st.sampled_from(["low", "up"]))
def test_well_formed_numerals_are_read_as_cn2an_writes_them(number: int, mode: str) -> None:
    assert read_number(cn2an.an2cn(number, mode)) == number


@given(st.decimals(0, 10**8, places=2))
def test_digits_are_read_with_and_without_separators_in_any_width(number: Decimal) -> None:
    wide = str.maketrans("0123456789.,", "０１２３４５６７８９．，")
    for text in (f"{number}", f"{number:,}", f"{number:,}".translate(wide)):
        assert read_number(text) == number


@given(
    st.integers(1, 9999),
    st.sampled_from([("万", 10**4), ("亿", 10**8), ("百万", 10**6), ("千万", 10**7), ("万亿", 10**12)]),
)
def test_digits_before_a_chinese_unit_are_so_many_of_it(number: int, unit: tuple[str, int]) -> None:
    assert read_number(f"{number}{unit[0]}") == number * unit[1]
    assert read_number(f"{number / 100}{unit[0]}") == Decimal(str(number / 100)) * unit[1]


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("一万二千", "12000"), ("一点二万", "12000"), ("12万5", "125000"), ("1万2", "12000"), ("一万二", "12000"),
        ("两百五", "250"), ("三千六", "3600"), ("一万零五", "10005"), ("1万2000", "12000"), ("1万零5", "10005"),
        ("三个亿", "300000000"), ("2亿3000万", "230000000"), ("一亿二", "120000000"), ("百万", "1000000"),
        ("廿五", "25"), ("二零二六", "2026"), ("〇", "0"), ("兩萬", "20000"), ("壹佰貳拾叁", "123"), ("三点一四", "3.14"),
        ("1.5k", "1500"), ("3K", "3000"), ("5w", "50000"), ("2.5w", "25000"), ("1.2 million", "1200000"), ("3mn",
        "3000000"),
        ("half a million", "500000"), ("a hundred", "100"), ("two and a half million", "2500000"), ("a dozen", "12"),
        ("one point five", "1.5"), ("five grand", "5000"), ("-3.5", "-3.5"), ("负五", "-5"), ("minus twenty", "-20"),
        ("٣٤", "34"), ("1\u200b2", "12"), ("  500。", "500"),
    ],
)  # fmt: skip
def test_numbers_are_read_in_the_forms_people_use(text: str, number: str) -> None:
    assert read_number(text) == Decimal(number)


@pytest.mark.parametrize(
    "text",
    ["", "两三", "七八", "五百多", "几百", "十几", "三五百", "十十", "一亿一亿", "五百元", "3–5", "3.5%", "five six", "half",
     "一下", "万一", "12345678901234567890", "一" * 30, "abc", "1.2.3", "三点", "亿万万", "NaN", "1e5"],
)  # fmt: skip
def test_what_is_vague_or_no_number_is_not_read(text: str) -> None:
    assert read_number(text) is None


def test_a_number_never_becomes_a_float() -> None:
    assert read_number("0.1") == Decimal("0.1")
    assert isinstance(read_number("1.2万"), Decimal)
