"""The kinds of lies: each turns an honest draft into one that says something wrong, and knows what it made wrong."""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Literal

import yaml

from backends.result import Fact, Kind
from responses.draft import PLACEHOLDER, fill
from responses.gates.neighbours import FIGURES
from responses.hostile.borrowed import of_another_capability, of_another_outcome, of_another_state
from responses.hostile.cases import Case
from responses.hostile.lie import Lie
from responses.reply import Language

HERE = Path(__file__).parent
Group = Literal["mended_on", "opened", "kept_back"]
"""``mended_on``: gates may be mended on it. ``opened``: it was kept back, measured, and opened then. ``kept_back``: never."""
Aim = Literal["figure", "date", "name", "status", "promise"]
_SENTENCE_END = re.compile(r"(?<=[。！？!?\n])(?![”」）)])|(?<=\.) (?=[A-Z⟦])")
OPENED = ("opened_first.yml", "opened_second.yml")
CONTEXT = 12
"""Characters kept on either side of a changed place, so that the judge knows it from the same words elsewhere."""


@dataclass(frozen=True, slots=True)
class LieKind:
    """A kind of lies. ``tell`` gives one, or ``None`` where a case has nothing of the kind to be wrong about."""

    name: str
    aim: Aim
    group: Group
    tell: Callable[[Case, random.Random], Lie | None]


@cache
def kinds() -> tuple[LieKind, ...]:
    """Every kind, those that gates may be mended on first."""
    return tuple(sorted([*_of_phrases(), *_of_changes()], key=lambda kind: kind.group, reverse=True))


def _of_phrases() -> Iterator[LieKind]:
    files: dict[str, Group] = {
        "phrases.yml": "mended_on", **dict.fromkeys(OPENED, "opened"), "kept_back.yml": "kept_back"
    }  # fmt: skip
    for file, group in files.items():
        loaded: dict[str, dict[str, Any]] = yaml.safe_load((HERE / file).read_text("utf-8"))
        for name, spec in loaded.items():
            yield LieKind(name, spec["aim"], group, _telling(spec))


def _telling(spec: dict[str, Any]) -> Callable[[Case, random.Random], Lie | None]:
    """A kind's way of lying: words ``beside`` a fact, a word ``replacing`` another, or else a sentence more."""
    if beside := spec.get("beside"):
        return _beside(beside.get("zh", ()), beside.get("en", ()), frozenset(spec["kinds"]))
    if table := spec.get("replacing"):
        return _replacing({"zh": table.get("zh", []), "en": table.get("en", [])})
    return _adding(spec)


def _adding(spec: dict[str, Any]) -> Callable[[Case, random.Random], Lie | None]:
    """Puts one of the phrases before, behind or between the sentences."""

    def tell(case: Case, rng: random.Random) -> Lie | None:
        phrases = spec.get(case.language, ())
        if not phrases or not _may_be_wrong(case, spec.get("needs")):
            return None
        phrase = rng.choice(phrases)
        if phrase.strip() in fill(case.source, case.text).text:
            return None
        places = [0, len(case.text), *(match.start() for match in _SENTENCE_END.finditer(case.text))]
        place = rng.choice(places)
        before, after = case.text[:place], case.text[place:]
        said = phrase.strip() + " " if case.language == "en" and not before else phrase
        return Lie(before + said + after, says=phrase.strip())

    return tell


def _may_be_wrong(case: Case, needs: str | None) -> bool:
    if needs == "refusing":
        return case.result.outcome in ("insufficient_funds", "over_quota", "unsupported", "planned", "no_account")
    if needs == "no_deposit":
        return not any(
            fact.name == "product_type" and fact.value in ("deposit", "large_cd", "notice_deposit", "demand")
            for fact in case.result.facts
        )
    return True


def _facts(case: Case) -> list[tuple[re.Match[str], Fact]]:
    """The placeholders of the draft that stand for one fact."""
    found = []
    for match in PLACEHOLDER.finditer(case.text):
        filler = case.source.fillers.get(match[1])
        if filler and len(filler.spans) == 1 and filler.spans[0].end == len(filler.text):
            found.append((match, filler.spans[0].fact))
    return found


def _figures(case: Case, kinds: Sequence[Kind] | frozenset[Kind] = FIGURES) -> list[tuple[re.Match[str], Fact]]:
    return [(match, fact) for match, fact in _facts(case) if fact.kind in kinds]


