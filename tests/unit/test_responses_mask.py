"""Masking: secrets never rest, personal data leaves only as tokens, and ordinary words stay as they are."""

from __future__ import annotations

import datetime as dt
import re

import pytest
from cryptography.fernet import Fernet
from hypothesis import example, given
from hypothesis import strategies as st

from responses.mask import HIDDEN, Vault, mask_personal, mask_secrets, mask_words, sweep

NOW = dt.datetime(2026, 11, 21, 2, 30, tzinfo=dt.UTC)
CARD = "6222021234567894"


@pytest.mark.parametrize(
    ("text", "secret"),
    [
        ("密码是123456", "123456"),
        ("我的取款密码：654321，帮我改一下", "654321"),
        ("密码就是 hunter2!", "hunter2!"),
        ("网银登录密码abc123", "abc123"),
        ("密码一二三四五六", "一二三四五六"),
        ("密 码 １２３４５６".replace(" ", "", 1), "１２３４５６"),
        ("验证码384756", "384756"),
        ("384756是验证码", "384756"),
        ("收到的验证码为 384756 对吗", "384756"),
        ("cvv 123", "123"),
        ("CVV2：987", "987"),
        ("安全码是456", "456"),
        ("my password is correcthorse", "correcthorse"),
        ("password: s3cret", "s3cret"),
        ("PIN 1234 please", "1234"),
        ("1234 is my pin", "1234"),
        ("the verification code is 778899", "778899"),
        ("密码\u200b是\u200b123456", "123456"),
    ],
)
def test_a_secret_is_hidden_before_it_is_stored(text, secret):
    masked = mask_secrets(text)
    assert secret not in masked.text
    assert HIDDEN in masked.text
    assert [text[found.start : found.end] for found in masked.found] == [secret]


@pytest.mark.parametrize(
    "text",
    [
        "密码忘了怎么办", "密码输错3次了", "密码6位吗", "尾号8888密码忘了", "验证码收不到", "换五百美金", "password reset please", "查一下10月账单",
        "尾号8888的账单", "pin码在哪改", "pinned message 2026", "转100000元给张三", "有效期到什么时候", "what is a cvv", "密码是什么", "三四五月的账单",
    ],
)  # fmt: skip
def test_talking_about_secrets_is_not_telling_them(text):
    assert mask_secrets(text).text == text


@pytest.mark.parametrize(
    "text", [f"卡号{CARD}", "卡号6222 0212 3456 7894丢了", "６２２２０２１２３４５６７８９４", "6222-0212-3456-7894"]
)
def test_of_a_card_number_only_the_last_four_rest(text):
    masked = mask_secrets(text)
    assert HIDDEN + "7894" in masked.text
    assert "622202" not in masked.text
    assert [found.kind for found in masked.found] == ["CARD"]


def test_a_card_number_read_out_in_chinese_is_a_card_number():
    spoken = CARD.translate(str.maketrans("0123456789", "零幺二三四五六七八九"))
    assert mask_secrets(f"卡号是{spoken}").text == f"卡号是{HIDDEN}7894"


def test_sixteen_digits_that_fail_the_luhn_check_are_not_a_card():
    assert mask_secrets("单号6222021234567895").text == "单号6222021234567895"


def test_the_expiry_date_beside_a_card_number_is_hidden_with_it():
    assert mask_secrets(f"{CARD} 有效期12/28").text == f"{HIDDEN}7894 有效期{HIDDEN}"
    assert mask_secrets("优惠券有效期12/28").text == "优惠券有效期12/28"


@pytest.mark.parametrize(
    ("text", "kind", "value"),
    [
        ("我的手机13800138000", "PHONE", "13800138000"),
        ("电话+86 138-0013-8000", "PHONE", "+86 138-0013-8000"),
        ("１３８００１３８０００", "PHONE", "１３８００１３８０００"),
        ("幺三八零零幺三八零零零", "PHONE", "幺三八零零幺三八零零零"),
        ("身份证11010519491231002X", "ID", "11010519491231002X"),
        ("11010519491231002x", "ID", "11010519491231002x"),
        (f"卡{CARD}", "CARD", CARD),
        ("护照E12345678", "PASSPORT", "E12345678"),
        ("邮箱Li.Lei+1@mail.example.cn", "EMAIL", "Li.Lei+1@mail.example.cn"),
        ("流水号20261121001", "NUMBER", "20261121001"),
        ("身份证110105194912310021", "NUMBER", "110105194912310021"),
    ],
)
def test_personal_data_leaves_only_as_a_token(text, kind, value):
    vault = Vault()
    masked = mask_personal(text, vault)
    assert value not in masked.text
    assert f"⟦{kind}_1⟧" in masked.text
    assert vault.restore(masked.text) == text


def test_a_secret_is_not_even_kept_in_the_vault():
    vault = Vault()
    masked = mask_personal("密码是123456，手机13800138000", vault)
    assert masked.text == f"密码是{HIDDEN}，手机⟦PHONE_1⟧"
    assert "123456" not in vault.values.values()


def test_one_value_has_one_token_through_the_conversation():
    vault = Vault()
    first = mask_personal("打13800138000", vault).text
    second = mask_personal("不是13900139000，是13800138000", vault).text
    assert first == "打⟦PHONE_1⟧"
    assert second == "不是⟦PHONE_2⟧，是⟦PHONE_1⟧"


