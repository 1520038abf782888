"""The tokenizer: what a token is, and where it stands in the raw text."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from intents.scorer import RELEASE
from intents.tokenizer import MAX_TOKENS, SPECIAL, load_tokenizer, train_tokenizer

RELEASED = load_tokenizer(RELEASE / "tokenizer.json")


def pieces(text: str) -> list[str]:
    return [text[start:end] for start, end in RELEASED.encode(text).offsets if start != end]


def test_every_han_character_and_every_digit_is_a_token_of_its_own() -> None:
    assert pieces("我想换500美金") == list("我想换500美金")


def test_english_words_are_words_or_pieces_of_them() -> None:
    tokens = RELEASED.encode("transfer to my account").tokens[1:-1]
    assert tokens[0] == "transfer"
    assert len(tokens) == 4


def test_offsets_point_into_the_raw_text_where_normalisation_changes_it() -> None:
    text = "换５００ＵＳＤ，ﬁne ①㎡"
    encoding = RELEASED.encode(text)
    found = dict(zip(encoding.tokens, (text[a:b] for a, b in encoding.offsets), strict=True))
    assert found["5"] == "５"
    assert found["fine"] == "ﬁne"
    assert found["1"] == "①"


def test_a_character_never_seen_becomes_bytes_at_its_own_place() -> None:
    text = "卡𠮷卡"
    encoding = RELEASED.encode(text)
    byte_tokens = [
        place for token, place in zip(encoding.tokens, encoding.offsets, strict=True) if token.startswith("<0x")
    ]
    assert byte_tokens == [(1, 2)] * 4


def test_special_tokens_have_fixed_numbers_and_are_not_read_from_text() -> None:
    assert [RELEASED.token_to_id(name) for name in SPECIAL] == list(range(len(SPECIAL)))
    assert RELEASED.get_vocab_size() <= 8192


def test_a_long_message_is_cut() -> None:
    assert len(RELEASED.encode("卡" * 1000).ids) == MAX_TOKENS


@given(st.text(max_size=80))
def test_offsets_are_ordered_and_lose_nothing_but_spaces(text: str) -> None:
    places = [place for place in RELEASED.encode(text).offsets if place[0] != place[1]]
    assert all(0 <= start < end <= len(text) for start, end in places)
    assert places == sorted(places)
    covered = {at for start, end in places for at in range(start, end)}
    missed = "".join(char for at, char in enumerate(text) if at not in covered)
    assert not re.search(r"[\u4e00-\u9fffA-Za-z0-9]", missed)


def test_a_trained_tokenizer_keeps_to_its_size_and_knows_frequent_words() -> None:
    tokenizer = train_tokenizer(["how to transfer money", "transfer 转账 多少钱"] * 20, size=400, characters=50)
    assert tokenizer.get_vocab_size() <= 400
    assert "transfer" in tokenizer.encode("Transfer").tokens
    assert tokenizer.encode("转账").tokens[1:-1] == ["转", "账"]


@pytest.mark.parametrize("text", ["", "   ", "\n\t"])
def test_blank_text_has_only_the_frame(text: str) -> None:
    assert RELEASED.encode(text).tokens == ["[CLS]", "[SEP]"]