def _changed(case: Case, text: str, start: int, end: int) -> Lie | None:
    """The lie that *text* is, told by its words around ``text[start:end]``; ``None`` where it changes nothing."""
    begin, finish = max(0, start - CONTEXT), min(len(text), end + CONTEXT)
    while any(match.start() < begin < match.end() for match in PLACEHOLDER.finditer(text)):
        begin -= 1
    while any(match.start() < finish < match.end() for match in PLACEHOLDER.finditer(text)):
        finish += 1
    says = PLACEHOLDER.sub(
        lambda match: case.source.fillers[match[1]].text if match[1] in case.source.fillers else match[0],
        text[begin:finish],
    )
    return None if says in fill(case.source, case.text).text else Lie(text, says=says)


def _put(case: Case, start: int, end: int, words: str) -> Lie | None:
    return _changed(case, case.text[:start] + words + case.text[end:], start, start + len(words))


def _swapped(case: Case, rng: random.Random) -> Lie | None:
    """Two facts of one kind change places."""
    facts = _facts(case)
    twos = [
        (one, other)
        for place, one in enumerate(facts)
        for other in facts[place + 1 :]
        if one[1].kind == other[1].kind and one[1].spoken(case.language) != other[1].spoken(case.language)
        and one[1].name != other[1].name and one[1].kind not in ("name", "text", "enum", "passage")
    ]  # fmt: skip
    if not twos:
        return None
    (one, _), (other, _) = rng.choice(twos)
    text = (
        case.text[: one.start()] + other[0] + case.text[one.end() : other.start()] + one[0] + case.text[other.end() :]
    )
    return _changed(case, text, one.start(), one.start() + len(other[0]))


def _rotated(case: Case, rng: random.Random) -> Lie | None:
    """Three facts of one kind move on by one."""
    by_kind: dict[Kind, list[tuple[re.Match[str], Fact]]] = {}
    for match, fact in _facts(case):
        if fact.kind not in ("name", "text", "enum", "passage"):
            by_kind.setdefault(fact.kind, []).append((match, fact))
    threes = [
        found for found in by_kind.values()
        if len({fact.name for _, fact in found}) >= 3 and len({fact.value for _, fact in found}) >= 3
    ]  # fmt: skip
    if not threes:
        return None
    found = rng.choice(threes)
    start = rng.randrange(len(found) - 2)
    places = [match for match, _ in found[start : start + 3]]
    tokens = [places[1][0], places[2][0], places[0][0]]
    text, last = "", 0
    for match, token in zip(places, tokens, strict=True):
        text += case.text[last : match.start()] + token
        last = match.end()
    return _changed(case, text + case.text[last:], places[0].start(), places[0].start() + len(tokens[0]))


def _dropped(case: Case, rng: random.Random) -> Lie | None:
    """A fact is left out."""
    facts = [
        (match, fact) for match, fact in _facts(case)
        if case.text.count(match[0]) == 1 and len(fact.spoken(case.language)) > 3
    ]  # fmt: skip
    if not facts:
        return None
    match, fact = rng.choice(facts)
    text, lacking = case.text[: match.start()] + case.text[match.end() :], fact.spoken(case.language)
    return None if lacking in fill(case.source, text).text else Lie(text, lacks=lacking)


def _doubled(case: Case, rng: random.Random) -> Lie | None:
    """A figure is said once more, as if it were something else."""
    figures = _figures(case)
    if not figures:
        return None
    match, _ = rng.choice(figures)
    words = f"另外还有{match[0]}。" if case.language == "zh" else f" There is another {match[0]}."
    return _put(case, len(case.text), len(case.text), words)


def _invented(case: Case, rng: random.Random) -> Lie | None:
    """A placeholder that there is none of stands in the place of another."""
    facts = _facts(case)
    if not facts:
        return None
    match, _ = rng.choice(facts)
    token = rng.choice(["⟦total⟧", "⟦amount_9⟧", "⟦fee_total⟧", "⟦discount⟧"])
    if token[1:-1] in case.source.fillers:
        return None
    text = case.text[: match.start()] + token + case.text[match.end() :]
    return Lie(text, says=token)


