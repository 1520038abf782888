"""Personal data in what customers write: secrets removed before storage, the rest replaced by tokens for a model.

Kinds and rules follow JR/T 0171-2020: C3 (passwords, card verification values, one-time codes) never rests; C2
(identity, cards, phones) leaves only as tokens of a vault. Reading is over folded text (full-width, invisible and
spoken digits), offsets are those of the raw text. Every pattern is linear in the length of the text.
"""

from __future__ import annotations

import datetime as dt
import json
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from cryptography.fernet import Fernet, InvalidToken

from backends.values import find_figures
from backends.values.folding import fold
from responses.names import find_names

HIDDEN = "••••••"
"""What stands in a stored text where a secret was."""
VAULT_LIFE = dt.timedelta(hours=24)

_SPOKEN = str.maketrans("零一二三四五六七八九幺", "01234567891")
_SPOKEN_RUN = re.compile(r"[零一二三四五六七八九幺](?:[ -]?[零一二三四五六七八九幺0-9])+")
SPOKEN_LEAST = 4
"""Chinese digits in a row from which they are read out one by one: 三四五 may be a count, 幺三八零 is not."""

_SENSITIVE = (
    r"(?:(?:取款|取现|交易|支付|登录|登陆|查询|网银|手机银行|银行卡|信用卡|卡片|原|新|旧|初始)?密码|口令|安全码|验证码|校验码|动态码|动态口令|短信码|授权码"
    r"|卡背(?:面)?(?:后)?[三3]位(?:数字?)?|(?<![a-z])(?:pin(?: ?码| code| number)?|cvv ?2?|cvc ?2?|cvn ?2?|password|passcode|passwd|pwd"
    r"|(?:security|verification|one-time|sms) code|otp)(?![a-z]))"
)
_VALUE = r"[a-z0-9!@#$%^&*_+.-]{3,32}"
_STATED = r"(?:就是|是|为|叫|设成|设为|设置为|改成|改为|=|:| is| was)"
_AFTER_WORD = re.compile(
    rf"{_SENSITIVE}(?:[ ,，“\"'「]{{0,3}}{_STATED}[ “\"'「:]{{0,3}}(?P<stated>{_VALUE})"
    rf"|[ ,，“\"'「]{{0,3}}(?P<bare>(?=[a-z!@#$%^&*_+.-]{{0,31}}[0-9]){_VALUE}))"
)
_BEFORE_WORD = re.compile(
    rf"(?<![a-z0-9])(?P<value>(?=[a-z!@#$%^&*_+.-]{{0,31}}[0-9]){_VALUE})[ 、,，”\"']{{0,2}}(?:就是|是|为|is|was) ?"
    rf"(?:我的|我|你们发的|您发的|收到的|短信里的|my |the )?{_SENSITIVE}"
)
_EXPIRY = re.compile(
    r"(?:有效期|到期日|expir(?:y|es)|valid (?:thru|until))[ :是到至为]{0,4}(?P<value>[0-9]{2} ?[/-]? ?[0-9]{2,4})"
)
_CARD = re.compile(r"(?<![0-9])[0-9](?:[ -]?[0-9]){12,18}(?![0-9])")
_ID = re.compile(r"(?<![0-9a-z])[1-9][0-9]{16}[0-9x](?![0-9a-z])")
_MOBILE = re.compile(r"(?<![0-9])(?:(?:\+|00)?86[ -]?)?1[3-9][0-9](?:[ -]?[0-9]{4}){2}(?![0-9])")
_PASSPORT = re.compile(r"(?<![a-z0-9])(?:[egdsph][0-9]{8}|e[a-z][0-9]{7})(?![a-z0-9])")
_EMAIL = re.compile(r"(?<![a-z0-9._%+-])[a-z0-9._%+-]{1,64}@[a-z0-9-]{1,63}(?:\.[a-z0-9-]{1,63}){1,4}")
_DIGIT_RUN = re.compile(r"(?<![0-9])[0-9](?:[ -]?[0-9]){5,}")
_TOKEN = re.compile(r"⟦[A-Z]+_[0-9]+⟧")
_TAIL = re.compile(
    r"(?:•+|(?:尾号|末四位|后四位|最后四位|尾数|卡号|账号|ending(?: in| with)?|ends in|last (?:four|4)(?: digits)?)(?:数字|digits)?(?:是|为|:| is| are)? ?)"
    r"(?P<tail>[0-9]{3,19})"
)
_DIGITS = re.compile(r"[0-9]+(?:[.,][0-9]+)*")
_DIGIT = re.compile(r"[0-9]")
_MARK = re.compile(r"(⟦[^⟦⟧]*⟧)")
_LEAST_SWEPT = 2
"""Characters of a value that is looked for in a whole prompt: a single one would be found in the instructions."""
_BRACKETS = str.maketrans("⟦⟧", "〔〕")

