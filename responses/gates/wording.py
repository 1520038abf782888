"""Gate 1 on the words of a draft: no figure, date, currency, unit or name outside a placeholder; text a bank would send."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from backends.result import Fact
from responses.draft import PLACEHOLDER, Draft
from responses.gates.bare import MARK, Bare, bare
from responses.gates.lexicon import Hit, Lexicon
from responses.gates.refusal import Refusal
from responses.reply import Language

WORDS_FILE = Path(__file__).with_name("words.yml")
HARMLESS = "harmless"
NUMERALS = "零一二两三四五六七八九十百千万亿兆廿卅卌幺壹贰叁肆伍陆柒捌玖拾佰仟俩仨半倍弌弍弎壱弐"

_BRANCH = re.compile(r"([\u4e00-\u9fff]{1,6})(?:支行|分行|分理处|营业部)")
_GENERIC_BEFORE = (
    *"的家个各到在去往找该此这那们近地何些有户卡关他下定应便我本贵或和及",
    *("任意", "上述", "以上", "周边", "身边", "全部", "其它", "联系", "查询", "咨询", "我行", "选择", "所属"),
)
"""What stands before 支行 where no particular one is meant: 我们支行, 就近支行, 开户支行."""
_SURNAMES = (
    "王李张刘陈杨黄赵吴周徐孙马朱胡郭何林高罗郑梁谢宋唐许韩冯邓曹彭曾肖田董潘袁蔡蒋余于杜叶程魏苏吕丁任卢姚沈钟姜崔谭陆"
    "范汪廖石金韦贾夏付方邹熊白孟秦邱侯江尹薛闫段雷龙黎史陶贺毛郝顾龚邵万覃武钱戴严莫孔向常汤康易乔赖文"
)
_TITLES = "经理|主任|行长|主管|总监|专员|顾问|老师|科长|处长|部长|组长|店长|工程师|师傅|大夫|律师|警官"
_PERSON = re.compile(
    rf"[{_SURNAMES}][\u4e00-\u9fff]{{0,2}}?(?:先生(?![成效])|女士|小姐|太太|阿姨|叔叔|{_TITLES})"
    rf"|(?<![大最较更变减缩从微])[小老阿][{_SURNAMES}](?=[会给来帮为马正已把负，。！])"
    r"|工号"
)
_GENERIC_PERSON = re.compile(
    r"(?:这位|那位|各位|尊敬的|亲爱的|哪位)(?:先生|女士|小姐)|(?:客户|大堂|理财|专属|支行|网点|值班|部门|您的)[\u4e00-\u9fff]{0,2}$"
)
_ENGLISH_PERSON = re.compile(
    r"\b(?:Mr|Mrs|Ms|Miss|Dr|Prof|Professor|Director|Manager|Officer|President|Doctor|Captain|Sir|Madam)\.?\s+[A-Z][a-z]+"
)
_BANK = re.compile(r"([\u4e00-\u9fff]{1,6})(?:银行(?!卡|业务|业|柜|账|的(?:事|名|人|规|系|服|工|账))|城商行|农商行)")
_GENERIC_BANK = (
    *"的家个本我贵该各别他她它要到在去给和或向用从由是找问让把查经其上些何及与跟以按被靠归",
    *(
        "手机",
        "网上",
        "电话",
        "个人",
        "商业",
        "人民",
        "中央",
        "私人",
        "发卡",
        "开户",
        "境外",
        "国外",
        "当地",
        "其他",
        "其它",
        "所有",
        "任何",
        "对方",
    ),
    *(
        "收款",
        "付款",
        "汇款",
        "往来",
        "代理",
        "中间",
        "转账",
        "收单",
        "所属",
        "云杉",
        "联系",
        "咨询",
        "通知",
        "告诉",
        "绑定",
        "哪家",
        "不同",
        "相关",
    ),
    *(
        "持卡",
        "线上",
        "微信",
        "外资",
        "中资",
        "国有",
        "股份制",
        "另外",
        "登录",
        "打开",
        "使用",
        "通过",
        "关注",
        "感谢",
        "选择",
        "信任",
        "支持",
        "回到",
    ),
)
"""What stands before 银行 where none is named."""
_CAPITALISED = re.compile(r"(?<![.!?:;\n\u201c\u201d\"(]) (?:the |an? )?([A-Z][a-z]+(?:'s)?)")
_FAMILIAR_CAPITALISED = frozenset(
    ["I", "Spruce", "Bank", "Beijing", "China", "Chinese", "English", "Mandarin", "Hello", "Hi", "Dear", "App", "Renminbi",
     "Internet", "Yes", "No", "Please", "Thanks", "Thank", "Sorry", "OK", "Ok", "Okay"]
)  # fmt: skip
_NAMING = re.compile(
    r"理财|基金|存单|保险|债|信托|黄金|财富|增利|稳健|成长|号$|[a-z]款$|宝$|盈$|利$|[a-z] fund|fund$|plan$|plus$|growth|income|wealth|bond"
)
"""What a name of a product ends or is made with; other words in quotation marks are buttons and menus."""
_QUOTED = re.compile(r"[“「『《\"]([^”」』》\"\n]{2,24})[”」』》\"]")
_MARKUP = re.compile(
    r"<[a-z/!?][^<>]*>?|&(?:[a-z]+|#\d+);|\*\*|__|`|^\s{0,3}#{1,6}\s|^\s*>\s|\]\(|\[\[|\]\]|\{|\}|\\n|\|[^|\n]*\||^\s*[*+]\s",
    re.MULTILINE,
)
_LINK = re.compile(
    r"https?:|ftp:|www\.|[a-z0-9-]+\.(?:com|cn|net|org|io|gov|edu|info|top|xyz)\b|[a-z0-9._-]+@[a-z0-9-]+|@[a-z0-9_]{2,}"
)
_OPEN_END = re.compile(r"[，、；：,;:（(「『“‘\-—]\s*$")
_CJK = re.compile(r"[\u3400-\u9fff\uf900-\ufaff]")
_OTHER_SCRIPT = re.compile(
    r"[\u3040-\u30ff\uac00-\ud7af\u0400-\u04ff\u0600-\u06ff\u0e00-\u0e7f\u0590-\u05ff\u0900-\u097f]"
)
_LATIN = re.compile(r"[a-z]+")
_FAMILIAR_LATIN = frozenset(
    ["ai", "app", "atm", "vip", "ok", "pos", "swift", "pin", "cvv", "etc", "nfc", "sms", "id", "ic", "u", "hi", "wifi"]
)
_INVISIBLE = frozenset("\u200b\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2060\u2066\u2067\u2068\u2069\ufeff")
_LETTERS = re.compile(r"[^\W\d_]")
HUMAN_RULES = frozenset({"date", "name", "contact"})
"""Classes of words that people too are warned of: they may be what a model must not say it is."""
MAX_FACTOR, MAX_EXTRA = 3, 120
"""A draft may be this many times as long as the template, and this many code points more."""


@cache
def _words_by_class() -> dict[str, dict[str, Any]]:
    loaded: dict[str, dict[str, Any]] = yaml.safe_load(WORDS_FILE.read_text("utf-8"))
    return loaded


@cache
def _patterns() -> tuple[re.Pattern[str], ...]:
    return tuple(re.compile(pattern) for pattern in _words_by_class()["number"]["patterns"])


@cache
def _lexicon() -> Lexicon:
    classes: dict[str, list[str]] = {HARMLESS: []}
    for label, kinds in _words_by_class().items():
        classes[HARMLESS] += [word for line in kinds.get(HARMLESS, ()) for word in line]
        classes[label] = [word for line in kinds["refused"] for word in line]
    return Lexicon(classes)


def check_wording(draft: Bare, source: Draft, language: Language) -> list[Refusal]:
    """Every word of *draft* that must not stand outside a placeholder, and every sign that it is no reply at all."""
    return [
        *_shape(draft, source),
        *_language(draft, language),
        *_words(draft, source),
        *_names(draft),
        *_strangers(draft, source, language),
    ]


def _shape(draft: Bare, source: Draft) -> Iterator[Refusal]:
    text = draft.text
    if not _LETTERS.search(text) and _LETTERS.search(PLACEHOLDER.sub("", source.text)):
        yield Refusal("empty", 0, len(draft.raw), draft.raw)
        return
    longest = MAX_FACTOR * len(source.text) + MAX_EXTRA
    if len(draft.raw) > longest:
        yield Refusal("too_long", longest, len(draft.raw), draft.raw[longest : longest + 20])
    for rule, pattern in (("markup", _MARKUP), ("link", _LINK)):
        for match in pattern.finditer(text):
            yield draft.refusal(rule, match.start(), match.end())
    if (ending := _OPEN_END.search(text)) is not None:
        yield draft.refusal("cut", ending.start(), ending.end())
    for place, char in enumerate(draft.raw):
        if char in _INVISIBLE or (unicodedata.category(char) in ("Cc", "Co", "Cs", "Cn") and char not in "\n\r\t"):
            yield Refusal("control", place, place + 1, char)


def _language(draft: Bare, language: Language) -> Iterator[Refusal]:
    text = draft.text
    if (other := _OTHER_SCRIPT.search(text)) is not None:
        yield draft.refusal("language", other.start(), other.end())
    if language == "en":
        if (chinese := _CJK.search(text)) is not None:
            yield draft.refusal("language", chinese.start(), chinese.end())
        return
    latin = [match for match in _LATIN.finditer(text) if match[0] not in _FAMILIAR_LATIN]
    if latin and len(_CJK.findall(text)) < 2 * sum(len(match[0]) for match in latin):
        yield draft.refusal("language", latin[0].start(), latin[-1].end())


def _words(draft: Bare, source: Draft) -> Iterator[Refusal]:
    text = draft.text
    covered = bytearray(len(text))
    for start, end in _counting_nothing(text):
        covered[start:end] = b"\1" * (end - start)
    for hit in _lexicon().hits(text):
        covered[hit.start : hit.end] = b"\1" * (hit.end - hit.start)
        if hit.label == HARMLESS or (hit.label == "home_currency" and _fits_home(draft, hit, source)):
            continue
        yield draft.refusal("currency" if hit.label == "home_currency" else hit.label, hit.start, hit.end)
    for place, char in enumerate(draft.raw):
        # Ⅳ folds to letters, so it is looked for before folding.
        if unicodedata.category(char) == "Nl" and not _CJK.match(char) and char not in NUMERALS:
            yield Refusal("number", place, place + 1, char)
    begun: int | None = None
    for place in range(len(text) + 1):
        numeral = place < len(text) and not covered[place] and _is_numeral(text[place])
        if numeral and begun is None:
            begun = place
        elif not numeral and begun is not None:
            yield draft.refusal("number", begun, place)
            begun = None
        if place < len(text) and unicodedata.category(text[place]) == "Sc":
            yield draft.refusal("currency", place, place + 1)


def check_human_words(draft: Bare) -> list[Refusal]:
    """What a person of the bank must not write either: a day that is no fact, another bank, a link, a private contact."""
    return [
        *(
            draft.refusal(hit.label, hit.start, hit.end)
            for hit in _lexicon().hits(draft.text)
            if hit.label in HUMAN_RULES
        ),
        *(draft.refusal("link", match.start(), match.end()) for match in _LINK.finditer(draft.text)),
        *_names(draft),
    ]


def harmless_spans(draft: Bare) -> list[tuple[int, int]]:
    """The raw offsets of the words in *draft* that look like figures and are none."""
    words = [(hit.start, hit.end) for hit in _lexicon().hits(draft.text) if hit.label == HARMLESS]
    return [(draft.starts[start], draft.ends[end - 1]) for start, end in (*words, *_counting_nothing(draft.text))]


def _counting_nothing(text: str) -> Iterator[tuple[int, int]]:
    """Where folded *text* has a numeral in a phrase that states no number."""
    for pattern in _patterns():
        yield from (match.span() for match in pattern.finditer(text))


def _is_numeral(char: str) -> bool:
    return char in NUMERALS or (char.isnumeric() and not _CJK.match(char))


def _fits_home(draft: Bare, hit: Hit, source: Draft) -> bool:
    """Whether naming the home currency says nothing new: no figure beside it, or one in that currency behind it."""
    before, after = draft.text[: hit.start].rstrip(), draft.text[hit.end :]
    if before.endswith(MARK):
        return False
    if not after.lstrip().startswith(MARK):
        return not (after[:1] and _is_numeral(after[:1]))
    fact = fact_of(draft.tokens[hit.end + len(after) - len(after.lstrip())], source)
    return fact is not None and fact.kind == "money" and fact.unit == "CNY"


def fact_of(token: str, source: Draft) -> Fact | None:
    """The fact a placeholder stands for; ``None`` for an unknown one and for a block of lines."""
    filler = source.fillers.get(token)
    return (
        filler.spans[0].fact if filler and len(filler.spans) == 1 and filler.spans[0].end == len(filler.text) else None
    )


def _names(draft: Bare) -> Iterator[Refusal]:
    text = draft.text
    for match in _BRANCH.finditer(text):
        if not match[1].endswith(_GENERIC_BEFORE):
            yield draft.refusal("name", match.start(), match.end())
    known = [hit for hit in _lexicon().hits(text) if hit.label in ("name", HARMLESS)]
    for match in _BANK.finditer(text):
        if any(hit.start < match.end() <= hit.end for hit in known):
            continue
        if not match[1].endswith(_GENERIC_BANK):
            yield draft.refusal("name", match.start(), match.end())
    for match in _PERSON.finditer(text):
        opened = max(0, match.start() - 3)
        if not _GENERIC_PERSON.search(text[opened : match.end()]) and not _GENERIC_PERSON.search(
            text[opened : match.start()]
        ):
            yield draft.refusal("name", match.start(), match.end())
    for match in _ENGLISH_PERSON.finditer(draft.raw):
        if _in_a_mark(draft, match.start(), match.end()):
            continue
        yield Refusal("name", match.start(), match.end(), match[0])


def _strangers(draft: Bare, source: Draft, language: Language) -> Iterator[Refusal]:
    """Names by their looks: in quotation marks, or with a capital within an English sentence, and not in the source."""
    known = bare(source.text)
    for match in _QUOTED.finditer(draft.text):
        if MARK not in match[0] and match[1] not in known.text and _NAMING.search(match[1]):
            yield draft.refusal("name", match.start(), match.end())
    if language == "zh":
        return
    words = set(re.findall(r"[A-Za-z]+", source.text))
    for match in _CAPITALISED.finditer(draft.raw):
        word = match[1].removesuffix("'s")
        if (
            word not in words
            and word not in _FAMILIAR_CAPITALISED
            and not _in_a_mark(draft, match.start(1), match.end(1))
        ):
            yield Refusal("name", match.start(1), match.end(1), match[1])


def _in_a_mark(draft: Bare, start: int, end: int) -> bool:
    return any(draft.starts[place] < end and start < draft.ends[place] for place in draft.tokens)