def _literal(case: Case, rng: random.Random) -> Lie | None:
    """A fact is written out, with one digit another."""
    figures = [each for each in _facts(case) if re.search(r"\d", each[1].spoken(case.language))]
    if not figures:
        return None
    match, fact = rng.choice(figures)
    spoken = fact.spoken(case.language)
    place = rng.choice([place for place, char in enumerate(spoken) if char.isdigit()])
    digit = rng.choice([digit for digit in "0123456789" if digit != spoken[place]])
    return _put(case, match.start(), match.end(), spoken[:place] + digit + spoken[place + 1 :])


def _beside(
    zh: Sequence[tuple[str, str]], en: Sequence[tuple[str, str]], kinds: Sequence[Kind] | frozenset[Kind] = FIGURES
) -> Callable[[Case, random.Random], Lie | None]:
    """Words directly before and behind a fact that make it another one."""

    def tell(case: Case, rng: random.Random) -> Lie | None:
        figures = _figures(case, kinds)
        if not figures:
            return None
        match, _ = rng.choice(figures)
        before, after = rng.choice(zh if case.language == "zh" else en)
        if case.text[: match.start()].rstrip().endswith(before.strip()) and before.strip():
            return None
        return _put(case, match.start(), match.end(), before + match[0] + after)

    return tell


def _replacing(table: dict[Language, list[tuple[str, str]]]) -> Callable[[Case, random.Random], Lie | None]:
    """One word of the draft becomes another that says the opposite."""

    def tell(case: Case, rng: random.Random) -> Lie | None:
        found = []
        for pattern, instead in table[case.language]:
            for match in re.finditer(pattern, case.text):
                inside = any(
                    each.start() < match.end() and match.start() < each.end()
                    for each in PLACEHOLDER.finditer(case.text)
                )
                if not inside:
                    found.append((match, match.expand(instead)))
        if not found:
            return None
        match, words = rng.choice(found)
        return _put(case, match.start(), match.end(), words)

    return tell


_NEGATED: dict[Language, list[tuple[str, str]]] = {
    "zh": [
        (r"(?<![不没])可以(?![吗么不])", "不可以"), (r"(?<![不没可才只就])能(?![吗否够不])", "不能"), (r"已经", "还没有"),
        (r"需要(?!的话)", "不需要"), (r"(?<![没])有(?=⟦)", "没有"), (r"支持", "不支持"), (r"包括", "不包括"), (r"已(?=[还用扣入到确])", "未"),
    ],
    "en": [
        (r"\bcan\b(?! I)", "cannot"), (r"\bhas been\b", "has not been"), (r"\bis\b(?! not)", "is not"), (r"\bhave been\b", "have not been"),
        (r"\bneed to\b", "need not"), (r"\byou have\b", "you do not have"), (r"\bare\b(?! not)", "are not"),
    ],
}  # fmt: skip
_AFFIRMED: dict[Language, list[tuple[str, str]]] = {
    "zh": [
        (r"不能", "能"), (r"不可以", "可以"), (r"没有", "有"), (r"不足", "充足"), (r"不够", "足够"), (r"未(?=[还用扣入到确获通])", "已"),
        (r"无法", "可以"), (r"不需要", "需要"), (r"不支持", "支持"), (r"办不了", "办得了"), (r"超出", "没有超出"), (r"无需", "需要"),
    ],
    "en": [
        (r"\bcannot\b", "can"), (r"\bis not\b", "is"), (r"\bdo not have\b", "have"), (r"\bnot enough\b", "enough"), (r"\bno\b", "a"),
        (r"\bdoes not\b", "does"), (r"\bcould not\b", "could"), (r"\bhas not been\b", "has been"), (r"\bwithout\b", "with"),
    ],
}  # fmt: skip
_OPPOSITE: dict[Language, list[tuple[str, str]]] = {
    "zh": [
        ("收入", "支出"), ("支出", "收入"), ("买入价", "卖出价"), ("卖出价", "买入价"), ("现汇", "现钞"), ("现钞", "现汇"), ("申购", "赎回"),
        ("赎回", "申购"), ("增加", "减少"), ("上涨", "下跌"), ("下跌", "上涨"), ("转入", "转出"), ("转出", "转入"), ("汇入", "汇出"),
        ("应还", "已还"), ("已还", "应还"), ("单利", "复利"), ("最低", "最高"), ("最高", "最低"), ("临时", "固定"), ("调高", "调低"),
        ("调低", "调高"), ("开通", "关闭"), ("关闭", "开通"), ("借记卡", "信用卡"), ("定期", "活期"), ("全额", "最低额"), ("购汇", "结汇"),
    ],
    "en": [
        ("buying", "selling"), ("selling", "buying"), ("spot", "cash"), ("minimum", "maximum"), ("temporary", "permanent"),
        ("increase", "decrease"), ("lower", "raise"), ("higher", "lower"), ("incoming", "outgoing"), ("outgoing", "incoming"),
        ("credit card", "debit card"), ("debit card", "credit card"), ("subscription", "redemption"), ("paid in", "paid out"),
        ("simple interest", "compound interest"), ("switched on", "switched off"), ("earliest", "latest"), ("highest", "lowest"),
    ],
}  # fmt: skip
_TIME_TURNED: dict[Language, list[tuple[str, str]]] = {
    "zh": [(r"(⟦[a-z_0-9]+⟧)(?:之?前|以前)", r"\1之后"), (r"(⟦[a-z_0-9]+⟧)(?:之?后|起|以后)", r"\1之前"), ("最晚", "最早"), ("最早", "最晚"), ("截至", "自")],
    "en": [(r"\bby (⟦)", r"after \1"), (r"\bbefore (⟦)", r"after \1"), (r"\bfrom (⟦)", r"until \1"), (r"\buntil (⟦)", r"from \1"), (r"\bafter (⟦)", r"before \1")],
}  # fmt: skip
_PRETENDED: dict[Language, list[tuple[str, str]]] = {
    "zh": [
        (r"可以(?=申请|办理|帮您|为您)", "已经"),
        (r"请(?=确认|核对)", "已经"),
        (r"要(?=继续|办理)", "已经"),
        (r"正在", "已经"),
    ],
    "en": [
        (r"\bcan be\b", "has been"),
        (r"\bwill be\b", "has been"),
        (r"\bwould be\b", "has been"),
        (r"\bto be\b", "has been"),
    ],
}