def test_a_token_of_another_conversation_is_left_alone():
    assert Vault().restore("打⟦PHONE_1⟧") == "打⟦PHONE_1⟧"


def test_a_sealed_vault_opens_with_its_key_within_its_life_and_never_otherwise():
    key = Fernet.generate_key()
    vault = Vault()
    vault.token("PHONE", "13800138000")
    sealed = vault.seal(key, NOW)
    assert b"13800138000" not in sealed
    hour = dt.timedelta(hours=1)
    assert Vault.open(sealed, key, NOW + hour, life=2 * hour) == vault
    assert Vault.open(sealed, key, NOW + 3 * hour, life=2 * hour) == Vault()
    assert Vault.open(sealed, Fernet.generate_key(), NOW) == Vault()
    assert Vault.open(sealed[:-4] + b"AAAA", key, NOW) == Vault()


@pytest.mark.parametrize("text", ["换五百美金", "查10月账单", "尾号8888的额度", "3个月定期", "今天美元多少", "一二三"])
def test_ordinary_words_and_small_numbers_stay(text):
    assert mask_personal(text, Vault()).text == text


@given(st.text(alphabet="0123456789一二三幺 -@.密码是验证X１２❤abz\u200b", max_size=60))
def test_what_was_masked_can_be_restored_and_offsets_are_those_of_the_raw_text(text):
    vault = Vault()
    masked = mask_personal(text, vault)
    if not any(found.kind in ("SECRET", "EXPIRY") for found in masked.found):
        assert vault.restore(masked.text) == text
    assert [
        found for found in masked.found if found.kind == "NUMBER" and text[found.start : found.end].strip() == ""
    ] == []
    ends = [0, *(found.end for found in masked.found)]
    assert all(found.start >= end for found, end in zip(masked.found, ends, strict=False))


@pytest.mark.parametrize(
    "unit",
    ["1 ", "密码", "密码是", "a@", "a.", "一", "9", "9-", "有效期", "e1", "是我的密码", "password is ", "验证码,,"],
)
def test_hostile_text_is_read_in_linear_time(unit):
    text = unit * (20_000 // len(unit))
    assert mask_personal(text, Vault()) is not None
    assert mask_secrets(text) is not None
    assert mask_words(text[:4_000], Vault()) is not None


# -- what a customer said, as a model may hear it ------------------------------------------


@pytest.mark.parametrize(
    ("said", "heard"),
    [
        ("尾号4328的卡还有多少钱", "尾号⟦CARD_1⟧的卡还有多少钱"),
        ("卡••••••4328丢了", "卡••••••⟦CARD_1⟧丢了"),
        ("my card ending in 4328", "my card ending in ⟦CARD_1⟧"),
        ("转5000元给张三", "转⟦AMOUNT_1⟧给⟦NAME_1⟧"),
        ("给王小明转五百", "给⟦NAME_1⟧转⟦AMOUNT_1⟧"),
        ("欧阳女士的账单", "⟦NAME_1⟧女士的账单"),
        ("我叫陈思远，手机13912345678", "我叫⟦NAME_1⟧，手机⟦PHONE_1⟧"),
        ("Send 300 dollars to John Smith", "Send ⟦AMOUNT_1⟧ to ⟦NAME_1⟧"),
        ("密码是Kx92mq7", f"密码是{HIDDEN}"),
        ("第③笔½", "第⟦AMOUNT_1⟧⟦AMOUNT_2⟧"),
        ("⟦balance⟧是多少", "〔balance〕是多少"),
        ("帮我查余额，一下就好", "帮我查余额，一下就好"),
    ],
)
def test_words_are_heard_without_names_tails_and_figures(said, heard):
    assert mask_words(said, Vault()).text == heard


def test_what_is_known_is_hidden_however_it_is_spelt():
    vault = Vault()
    said = "我是Ｃｈｅｎ Siyuan本人，chen siyuan"
    assert mask_words(said, vault, {"NAME": ["Chen Siyuan"]}).text == "我是⟦NAME_1⟧本人，⟦NAME_2⟧"
    assert vault.restore("⟦NAME_1⟧") == "Ｃｈｅｎ Siyuan"


@given(st.text(alphabet="0123456789４③½一二三百万元 号尾是给王张转A.,-%•⟦⟧PHONE_", max_size=40))
@example("A½万6万x，T5½8")
def test_no_digit_of_what_was_said_is_heard_and_the_vault_gives_all_of_it_back(said):
    vault = Vault()
    heard = mask_words(said, vault).text
    outside = re.sub(r"⟦[A-Z]+_[0-9]+⟧", "", heard)
    assert not any(char.isdecimal() for char in outside)
    assert "⟦" not in outside
    assert "⟧" not in outside
    if HIDDEN not in heard:
        assert vault.restore(heard) == said.replace("⟦", "〔").replace("⟧", "〕")


def test_a_prompt_is_swept_of_what_the_vault_holds_and_of_numbers_that_it_does_not():
    vault = Vault()
    vault.token("NAME", "陈思远")
    vault.token("AMOUNT", "1")
    swept = sweep("陈思远说⟦AMOUNT_1⟧，1个，电话13912345678，⟦balance_1⟧", vault)
    assert swept == "⟦NAME_1⟧说⟦AMOUNT_1⟧，1个，电话⟦PHONE_1⟧，⟦balance_1⟧"
