"""Drafts by people who had not seen the gates pass them, and what a liar makes of the same drafts does not.

A draft needs a source to be a rewriting of. Its authors saw no template, so the source is made from both: the template's
words of that outcome, as if the bank had answered exactly the facts that the draft states. An optional part is there when
all of its facts are; of the rest the words stay and a fact that the draft leaves out is dropped; a row line is repeated for
each number (``⟦card_tail_2⟧``); a fact that the template does not name stands behind it. Values are samples of each
fact's kind. A model is shown one of an outcome's equivalent wordings and keeps to it; these authors could not, so a draft
passes where it passes as a rewriting of any of them.
"""

from __future__ import annotations

import itertools
import json
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest

from backends.result import Fact, Result
from backends.values import Money, Value
from responses.check import SAMPLE_TIME, sample
from responses.draft import PLACEHOLDER, Draft, Filled, Span
from responses.gates.refusal import Refusal
from responses.library import ROWS, SHARED, FactType, library, parse, wording
from responses.reply import Language
from responses.verify import verify

DATA = Path(__file__).parent.parent / "data"
MOST_REFUSED = 0.02
MOST_REFUSED_HELD_OUT = 0.04
"""Since a gate refuses what reads unlike a reply it is 3.8 % of the second file, 2 % of all that people wrote being the limit
(``teller bench gates``)."""
MOST_REFUSED_UNSEEN = 0.06
"""What the gates refused when a third file was first shown to them was 4.5 %, and is 5.5 % since they learn more places of facts
from what people wrote; they were not mended on it."""

NOWHERE_SAID = {"position": FactType.model_validate("count person")}
"""Facts that a result has and no template states: an ordinal is no figure of its own."""
TRUE_OF_THE_OUTCOME: Mapping[tuple[str, str, str], Value] = {
    ("card_bill", "settled", "remaining_due"): Money(0),
    ("fx_buy", "insufficient_funds", "balance"): Money.of("88.20"),
    ("fx_buy", "over_quota", "purchase_left"): Money.of("350", "USD"),
}
"""Values that an outcome implies, where a sample would contradict it."""
_NUMBERED = re.compile(r"(.+?)_(\d+)")


@dataclass(frozen=True, slots=True)
class Written:
    """A line of a file of drafts."""

    capability: str
    outcome: str
    completed: bool
    language: Language
    draft: str

    @property
    def tokens(self) -> tuple[str, ...]:
        """The placeholders of the draft, each once."""
        return tuple(dict.fromkeys(PLACEHOLDER.findall(self.draft)))

    def facts(self) -> dict[str, Fact]:
        """A fact for each placeholder."""
        return {token: self._fact(_base(token)) for token in self.tokens}

    def _fact(self, name: str) -> Fact:
        value = TRUE_OF_THE_OUTCOME.get((self.capability, self.outcome, name))
        kind = _kind(self.capability, name)
        if value is None:
            return sample(name, kind)
        return Fact.of(name, value, source="sample", as_of=SAMPLE_TIME, kind=kind.kind)

    def result(self) -> Result:
        """The bank's answer that the draft puts into words."""
        return Result(
            capability=self.capability,
            outcome=self.outcome,
            facts=tuple({fact.name: fact for fact in self.facts().values()}.values()),
            completed=self.completed,
            reference="R1" if self.completed else None,
        )

    def sources(self) -> Iterator[Draft]:
        """The source that each wording of the outcome makes."""
        said = wording(self.capability, self.outcome)
        texts = {token: fact.spoken(self.language) for token, fact in self.facts().items()}
        fillers = {
            token: Filled(text, (Span(0, len(text), fact),))
            for (token, fact), text in zip(self.facts().items(), texts.values(), strict=True)
        }
        numbers = sorted({int(found[2]) for token in self.tokens if (found := _NUMBERED.fullmatch(token))})
        for template in said.variants(self.language, elder=False):
            text = self._stating(template)
            if said.row is not None:
                text += "".join("\n" + self._stating(said.row[self.language], number) for number in numbers)
            missing = [token for token in self.tokens if f"⟦{token}⟧" not in text]
            yield Draft(text + "".join(f"\n⟦{token}⟧" for token in missing), fillers)

    def _stating(self, template: str, row: int | None = None) -> str:
        """The words of *template*, with placeholders for what the draft states."""
        text = ""
        for part in parse(template):
            named = {name: name if row is None else f"{name}_{row}" for name in part.names}
            if part.optional and not set(named.values()) <= {*self.tokens, ROWS}:
                continue
            for piece, is_fact in part.pieces:
                if not is_fact:
                    text += piece
                elif named[piece] in self.tokens and f"⟦{named[piece]}⟧" not in text:
                    text += f"⟦{named[piece]}⟧"
        return text

    def refusals(self, source: Draft, draft: str | None = None) -> tuple[Refusal, ...]:
        """Why the draft, or *draft* in its place, is refused as a rewriting of *source*."""
        return verify(self.draft if draft is None else draft, source, [self.result()], self.language)


def _base(token: str) -> str:
    found = _NUMBERED.fullmatch(token)
    return found[1] if found else token


def _kind(capability: str, name: str) -> FactType:
    files = library()
    own = [files[capability]] if capability in files else []
    for file in (*own, files[SHARED], *files.values()):
        if name in file.facts:
            return file.facts[name]
    return NOWHERE_SAID[name]