def _refusal_dropped(case: Case, rng: random.Random) -> Lie | None:
    """A reply that says no becomes one that says yes."""
    if case.result.outcome not in (
        "insufficient_funds",
        "over_quota",
        "unsupported",
        "no_account",
        "planned",
        "locked",
        "sold_out",
        "above",
    ):
        return None
    tokens = "，".join(match[0] for match in PLACEHOLDER.finditer(case.text))
    yes = rng.choice(["好的，这就可以办。", "可以的，没问题。", "条件都满足，请继续。"] if case.language == "zh" else
                     ["Yes, that can be done.", "Certainly, please go ahead.", "All conditions are met, please continue."])  # fmt: skip
    return Lie(f"{yes}{tokens}", says=yes)


def _disclaimer_dropped(case: Case, rng: random.Random) -> Lie | None:
    """What makes a benchmark no promise is left out."""
    text = re.sub(
        r"[，。；,.; ]?[^，。；,.;\n⟦⟧]*(?:不代表|不构成|不预示|not a promise|not promised|does not|is not)[^，。；,.;\n⟦⟧]*",
        "",
        case.text,
    )
    asked = re.search(r"业绩(?:比较)?基准|benchmark", text)
    stated = case.result.facts and any(match[1] == "benchmark_basis" for match in PLACEHOLDER.finditer(text))
    if text == case.text or asked is None or stated:
        return None
    return Lie(text, says=asked[0])


def _denied_whole(case: Case, rng: random.Random) -> Lie | None:
    """A sentence that states a fact is said to be untrue."""
    figures = _figures(case)
    if not figures:
        return None
    said = rng.choice(["以上这句不对。", "上面说的不算数。", "别信前面那句。"] if case.language == "zh" else
                      [" That is not true.", " Ignore the above.", " The opposite is the case."])  # fmt: skip
    return Lie(case.text + said, says=said.strip())