_CARD_LEAST = 16
_ID_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
_ID_CHECKS = "10x98765432"


@dataclass(frozen=True, slots=True)
class Found:
    """``raw[start:end]`` (code points) is personal data of that *kind*: ``PASSWORD``, ``CARD``, ``ID``, ``PHONE`` …"""

    start: int
    end: int
    kind: str


@dataclass(frozen=True, slots=True)
class Masked:
    """The text without what was *found* in the raw text."""

    text: str
    found: tuple[Found, ...]


@dataclass
class Vault:
    """The tokens of one conversation and what they stand for. Kept in memory for a turn, sealed where it rests."""

    values: dict[str, str] = field(default_factory=dict)
    _tokens: dict[tuple[str, str], str] = field(init=False, repr=False, compare=False)
    _counts: Counter[str] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        kinds = {token: token[1:].rpartition("_")[0] for token in self.values}
        self._tokens = {(kinds[token], value): token for token, value in self.values.items()}
        self._counts = Counter(kinds.values())

    def token(self, kind: str, value: str) -> str:
        """The token of *value*: the one it already has, or the next of its kind."""
        token = self._tokens.get((kind, value))
        if token is None:
            self._counts[kind] += 1
            token = self._tokens[kind, value] = f"⟦{kind}_{self._counts[kind]}⟧"
            self.values[token] = value
        return token

    def restore(self, text: str) -> str:
        """*text* with every token of this vault replaced by what it stands for; foreign tokens stay."""
        return _TOKEN.sub(lambda match: self.values.get(match[0], match[0]), text)

    def seal(self, key: bytes, now: dt.datetime) -> bytes:
        """The vault encrypted and authenticated with *key* (Fernet), stamped with *now*."""
        return Fernet(key).encrypt_at_time(json.dumps(self.values).encode(), int(now.timestamp()))

    @classmethod
    def open(cls, sealed: bytes, key: bytes, now: dt.datetime, life: dt.timedelta = VAULT_LIFE) -> Vault:
        """The vault again; an empty one where it is older than *life*, forged, or sealed with another key."""
        try:
            held = Fernet(key).decrypt_at_time(sealed, int(life.total_seconds()), int(now.timestamp()))
        except InvalidToken:
            return cls()
        return cls(json.loads(held))


def mask_secrets(text: str) -> Masked:
    """*text* as it may be stored: passwords, verification values and codes hidden, of a card number its last four left."""
    read = _Read(text)
    found = list(read.without_overlap(read.secrets()))
    out, last = "", 0
    for each in found:
        tail = read.digits_of(each)[-4:] if each.kind == "CARD" else ""
        out += text[last : each.start] + HIDDEN + tail
        last = each.end
    return Masked(out + text[last:], tuple(found))


def mask_personal(text: str, vault: Vault) -> Masked:
    """*text* as it may leave for a model: secrets hidden for good, all else personal replaced by *vault*'s tokens."""
    read = _Read(text)
    return _without(text, list(read.without_overlap([*read.secrets(cards=False), *read.personal()])), vault)


def _without(text: str, found: list[Found], vault: Vault) -> Masked:
    out, last = "", 0
    for each in found:
        raw = text[each.start : each.end]
        out += text[last : each.start] + (HIDDEN if each.kind in _SECRET_KINDS else vault.token(each.kind, raw))
        last = each.end
    return Masked(out + text[last:], tuple(found))


def mask_words(text: str, vault: Vault, known: Mapping[str, Iterable[str]] | None = None) -> Masked:
    """A customer's words as they may leave for a model that is to hear how they were meant: besides what ``mask_personal``
    takes, every name, card tail and figure becomes a token of *vault*, and no digit is left.

    *known* are values by kind (``{"NAME": ["陈思远"]}``) that are hidden wherever they stand. Marks that are not ours lose
    their brackets.
    """
    text = text.translate(_BRACKETS)
    read = _Read(text)
    places = [
        *read.secrets(cards=False),
        *read.known(known or {}),
        *read.personal(),
        *read.tails(),
        *(Found(start, end, "NAME") for start, end in find_names(text)),
        *(Found(figure.start, figure.end, "AMOUNT") for figure in find_figures(text)),
        *read.digits(),
    ]
    return _without(text, list(read.without_overlap(places)), vault)


