"""Currencies: the codes, how a reply names them, and every way a customer does."""

from __future__ import annotations

import re
from dataclasses import dataclass

from backends.values.folding import fold, plain


@dataclass(frozen=True, slots=True)
class Currency:
    """``zh`` and ``en`` are what a reply says; ``also`` are other names, ``signs`` are written against a number."""

    code: str
    zh: str
    en: str
    also: tuple[str, ...] = ()
    signs: tuple[str, ...] = ()


def _currency(code: str, zh: str, en: str, also: str = "", signs: str = "") -> Currency:
    """Names and signs are set apart by spaces; an underscore is a space within a name."""
    return Currency(code, zh, en, tuple(word.replace("_", " ") for word in also.split()), tuple(signs.split()))


CURRENCIES: dict[str, Currency] = {
    currency.code: currency
    for currency in (
        _currency("CNY", "人民币", "renminbi", "元 块 块钱 元钱 圆 软妹币 华币 rmb cnh yuan chinese_yuan kuai", "¥ cn¥ cny¥ rmb¥"),
        _currency("USD", "美元", "US dollars", "美金 美刀 美钞 刀 美圆 us_dollar dollar dollars american_dollar "
            "american_dollars u.s._dollars u.s._dollar usd_dollars buck bucks", "$ us$ usd$"),
        _currency("EUR", "欧元", "euros", "欧 欧圆 欧币 euro", "€"),
        _currency("JPY", "日元", "Japanese yen", "日币 日圆 日本元 日本円 円 yen", "jp¥ jpy¥"),
        _currency("GBP", "英镑", "pounds sterling", "镑 英磅 英币 pound pounds british_pound british_pounds "
            "pound_sterling sterling quid", "£"),
        _currency("HKD", "港元", "Hong Kong dollars", "港币 港纸 港圆 港刀 港幣 hong_kong_dollar hk_dollar hk_dollars", "hk$ hkd$"),
        _currency("AUD", "澳元", "Australian dollars", "澳币 澳刀 澳大利亚元 澳洲元 澳洲币 澳圆 australian_dollar aussie_dollar "
            "aussie_dollars", "a$ au$ aud$"),
        _currency("CAD", "加元", "Canadian dollars", "加币 加刀 加拿大元 加拿大币 加圆 canadian_dollar", "c$ ca$ cad$"),
        _currency("CHF", "瑞士法郎", "Swiss francs", "瑞郎 瑞士币 swiss_franc franc francs"),
        _currency("SGD", "新加坡元", "Singapore dollars", "新元 新币 坡币 新加坡币 新加坡刀 singapore_dollar sing_dollar "
            "sing_dollars", "s$ sg$ sgd$"),
        _currency("NZD", "新西兰元", "New Zealand dollars", "纽币 纽元 纽西兰元 新西兰币 纽刀 new_zealand_dollar kiwi_dollar "
            "kiwi_dollars", "nz$ nzd$"),
        _currency("KRW", "韩元", "South Korean won", "韩币 韩圆 韩国元 韩国币 korean_won won", "₩"),
        _currency("THB", "泰铢", "Thai baht", "泰币 泰珠 铢 baht", "฿"),
        _currency("TWD", "新台币", "New Taiwan dollars", "台币 新台幣 台幣 台湾币 new_taiwan_dollar taiwan_dollar "
            "taiwan_dollars", "nt$ tw$"),
        _currency("MOP", "澳门元", "Macanese patacas", "澳门币 葡币 pataca patacas", "mop$"),
        _currency("RUB", "卢布", "Russian roubles", "俄罗斯卢布 rouble roubles ruble rubles russian_rubles", "₽"),
        _currency("INR", "印度卢比", "Indian rupees", "卢比 rupee rupees indian_rupee", "₹"),
        _currency("VND", "越南盾", "Vietnamese dong", "越盾 越南币 dong", "₫"),
        _currency("MYR", "林吉特", "Malaysian ringgit", "马币 马来西亚林吉特 马来西亚币 令吉 ringgit"),
        _currency("IDR", "印尼盾", "Indonesian rupiah", "印尼卢比 印尼币 rupiah"),
        _currency("PHP", "菲律宾比索", "Philippine pesos", "菲币 philippine_peso", "₱"),
        _currency("AED", "阿联酋迪拉姆", "UAE dirhams", "迪拉姆 dirham dirhams uae_dirham"),
        _currency("SAR", "沙特里亚尔", "Saudi riyals", "里亚尔 riyal riyals"),
        _currency("TRY", "土耳其里拉", "Turkish lira", "里拉 lira", "₺"),
        _currency("ZAR", "南非兰特", "South African rand", "兰特 rand"),
        _currency("SEK", "瑞典克朗", "Swedish kronor", "swedish_krona krona kronor"),
        _currency("NOK", "挪威克朗", "Norwegian kroner", "norwegian_krone"),
        _currency("DKK", "丹麦克朗", "Danish kroner", "danish_krone"),
        _currency("MXN", "墨西哥比索", "Mexican pesos", "mexican_peso"),
        _currency("BRL", "巴西雷亚尔", "Brazilian reais", "雷亚尔 巴西币"),
    )
}  # fmt: skip
"""The bank's twelve, the home currency, and those that customers ask for although the bank does not trade them."""