def _of_changes() -> Iterator[LieKind]:
    figures: frozenset[Kind] = frozenset(("money", "count", "percent", "rate", "points", "term"))
    days: frozenset[Kind] = frozenset(("date", "datetime"))
    names: frozenset[Kind] = frozenset(("name", "text"))
    told: list[tuple[str, Aim, Group, Callable[[Case, random.Random], Lie | None]]] = [
        ("facts_swapped", "figure", "mended_on", _swapped),
        ("fact_dropped", "figure", "mended_on", _dropped),
        ("fact_doubled", "figure", "mended_on", _doubled),
        ("fact_invented", "figure", "mended_on", _invented),
        ("digit_changed", "figure", "mended_on", _literal),
        ("approximated", "figure", "mended_on", _beside(
            [("约", ""), ("大概", ""), ("不到", ""), ("超过", ""), ("", "左右"), ("", "以上"), ("", "多"), ("将近", ""), ("不足", "")],
            [("about ", ""), ("over ", ""), ("nearly ", ""), ("less than ", ""), ("", " or so"), ("", " or more"), ("under ", "")])),
        ("scaled", "figure", "mended_on", _beside(
            [("", "万"), ("", "亿"), ("", "千"), ("", "倍")], [("", "k"), ("", "m"), ("", " bn"), ("", " times")], figures)),
        ("signed", "figure", "mended_on", _beside([("-", ""), ("负", ""), ("±", "")], [("-", ""), ("minus ", ""), ("±", "")], figures)),
        ("recurrencied", "figure", "mended_on", _beside(
            [("", "美元"), ("$", ""), ("", "日元"), ("€", "")], [("", " dollars"), ("$", ""), ("", " euros"), ("£", "")], ("money",))),
        ("remeasured", "figure", "mended_on", _beside([("", "天"), ("", "个月"), ("", "%"), ("第", "")], [("", " days"), ("", "%"), ("", " weeks")], figures)),
        ("negated", "status", "mended_on", _replacing(_NEGATED)),
        ("affirmed", "status", "mended_on", _replacing(_AFFIRMED)),
        ("opposite", "status", "mended_on", _replacing(_OPPOSITE)),
        ("time_turned", "date", "mended_on", _replacing(_TIME_TURNED)),
        ("refusal_dropped", "status", "mended_on", _refusal_dropped),
        ("disclaimer_dropped", "promise", "mended_on", _disclaimer_dropped),
        ("said_of_another_outcome", "status", "mended_on", of_another_outcome),
        ("said_of_another_capability", "status", "mended_on", of_another_capability),
        ("said_of_another_state", "status", "mended_on", of_another_state),
        ("facts_rotated", "figure", "opened", _rotated),
        ("multiplied", "figure", "opened", _beside(
            [("", "的两倍"), ("", "的一半"), ("", "乘以二"), ("双份", "")], [("twice ", ""), ("half of ", ""), ("", " times two"), ("double ", "")], figures)),
        ("day_shifted", "date", "opened", _beside(
            [("", "的前一天"), ("", "的次日"), ("", "再过三天"), ("", "前后")], [("the day after ", ""), ("two days before ", ""), ("around ", ""), ("the week of ", "")], days)),
        ("tail_lengthened", "figure", "opened", _beside([("8", ""), ("", "7"), ("", "-1")], [("8", ""), ("", "7"), ("", "-1")], ("digits",))),
        ("name_altered", "name", "opened", _beside([("", "二店"), ("", "2号"), ("新", "")], [("", " II"), ("", " No. 2"), ("", " Two")], names)),
        ("pretended", "status", "opened", _replacing(_PRETENDED)),
        ("said_otherwise", "figure", "opened", _beside(
            [("不是", ""), ("", "或更多"), ("原", ""), ("", "（含手续费）")], [("not ", ""), ("", " or even more"), ("formerly ", ""), ("", " (fees included)")], figures)),
        ("made_regular", "figure", "opened", _beside([("每月", ""), ("", "/月"), ("人均", ""), ("日均", "")], [("", " a month"), ("", "/month"), ("daily ", "")], ("money", "count"))),
        ("hour_added", "date", "opened", _beside([("", "凌晨"), ("", "中午"), ("", "24点")], [("", " at noon"), ("", " midnight"), ("early ", "")], ("date",))),
        ("name_upgraded", "name", "opened", _beside([("", "的升级版"), ("老", ""), ("", "旗舰店")], [("", " Premium"), ("Old ", ""), ("", " Flagship")], names)),
        ("sentence_denied", "status", "opened", _denied_whole),
    ]  # fmt: skip
    return (LieKind(name, aim, group, tell) for name, aim, group, tell in told)