def sweep(text: str, vault: Vault) -> str:
    """*text* of a prompt as it may leave the house: nothing that ``mask_personal`` knows, and no value of *vault*."""
    parts = _MARK.split(text)
    values = sorted(vault.values.items(), key=lambda entry: -len(entry[1]))
    for place in range(0, len(parts), 2):
        for token, value in values:
            if len(value) >= _LEAST_SWEPT:
                parts[place] = parts[place].replace(value, token)
    return mask_personal("".join(parts), vault).text


_SECRET_KINDS = frozenset({"SECRET", "EXPIRY"})


class _Read:
    """A text as detection reads it: folded, and digits that are spelled out one by one as digits."""

    def __init__(self, raw: str) -> None:
        folded = fold(raw)
        self._starts, self._ends = folded.starts, folded.ends
        self.text = _SPOKEN_RUN.sub(_as_digits, folded.text)

    def secrets(self, *, cards: bool = True) -> Iterator[Found]:
        """C3 data; with *cards* the card numbers too, of which only the last four may rest."""
        for pattern in (_AFTER_WORD, _BEFORE_WORD):
            for match in pattern.finditer(self.text):
                name = next(name for name, value in match.groupdict().items() if value is not None)
                yield self._found("SECRET", match.start(name), match.end(name))
        numbers = list(self._cards())
        if numbers:
            for match in _EXPIRY.finditer(self.text):
                yield self._found("EXPIRY", match.start("value"), match.end("value"))
        if cards:
            yield from numbers

    def personal(self) -> Iterator[Found]:
        """C2 data, the surest reading first."""
        for match in _ID.finditer(self.text):
            if _id_checks(match[0]):
                yield self._found("ID", match.start(), match.end())
        yield from self._cards()
        for kind, pattern in (("PHONE", _MOBILE), ("EMAIL", _EMAIL), ("PASSPORT", _PASSPORT), ("NUMBER", _DIGIT_RUN)):
            for match in pattern.finditer(self.text):
                yield self._found(kind, match.start(), match.end())

    def known(self, values: Mapping[str, Iterable[str]]) -> Iterator[Found]:
        """Where one of *values* stands, however it is spelt."""
        for kind, each in values.items():
            for value in each:
                if folded := fold(value).text:
                    for match in re.finditer(re.escape(folded), self.text):
                        yield self._found(kind, match.start(), match.end())

    def tails(self) -> Iterator[Found]:
        """The last digits of a card or an account."""
        for match in _TAIL.finditer(self.text):
            yield self._found("CARD", match.start("tail"), match.end("tail"))

    def digits(self) -> Iterator[Found]:
        """Whatever digits there are: runs, and single ones where a run is taken in part."""
        for pattern in (_DIGITS, _DIGIT):
            for match in pattern.finditer(self.text):
                yield self._found("AMOUNT", match.start(), match.end())

    def without_overlap(self, found: list[Found] | Iterator[Found]) -> Iterator[Found]:
        """In the order of the text; where two overlap the one that was found first stays."""
        kept: list[Found] = []
        taken = bytearray(max(self._ends, default=0))
        for each in found:
            if not any(taken[each.start : each.end]):
                taken[each.start : each.end] = b"\1" * (each.end - each.start)
                kept.append(each)
        yield from sorted(kept, key=lambda each: each.start)

    def digits_of(self, each: Found) -> str:
        """The digits of a card number."""
        inside = (
            char
            for char, start in zip(self.text, self._starts, strict=True)
            if each.start <= start < each.end and char.isdigit()
        )
        return "".join(inside)

    def _cards(self) -> Iterator[Found]:
        for match in _CARD.finditer(self.text):
            digits = re.sub(r"[ -]", "", match[0])
            if len(digits) >= _CARD_LEAST and _luhn(digits):
                yield self._found("CARD", match.start(), match.end())

    def _found(self, kind: str, start: int, end: int) -> Found:
        return Found(self._starts[start], self._ends[end - 1], kind)


def _as_digits(match: re.Match[str]) -> str:
    spoken = match[0]
    return spoken.translate(_SPOKEN) if len(re.sub(r"[ -]", "", spoken)) >= SPOKEN_LEAST else spoken


def _luhn(digits: str) -> bool:
    total = 0
    for place, char in enumerate(reversed(digits)):
        value = int(char) * (1 + place % 2)
        total += value - 9 if value > 9 else value
    return total % 10 == 0


def _id_checks(number: str) -> bool:
    """The check character of GB 11643 (ISO 7064 mod 11-2)."""
    total = sum(int(digit) * weight for digit, weight in zip(number, _ID_WEIGHTS, strict=False))
    return _ID_CHECKS[total % 11] == number[17]