_NAMES: dict[str, str] = {}
for _one in CURRENCIES.values():
    for _name in (_one.code, _one.zh, _one.en, *_one.also, *_one.signs):
        _NAMES[fold(_name).text] = _one.code
_SIGNS = {fold(sign).text for currency in CURRENCIES.values() for sign in currency.signs}
_LATIN = {name for name in _NAMES if name[0].isascii() and name[0].isalpha()} - _SIGNS
_HAN = set(_NAMES) - _SIGNS - _LATIN
_GENERIC = ("元钱", "块钱", "元", "块", "圆")
# 元旦, 元月; 块状; 欧洲; 刀具; 铢: a unit glued to these is part of another word.
_NOT_AFTER = {
    "元": "旦月宝素件老首帅",
    "块": "状头垒",
    "欧": "洲盟",
    "刀": "具片客",
    "圆": "满形桌圈",
    "镑": "",
    "铢": "",
}


def _alternatives(names: set[str] | tuple[str, ...]) -> str:
    patterns = []
    for name in sorted(names, key=lambda name: (-len(name), name)):
        forbidden = _NOT_AFTER.get(name, "")
        patterns.append(re.escape(name) + (f"(?![{forbidden}])" if forbidden else ""))
    return "|".join(patterns)


GENERIC = re.compile(_alternatives(_GENERIC))
"""元 and 块: the home currency, unless a foreign currency was named before the number (港币500元)."""

NAMED = re.compile(_alternatives(_HAN - set(_GENERIC)))
"""A currency named in Chinese; whether before or after a number."""

_WORDLIKE = {"try", "mop", "rub"}
_CODES = {code.lower() for code in CURRENCIES} | {"rmb", "cnh"}

UNIT = re.compile(rf"(?:{_alternatives(_LATIN - _WORDLIKE)})(?![a-z])")
"""A code or an English name, after a number."""

CODE = re.compile(
    rf"(?:{_alternatives(_CODES - _WORDLIKE)})(?![a-z])"
    rf"|(?:{_alternatives(_WORDLIKE)})(?= -?[0-9,]+\.[0-9]{{2}})"
)
"""A code before a number; those that are English words too only as a reply writes them (TRY 500.00, not "try 3")."""

SIGN = re.compile(_alternatives(_SIGNS))
"""A currency sign, alone or with the letters of its country."""


def code_of(name: str) -> str:
    """The code of a name, code or sign in folded text; ``KeyError`` where it is none."""
    return _NAMES[name]


def read_currency(text: str) -> str | None:
    """The ISO 4217 code that the whole of *text* names (美金, 刀, USD, $, "US dollars"); ``None`` where it names none."""
    return _NAMES.get(re.sub(r" +", " ", plain(text)))


def currency_name(code: str, language: str) -> str:
    """How a reply in ``zh`` or ``en`` names a currency; ``ValueError`` for a code that is not listed."""
    currency = CURRENCIES.get(code)
    if currency is None:
        raise ValueError(f"no name is known for the currency {code!r}")
    return currency.zh if language == "zh" else currency.en