@cache
def written(name: str) -> tuple[Written, ...]:
    """The drafts of a file."""
    return tuple(Written(**json.loads(line)) for line in (DATA / name).read_text("utf-8").splitlines())


@cache
def nearest(each: Written) -> tuple[Draft, tuple[Refusal, ...]]:
    """The source that a draft comes nearest to, and why the draft is refused even so."""
    return min(((source, each.refusals(source)) for source in each.sources()), key=lambda found: len(found[1]))


def refused_of(name: str) -> list[tuple[Written, tuple[Refusal, ...]]]:
    """The drafts of a file that do not pass, and why."""
    return [(each, refusals) for each in written(name) if (refusals := nearest(each)[1])]


def test_honest_drafts_pass_the_gates():
    refused = refused_of("honest_drafts.jsonl")
    told = "\n".join(
        f"{each.capability}.{each.outcome} {each.draft} {[(refusal.rule, refusal.span) for refusal in refusals]}"
        for each, refusals in refused
    )
    assert len(refused) <= MOST_REFUSED * len(written("honest_drafts.jsonl")), told


def test_honest_drafts_that_the_gates_were_not_mended_on_pass_as_well():
    refused = refused_of("honest_drafts_heldout.jsonl")
    rules = Counter(itertools.chain.from_iterable({refusal.rule for refusal in refusals} for _, refusals in refused))
    # The texts stay unseen: a gate mended on them would no longer be measured by them.
    assert len(refused) <= MOST_REFUSED_HELD_OUT * len(written("honest_drafts_heldout.jsonl")), rules


def test_drafts_of_a_third_author_whom_no_rule_was_mended_for_mostly_pass() -> None:
    refused = refused_of("honest_drafts_fresh.jsonl")
    assert len(refused) <= MOST_REFUSED_UNSEEN * len(written("honest_drafts_fresh.jsonl"))


RECORDED = frozenset({"status", "already", "settled", "queued", "after_hours", "waiting", "withdrawn"})
"""Outcomes that tell of something done before: that it was done may be said of them."""
ADDED: dict[str, dict[Language, str]] = {
    "a figure": {"zh": "另收88元。", "en": " There is a charge of 88 yuan."},
    "a figure in Chinese numerals": {"zh": "一共三千五百块。", "en": " That makes three thousand five hundred."},
    "a share": {"zh": "大约占百分之五。", "en": " That is five per cent."},
    "a day": {"zh": "明天就到。", "en": " It will be there tomorrow."},
    "a promise": {"zh": "我们保证收益。", "en": " We guarantee the return."},
    "another act": {"zh": "转账已到账。", "en": " Your transfer has been approved."},
    "a gift": {"zh": "再送您红包。", "en": " And here is a bonus for you."},
}
CLAIM: dict[Language, str] = {"zh": "已为您办理成功。", "en": " It has been done for you."}
BOTH = (*written("honest_drafts.jsonl"), *written("honest_drafts_heldout.jsonl"))


def assert_all_refused(hostile: Iterable[tuple[Written, str]]) -> None:
    """Each lie is refused as a rewriting of the source that the honest draft comes nearest to."""
    tried = 0
    for each, said in hostile:
        tried += 1
        refused = bool(each.refusals(nearest(each)[0], said))
        # The words stay out of the message: the draft may be a held-out one.
        assert refused, f"a lie about {each.capability}.{each.outcome} passes"
    assert tried > 100


def some_fact_of_each() -> Iterator[tuple[Written, str, Fact]]:
    """Every draft with one of its facts, each time the next."""
    for number, each in enumerate(each for each in BOTH if each.tokens):
        token = each.tokens[number % len(each.tokens)]
        yield each, token, each.facts()[token]


@pytest.mark.parametrize("what", ADDED)
def test_no_draft_passes_with_a_lie_added(what):
    lies = ((number, each, ADDED[what][each.language]) for number, each in enumerate(BOTH))
    assert_all_refused(
        (each, each.draft + lie if number % 2 else lie.strip() + each.draft) for number, each, lie in lies
    )


def test_no_draft_passes_that_claims_what_was_not_done():
    undone = (each for each in BOTH if not each.completed and each.outcome not in RECORDED)
    assert_all_refused((each, each.draft + CLAIM[each.language]) for each in undone)


def test_no_draft_passes_without_one_of_its_facts():
    assert_all_refused((each, each.draft.replace(f"⟦{token}⟧", "")) for each, token, _ in some_fact_of_each())


def test_no_draft_passes_with_a_changed_value_in_place_of_a_fact():
    assert_all_refused(
        (each, each.draft.replace(f"⟦{token}⟧", _altered(fact.spoken(each.language))))
        for each, token, fact in some_fact_of_each()
    )


def test_no_draft_passes_with_a_fact_said_twice():
    assert_all_refused((each, f"{each.draft} ⟦{token}⟧") for each, token, _ in some_fact_of_each())


def _altered(text: str) -> str:
    """*text* with its first digit another one; a text without digits becomes a figure."""
    changed = re.sub(r"[0-9]", lambda digit: str((int(digit[0]) + 1) % 10), text, count=1)
    return changed if changed != text else "88.00"
