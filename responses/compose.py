"""From results to one reply: templates, a model's wording where one is allowed and passes the gates, evidence."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from backends.result import Fact, Result
from responses.audience import Audience
from responses.cards import cards_of
from responses.disclosures import disclosure
from responses.draft import Draft, Drafter, Filled, MissingFact, draft_result, fill, joined, merged
from responses.gateway import Gateway, Rewritten
from responses.library import SHARED, TemplateError, Wording, library, wording
from responses.prompting import prompt_for, prompt_version
from responses.reply import How, QuickReply, RefusedSpan, Reply
from responses.verify import rules_version, verify

MAX_QUICK_REPLIES = 6
GREETS_ITSELF = frozenset({"greet", "goodbye"})
"""Capabilities whose own words greet or part: a greeting by name in front would be one too many."""

EXACT = frozenset(
    {
        "ready", "changed", "expired", "sign_in", "channel", "pending", "not_done", "ask_code", "ask_change", "foreign",
        "answered",
    }
)  # fmt: skip
"""Outcomes whose words are binding or another's: what is confirmed, why nothing was done, how the customer is
identified, a foreign action's text, and an answer that the bank has written. With every one-time code outcome and fraud advice they are said as written."""

EXACT_CAPABILITIES = frozenset({"fraud_security"})
QUESTIONS = frozenset({"resume", "offer", "ready", "choose", "clarify"})
"""Outcomes that ask for an answer, as does every ``ask_…``: what must be said beside a reply goes before them."""
TEMPLATE = "template"


@dataclass(frozen=True, slots=True)
class _Part:
    """A result, its wording and the draft that the template made of it."""

    result: Result
    wording: Wording
    draft: Draft

    @property
    def exact(self) -> bool:
        """Whether no model may touch it."""
        result = self.result
        return (
            result.outcome in EXACT
            or result.outcome.startswith("code_")
            or result.capability in EXACT_CAPABILITIES
            or any(fact.sensitivity == "secret" for fact in result.facts)
        )

    @property
    def asks(self) -> bool:
        """Whether it leads up to a question, or is one."""
        return self.result.outcome in QUESTIONS or self.result.outcome.startswith("ask_")


async def compose(
    results: Sequence[Result],
    audience: Audience,
    *,
    now: dt.datetime,
    rules: Mapping[str, Fact],
    gateway: Gateway | None = None,
) -> Reply:
    """One reply holding all *results*, in their order, for *audience* at *now* (aware, UTC).

    *rules* are facts by name that any template may state where the result has none of that name (the bank's hotline).
    What must be said beside the results comes before the questions at the end, so that the reply ends with them.
    A model's wording of the parts that need not be exact is used where it passes every gate; else the templates are
    the reply. Raises ``TemplateError``, ``MissingFact`` or ``UnknownDisclosure`` where this room lacks a part that a
    result needs: never on account of a model.
    """
    drafter = Drafter(audience.language)
    parts = _parts(results, audience, rules, drafter)
    required = _disclosures(results, audience, now)
    answers, questions = _apart(parts) if required else (parts, [])
    texts = [Filled(text) for text in required] + [fill(part.draft) for part in questions]
    opening = _opening(results, audience, drafter)
    rewritten: Rewritten | None = None
    if answers:
        if opening is not None:
            space = "" if audience.language == "zh" else " "
            answers[0] = replace(answers[0], draft=merged([opening, answers[0].draft], space))
        free = [part for part in answers if not part.exact]
        if gateway is not None and free:
            rewritten = await _rewrite(free, audience, gateway)
        texts.insert(0, _assembled(answers, rewritten))
    elif opening is not None:
        texts.insert(0, fill(opening))
    said = joined(texts, "\n")
    return Reply(
        text=said.text,
        language=audience.language,
        evidence=tuple(span.evidence() for span in said.spans),
        cards=tuple(card for result in results for card in cards_of(result, audience.language)),
        quick_replies=_quick_replies(parts, audience),
        how=_how(rewritten),
    )


