"""From results to one reply: templates, a model's wording where one is allowed and passes the gates, evidence."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

from backends.result import Card, Result
from responses.audience import Audience
from responses.draft import Drafter, Filled, MissingFact, draft_result, fill, joined
from responses.library import SHARED, Wording, library, wording
from responses.reply import How, QuickReply, Reply
from responses.rules import disclosure, rule_facts

MAX_QUICK_REPLIES = 6
GREETS_ITSELF = {"greet", "goodbye"}


async def compose(results: Sequence[Result], audience: Audience, *, now: dt.datetime) -> Reply:
    """One reply holding all *results*, in their order."""
    drafter = Drafter(audience.language)
    rules = rule_facts(now)
    wordings = [wording(result.capability, result.outcome) for result in results]
    drafts = [
        draft_result(drafter, said, result, rules, audience) for result, said in zip(results, wordings, strict=True)
    ]
    said = joined([fill(each) for each in drafts], "\n")
    said = joined([_opening(results, audience), said], "")
    text = "\n".join([said.text, *_disclosures(results, audience, now)])
    return Reply(
        text=text,
        language=audience.language,
        evidence=tuple(span.evidence() for span in said.spans),
        cards=_cards(results),
        quick_replies=_quick_replies(results, wordings, audience),
        how=How(generator="template", verdict="template", rules=""),
    )


def _opening(results: Sequence[Result], audience: Audience) -> Filled:
    """The greeting by name that a conversation has once, in front of its first reply."""
    opening = library()[SHARED].opening
    if audience.greeted or audience.honorific is None or opening is None or results[0].capability in GREETS_ITSELF:
        return Filled("")
    variants = opening[audience.language]
    template = variants[audience.variation % len(variants)] + ("" if audience.language == "zh" else " ")
    return Drafter(audience.language).line(template, {"honorific": audience.honorific})


def _disclosures(results: Sequence[Result], audience: Audience, now: dt.datetime) -> list[str]:
    names = dict.fromkeys(name for result in results for name in result.disclosures)
    return [disclosure(name, now.date()).text(audience.language) for name in names]


def _cards(results: Sequence[Result]) -> tuple[Card, ...]:
    return tuple(result.card for result in results if result.card is not None)


def _quick_replies(
    results: Sequence[Result], wordings: Sequence[Wording], audience: Audience
) -> tuple[QuickReply, ...]:
    """The choices first, then what each outcome offers; each once."""
    language = audience.language
    drafter = Drafter(language)
    found: dict[str, QuickReply] = {}
    for result, said in zip(results, wordings, strict=True):
        facts = {fact.name: fact for fact in result.facts}
        buttons = [
            (said.choice[language], {fact.name: fact for fact in choice.facts})
            for choice in result.choices
            if said.choice is not None
        ]
        buttons += [(button, facts) for button in (said.quick_replies[language] if said.quick_replies else ())]
        for button, known in buttons:
            try:
                title, payload = (drafter.line(part, known).text for part in (button.title, button.payload))
            except MissingFact:
                continue
            found.setdefault(payload, QuickReply(title=title, payload=payload))
    return tuple(found.values())[:MAX_QUICK_REPLIES]
