"""Gate 1 on what a draft says was done: 已为您办理, 购汇成功, has been frozen. Only what really was done may be claimed."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from backends.result import Result
from responses.gates.bare import MARK, Bare
from responses.gates.negation import CLAUSE_END, is_negated
from responses.gates.refusal import Refusal
from responses.reply import Language

FILE = Path(__file__).with_name("claims.yml")
ANYTHING = "anything"

# Between 已 and the verb: a few characters that do not turn the sentence into something else.
_GAP = r"(?:(?!请|尽快|可|需|要|建议|能|会|想|未|没|不|后|逾期|用|还|过|查|准备|知|了解|收到|登录|看到|找到|告|有)[^，。！？；、,.!?;\n]){0,9}?"
_FOR_YOU = r"(?:为您|帮您|给您|替您|为你|帮你|给你)"
_IF = re.compile(r"如果|假如|倘若|若|如需|如要|如已|一旦|等您|等到|等我|待|是否|能否|有没有|尚|怎么|如何|怎样|什么时候")
_MAY = re.compile(
    r"(?:可以|可|能|能够|会|将|将会|才|才能|才会|即可|就能|就会|想|需|需要|要|请|申请|协助|尝试|用来|用于|的)$"
)
"""Directly before a claim without 已 these make it a possibility: 可以帮您办理好, 才能购汇成功."""
_ASKED = re.compile(r"\s*(?:了?吗|了?么|没有|的话|的(?!是))")
_LATER = re.compile(
    r"\s*(?:后(?!续|台|面|期)|之后|以后|时(?!间)|前|之前|以前|与否|方式|流程|步骤|时间|渠道|条件|材料|方法|手续|入口|页面|记录|进度|编号|结果)"
)
_IF_EN = re.compile(r"\b(?:once|if|when|after|until|unless|before|whether|as soon as|how|nothing|no one|nobody)\b")
_MAY_EN = re.compile(r"\b(?:will|would|can|could|should|must|may|might|shall|to|cannot|being|be|please)$")
_BEFORE_FIGURE = re.compile(rf"(?:款|额|金额|额度|用掉|用了|用去|了| back| so far| already)? ?(?={MARK})")
_SPENT = re.compile(r"(?:paid|.*used)(?:_\d+)?")
"""Facts that tell of something done: 已还款⟦paid⟧ is their label and no claim."""
_POSTED = re.compile(r"已经?(?:入账|到账)|(?:has|have|was|were|is)(?: (?:already|been))* credited")
"""Behind such a fact these are its label too: ⟦paid⟧已经入账."""
_IDIOM_EN = re.compile(r"(?:(?:that|it)(?:'s| is) )?easily|no harm|easier said than|well")
"""What a clause before "done" may be without claiming anything: easily done, no harm done."""
_CONDITION_EN = re.compile(r"(?:^|[.!?;:\n]) ?(?:but |and |then )?(?:once|if|when|after|as soon as) [^.!?;:\n]*$")
_ASKING_EN = ("was ", "were ", "have you", "has ", "had ", "did ", "is ", "are ")
_PERFECT = ("已", "均已", "都已", "正在")


@dataclass(frozen=True, slots=True)
class _Group:
    capability: str
    outcomes: frozenset[str]
    anywhere: frozenset[str]
    zh: re.Pattern[str]
    en: re.Pattern[str]
    words: frozenset[str]


def _chinese(verbs: Sequence[str]) -> re.Pattern[str]:
    verb = "|".join(sorted(verbs, key=len, reverse=True))
    return re.compile(
        rf"(?:已经?|均已|都已){_GAP}(?:{verb})"
        rf"|(?:{verb})(?:已经?)?(?:成功|完成|完毕|妥当|好了|妥了|完了|到位)"
        rf"|成功{_FOR_YOU}?(?:地)?(?:把[^，。！？；\n]{{0,6}}?)?(?:{verb})"
        rf"|(?:{_FOR_YOU}|刚刚|刚才|刚|现在就)[^，。！？；\n]{{0,8}}?(?:{verb})(?:好|完|妥)?(?:了(?!解)|啦|咯)"
        rf"|正在{_FOR_YOU}(?:{verb})"
    )


def _english(participles: Sequence[str]) -> re.Pattern[str]:
    words = "|".join(sorted(participles, key=len, reverse=True))
    auxiliary = r"(?:has|have|had|'ve|'s|was|were|is|are|been|got)"
    return re.compile(
        rf"(?<![a-z]){auxiliary}(?: (?:now|already|just|successfully|been|all|fully|safely)){{0,3}} (?:{words})(?![a-z])"
        rf"|(?<![a-z])successfully (?:{words})(?![a-z])"
        rf"|(?<![a-z])(?:i|we|you)(?: (?:have|just|already|successfully))* (?:{words})(?![a-z])"
    )


_STANDALONE = re.compile(
    r"搞定了|搞定啦|办好了|办好啦|办妥了|办完了|弄好了|大功告成|已生效|操作成功|办理成功|处理成功|提交成功|换好了|买好了|都好了"
    r"|(?<![a-z])(?:all done|it is done|it's done|that's done|all set|done(?=[.!,:]| -)|has gone through|went through|have gone through|is complete(?![a-z])|was successful|is successful|were successful)"
)


_PERFECT_ZH = re.compile(
    r"(?:已经?|刚刚|刚才|均已|都已|早就)(?![不没未逾过超到])[^，。！？；,.!?;\n]{0,12}"
    r"|(?:好|妥|成|完|掉|下来|通过|到位|到账|批|退|撤|停|办|还清|解决|搞定|弄好|开通|生效)(?:了|啦|咯|喽)(?![吗么没])"
)
"""What sounds like something done. Where nothing was, only what talking is made of may be told so."""
_TALKED_ZH = re.compile(
    r"查|看|找|算|理(?:好|清|顺|了)|整理|了就[好行]|核对|对(?:过|了|上)|了解|收到|明白|知道|听|读|想|忘|逾期|过期|失效|过了|晚|到期|如果|要是|若|等|再|后|就能|就可以|才|可能|或许|因为|记(?:下|住|着|得)"
    r"|列|说|讲|问|告诉|解释|介绍|写|附|摆|准备|拿|接下来|什么时候|怎么|别|不|没|无|未|您(?:已经?|要是|如果|若)|我在|在这|在听|登录|安装|添加|加好|设好|填好|带好|选好|有了|为止|太|行了|好了吗|了解了|挂好|放心"
)
_PERFECT_EN = re.compile(
    r"(?<![a-z])(?:has|have|had|'ve|was|were|been|got|just|gone)(?: (?:now|already|just|been|all|fully|since|ahead and))* (?P<verb>[a-z]+(?:ed|en|nt|ne|id|ade|old|ought|ut|et))(?![a-z])"
    r"|(?<![a-z])(?:went|gone|came|come) through(?![a-z])|(?<![a-z])(?:is|are|'s|'re)(?: (?:now|already|all))* (?P<state>approved|sorted|cancelled|refunded|credited|reserved|granted|sent|settled|fixed|resolved|confirmed|unlocked|in your account|on its way|on the way)(?![a-z])"
)
_TALKED_EN = frozenset(
    """looked checked found listed understood received noted seen expired run lapsed passed asked changed written set gone been
    mentioned explained included heard read told given made lost needed wanted meant spent issued overlooked shown added
    worked learned learnt thought kept met put opened started happened missed caused helped let supposed used left""".split()  # noqa: SIM905
)


@cache
def _groups() -> tuple[_Group, ...]:
    raw: dict[str, dict[str, Any]] = yaml.safe_load(FILE.read_text("utf-8"))
    return tuple(
        _Group(
            capability=spec.get("of", name),
            outcomes=frozenset(spec.get("outcomes", ())),
            anywhere=frozenset(spec.get("anywhere", ())),
            zh=_chinese(spec["zh"]),
            en=_english(spec["en"]),
            words=frozenset((*spec["zh"], *spec["en"], *spec.get("also", ()))),
        )
        for name, spec in raw.items()
    )


def check_claims(draft: Bare, results: Sequence[Result], language: Language) -> list[Refusal]:
    """Every claim in *draft* that something was done which none of *results* did."""
    return list(_claims(draft, results, language))


def check_seeming(draft: Bare, results: Sequence[Result], template: str, language: Language) -> list[Refusal]:
    """Weak signs: whatever else sounds done where nothing was, but for talk and for the words of the folded *template*."""
    if any(_tells_of_done(result) for result in results):
        return []
    return list(_sounds_done(draft, results, template, language))


def _claims(draft: Bare, results: Sequence[Result], language: Language) -> Iterator[Refusal]:
    for group in _groups():
        if _may_claim(group, results):
            continue
        pattern = group.zh if language == "zh" else group.en
        for match in pattern.finditer(draft.text):
            if not _harmless(draft, match, language):
                yield draft.refusal("completion", match.start(), match.end())
    if not any(_tells_of_done(result) for result in results):
        for match in _STANDALONE.finditer(draft.text):
            idiom = _IDIOM_EN.fullmatch(_clause_before(draft.text, match.start()))
            if not idiom and not _harmless(draft, match, language):
                yield draft.refusal("completion", match.start(), match.end())


def _sounds_done(draft: Bare, results: Sequence[Result], template: str, language: Language) -> Iterator[Refusal]:
    own = {word for group in _groups() if _may_claim(group, results) for word in group.words}
    for match in (_PERFECT_ZH if language == "zh" else _PERFECT_EN).finditer(draft.text):
        opened = max((mark.end() for mark in CLAUSE_END.finditer(draft.text, 0, match.start())), default=0)
        closed = CLAUSE_END.search(draft.text, match.end())
        clause = draft.text[opened : closed.start() if closed else len(draft.text)]
        if any(word in clause for word in own):
            continue
        if MARK in clause or clause.strip() in template or match[0] in template or _harmless(draft, match, language):
            continue
        if language == "en":
            word = match["verb"] or ""
            if word in _TALKED_EN or _IF_EN.search(clause) or clause.lstrip().startswith(_ASKING_EN):
                continue
        elif _TALKED_ZH.search(clause) or _ASKED.match(draft.text, match.end()):
            continue
        yield draft.refusal("seems_done", match.start(), match.end())


def _may_claim(group: _Group, results: Sequence[Result]) -> bool:
    if group.capability == ANYTHING:
        return any(_tells_of_done(result) for result in results)
    return any(
        result.outcome in group.anywhere
        or (result.capability == group.capability and (result.completed or result.outcome in group.outcomes))
        for result in results
    )


def _tells_of_done(result: Result) -> bool:
    return result.completed or any(
        result.capability == group.capability and result.outcome in group.outcomes for group in _groups()
    )


def _harmless(draft: Bare, match: re.Match[str], language: Language) -> bool:
    """A condition, a negation, a possibility, a question, or the label of a figure claims nothing."""
    text, start, end = draft.text, match.start(), match.end()
    before = _clause_before(text, start)
    if (
        _labels_what_was_spent(draft, match)
        or is_negated(text, start, language)
        or (language == "en" and is_negated(text, end, language))
    ):
        return True
    if language == "en":
        promised = match[0].startswith(("is ", "are ")) and _CONDITION_EN.search(text, 0, start)
        return bool(promised or _IF_EN.search(before) or _MAY_EN.search(before))
    if _IF.search(before) or _ASKED.match(text, end):
        return True
    return not match[0].startswith(_PERFECT) and bool(_MAY.search(before) or _LATER.match(text, end))


def _clause_before(text: str, place: int) -> str:
    opened = max((mark.end() for mark in CLAUSE_END.finditer(text, 0, place)), default=0)
    return text[opened:place].strip()


def _labels_what_was_spent(draft: Bare, match: re.Match[str]) -> bool:
    """已还款⟦paid⟧, ⟦paid⟧已经入账: the words belong to a fact that tells of it."""
    ahead = _BEFORE_FIGURE.match(draft.text, match.end())
    if ahead is not None and _SPENT.fullmatch(draft.tokens[ahead.end()]):
        return True
    behind = draft.tokens.get(len(draft.text[: match.start()].rstrip()) - 1, "")
    return bool(_SPENT.fullmatch(behind) and _POSTED.fullmatch(match[0]))