def _parts(results: Sequence[Result], audience: Audience, rules: Mapping[str, Fact], drafter: Drafter) -> list[_Part]:
    """Each result with its draft."""
    parts = []
    for result in results:
        said = wording(result.capability, result.outcome)
        if said.completed and not result.completed:
            raise TemplateError(f"{result.capability}.{result.outcome} says it was done, and it was not")
        parts.append(_Part(result, said, draft_result(drafter, said, result, rules, audience)))
    return parts


def _apart(parts: list[_Part]) -> tuple[list[_Part], list[_Part]]:
    """The answers, and the questions behind the last of them."""
    end = max((place for place, part in enumerate(parts, 1) if not part.asks), default=0)
    return parts[:end], parts[end:]


def _opening(results: Sequence[Result], audience: Audience, drafter: Drafter) -> Draft | None:
    """The greeting that a conversation has once; ``None`` where it has been given."""
    greeting = library()[SHARED].opening
    if audience.greeted or audience.honorific is None or greeting is None or results[0].capability in GREETS_ITSELF:
        return None
    variants = greeting[audience.language]
    return drafter.draft(variants[audience.variation % len(variants)], {"honorific": audience.honorific})


async def _rewrite(parts: Sequence[_Part], audience: Audience, gateway: Gateway) -> Rewritten:
    """All free parts in one request, checked by every gate."""
    draft = merged([part.draft for part in parts], "\n")
    results = [part.result for part in parts]
    prompt = prompt_for(draft, audience)
    return await gateway.rewrite(
        prompt, lambda text: verify(text, draft, results, audience.language, instructions=prompt.instructions)
    )


def _assembled(parts: Sequence[_Part], rewritten: Rewritten | None) -> Filled:
    """The finished text: the templates in order, or the model's words where the first free part stood."""
    if rewritten is None or rewritten.text is None:
        return joined([fill(part.draft) for part in parts], "\n")
    free = merged([part.draft for part in parts if not part.exact], "\n")
    texts: list[Filled] = []
    placed = False
    for part in parts:
        if part.exact:
            texts.append(fill(part.draft))
        elif not placed:
            texts.append(fill(free, rewritten.text))
            placed = True
    return joined(texts, "\n")


def _how(rewritten: Rewritten | None) -> How:
    if rewritten is None:
        return How(generator=TEMPLATE, verdict="template", rules=rules_version())
    return How(
        generator=rewritten.generator if rewritten.verdict == "passed" else TEMPLATE,
        prompt=prompt_version(),
        attempts=rewritten.attempts,
        verdict=rewritten.verdict,
        refused=tuple(RefusedSpan(rule=refusal.rule, span=refusal.span) for refusal in rewritten.refused),
        rules=rules_version(),
    )


def _disclosures(results: Sequence[Result], audience: Audience, now: dt.datetime) -> list[str]:
    """What must be said beside the results, each text once."""
    names = dict.fromkeys(name for result in results for name in result.disclosures)
    return [disclosure(name, now.date()).text(audience.language) for name in names]


def _quick_replies(parts: Sequence[_Part], audience: Audience) -> tuple[QuickReply, ...]:
    """The choices first, then what each outcome offers; each once. A button whose fact is missing is left out."""
    language = audience.language
    found: dict[str, QuickReply] = {}
    for part in parts:
        facts = {fact.name: fact for fact in part.result.facts}
        offered = part.wording.quick_replies[language] if part.wording.quick_replies else ()
        buttons = [(button, facts) for button in offered]
        if part.wording.choice is not None:
            chosen = part.wording.choice[language]
            buttons = [
                *((chosen, {fact.name: fact for fact in choice.facts}) for choice in part.result.choices), *buttons
            ]  # fmt: skip
        for button, known in buttons:
            try:
                title, payload = (
                    Drafter(language).line(template, known).text for template in (button.title, button.payload)
                )
            except MissingFact:
                continue
            found.setdefault(payload, QuickReply(title=title, payload=payload))
    return tuple(found.values())[:MAX_QUICK_REPLIES]
