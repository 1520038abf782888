"""From results to one reply: templates, a model's wording where one is allowed and passes the gates, evidence."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, partial

from backends.result import Fact, Result
from responses.audience import Audience
from responses.cards import cards_of
from responses.disclosures import disclosure
from responses.draft import Draft, Drafter, Filled, MissingFact, draft_result, fill, joined, merged
from responses.freedom import DEFAULT, Freedom
from responses.gates.refusal import Refusal
from responses.gateway import Gateway, Rewritten
from responses.library import TemplateError, wording
from responses.manner import GREETS_ITSELF, check_manner, closing, greeting, opening, telephone
from responses.parts import Part
from responses.persona import persona
from responses.phrases import key, keys_of, lead
from responses.prompting import matter, prompt_for, prompt_version
from responses.pruning import Pruned, prune
from responses.reply import How, Language, QuickReply, RefusedSpan, Reply
from responses.rest import behind, rest_of, retold
from responses.streaming import Heard, Listener
from responses.telling import Mouth, say_up_to, tell
from responses.verify import rules_version, verify

MAX_QUICK_REPLIES = 6
TEMPLATE = "template"


async def compose(
    results: Sequence[Result],
    audience: Audience,
    *,
    now: dt.datetime,
    rules: Mapping[str, Fact],
    gateway: Gateway | None = None,
    listener: Listener | None = None,
    freedom: Freedom = DEFAULT,
) -> Reply:
    """One reply holding all *results*, in their order, for *audience* at *now* (aware, UTC).

    *rules* are facts by name that any template may state where the result has none of that name (the bank's hotline).
    What must be said beside the results comes before the questions at the end, so that the reply ends with them.
    A model's wording of the parts that need not be exact is used where it passes every gate, in words that *freedom* allows;
    else the templates are the reply. A *listener* hears a model's sentences as soon as they are verified, and the reply begins with what they
    heard; a reply by template, or by a model that streams nothing, is whole at once, and nothing of it is heard before. Raises ``TemplateError``,
    ``MissingFact`` or ``UnknownDisclosure`` where this room lacks a part that a result needs: never on account of a model.
    """
    drafter = Drafter(audience.language)
    parts = _parts(results, audience, rules, drafter)
    plan = _plan(parts, _disclosures(results, audience, now), audience, rules, drafter)
    if listener is not None and listener.heard.text:
        whole = await _ended(plan, listener, audience.language)
        how = How(generator=TEMPLATE, verdict="mended", rules=rules_version(), phrases=_phrases(plan.plain))
    else:
        rewritten = streamed = None
        if gateway is not None and plan.free:
            streamed = listener if gateway.streams else None
            rewritten = await _rewrite(plan, audience, gateway, streamed, freedom)
        said = fill(plan.plain)
        if rewritten is not None and rewritten.text is not None:
            phone = plan.telephone(rewritten.text)
            told = [fill(plan.before), fill(plan.source, rewritten.text), fill(phone), fill(plan.after)]
            said = joined(told, "")
            if streamed is not None:
                await say_up_to(streamed, said)
        whole = Heard(said.text, tuple(span.evidence() for span in said.spans))
        how = _how(plan, rewritten)
    return Reply(
        text=whole.text,
        language=audience.language,
        evidence=whole.evidence,
        cards=tuple(card for result in results for card in cards_of(result, audience.language)),
        quick_replies=_quick_replies(parts, audience),
        how=how,
    )


@dataclass(frozen=True)
class _Plan:
    """The reply before anybody has put it into words. ``plain`` is all of it by template.

    A model may say ``source``, what the ``free`` parts say, in words of its own; it stands between ``before`` (greeting
    and what is exact) and ``after`` (what is exact, must be said, or asks), with the ``phone`` for an older customer between.
    """

    plain: Draft
    hello: Draft | None
    opening: Draft | None
    answers: Sequence[Part]
    end: Draft
    space: str
    phone: Draft | None

    @cached_property
    def free(self) -> tuple[Part, ...]:
        return tuple(part for part in self.answers if not part.exact)

    @cached_property
    def before(self) -> Draft:
        exact = [part.draft for part in self.answers[: self._first]]
        row = _row([self.hello, self.opening if exact else None, merged(exact, "\n")], self.space)
        gap = ("\n" if exact else self.space) if row.text else ""
        return Draft(row.text + gap, row.fillers, row.phrases)

    @cached_property
    def source(self) -> Draft:
        return merged([part.draft for part in self.free], "\n")

    @cached_property
    def after(self) -> Draft:
        row = _row([*(part.draft for part in self.answers[self._first :] if part.exact), self.end], "\n")
        return Draft(f"\n{row.text}" if row.text else "", row.fillers, row.phrases)

    def telephone(self, text: str) -> Draft:
        """The ``phone`` behind a model's *text*; nothing behind a question, or where that names it."""
        if self.phone is None or self.phone.text in text or text.rstrip().endswith(("？", "?")):
            return Draft("", {})
        gap = "\n" if text.rstrip().endswith("⟧") else self.space
        return Draft(gap + self.phone.text, self.phone.fillers, self.phone.phrases)

    @property
    def _first(self) -> int:
        """The place of the first part that a model may say."""
        return next((place for place, part in enumerate(self.answers) if not part.exact), len(self.answers))


def _plan(
    parts: list[Part], required: Sequence[str], audience: Audience, rules: Mapping[str, Fact], drafter: Drafter
) -> _Plan:
    space = "" if audience.language == "zh" else " "
    answers, questions = _apart(parts) if required else (parts, [])
    hello, open_ = greeting(parts, audience, drafter), opening(parts, audience, drafter)
    end = _row([*(Draft(text, {}) for text in required), *(part.draft for part in questions)], "\n")
    # Behind what must be said an offer would stand lost, and before it as the end that it is not.
    close = closing(parts, audience, rules, drafter) if not end.text else None
    head = _row([hello, open_, merged([part.draft for part in answers], "\n")], space)
    # A list is followed by a line of its own.
    gap = "\n" if head.text.endswith("⟧") else space
    phone = telephone(parts, audience, rules, drafter) if not end.text else None
    return _Plan(_row([_row([head, close], gap), end], "\n"), hello, open_, answers, end, space, phone)


def _row(drafts: Sequence[Draft | None], separator: str) -> Draft:
    """Those of *drafts* that say anything, one behind the other."""
    told = [draft for draft in drafts if draft is not None and draft.text]
    return told[0] if len(told) == 1 else merged(told, separator)


def _parts(results: Sequence[Result], audience: Audience, rules: Mapping[str, Fact], drafter: Drafter) -> list[Part]:
    """Each result with its draft."""
    parts = []
    named = {} if audience.honorific is None else {"honorific": audience.honorific}
    for result in results:
        said = wording(result.capability, result.outcome)
        if said.completed and not result.completed:
            raise TemplateError(f"{result.capability}.{result.outcome} says it was done, and it was not")
        known = {**rules, **named} if result.capability in GREETS_ITSELF and not audience.greeted else rules
        parts.append(Part(result, said, draft_result(drafter, said, result, known, audience)))
    return parts


def _apart(parts: list[Part]) -> tuple[list[Part], list[Part]]:
    """The answers, and the questions behind the last of them."""
    end = max((place for place, part in enumerate(parts, 1) if not part.asks), default=0)
    return parts[:end], parts[end:]


async def _rewrite(
    plan: _Plan, audience: Audience, gateway: Gateway, listener: Listener | None, freedom: Freedom
) -> Rewritten:
    """All free parts in one request, pruned of what nobody vouches for, and checked by every gate."""
    results = [part.result for part in plan.free]
    prompt = prompt_for(plan.source, audience, [matter(part.result, part.draft) for part in plan.free])

    def check(text: str) -> list[Refusal]:
        greeted = audience.greeted or bool(plan.before.text)
        return [
            *verify(text, plan.source, results, audience.language, instructions=prompt.instructions),
            *check_manner(text, results, audience, greeted=greeted),
        ]

    def vouched(text: str, *, whole: bool = True) -> Pruned:
        return prune(text, plan.source, results, audience.language, whole=whole, freedom=freedom)

    capability, seed = results[0].capability, audience.variation
    if listener is None:
        rewritten = await gateway.rewrite(prompt, check, capability=capability, seed=seed, prune=vouched)
        nothing_left = rewritten.verdict == "pruned" and rewritten.text == plan.source.text.strip()
        return replace(rewritten, text=None, verdict="refused") if nothing_left else rewritten
    mouth = Mouth(listener, fill(plan.before), plan.source)
    by_sentence = partial(vouched, whole=False)
    return await tell(prompt, gateway, mouth, check, capability=capability, seed=seed, prune=by_sentence)


async def _ended(plan: _Plan, listener: Listener, language: Language) -> Heard:
    """What was heard in a turn that broke off, and by template what it had still to say.

    Where the facts are others by now, nothing is taken back: all of it is said once more, as it stands.
    """
    heard = listener.heard
    whole = Draft(
        plan.before.text + plan.source.text + plan.after.text,
        {**plan.before.fillers, **plan.source.fillers, **plan.after.fillers},
    )
    after = fill(plan.after)
    said = retold(whole, heard.text, heard.evidence)
    if said is None:
        again = joined([Filled(f"\n{persona().cut_off[language]}"), fill(plan.plain)], "")
    elif after.text and heard.text.endswith(after.text):
        again = Filled("")
    else:
        told = said.removeprefix(plan.before.text)
        results = [part.result for part in plan.free]
        left = rest_of(plan.source, told, lambda text: verify(text, plan.source, results, language), language)
        gap = behind(told, left, language)[len(told) : -len(left)] if left else ""
        again = joined([Filled(gap), fill(plan.source, left), after], "")
    evidence = tuple(span.shifted(len(heard.text)).evidence() for span in again.spans)
    await listener.hear(again.text, evidence)
    return heard.and_then(again.text, evidence)


def _how(plan: _Plan, rewritten: Rewritten | None) -> How:
    if rewritten is None:
        return How(generator=TEMPLATE, verdict="template", rules=rules_version(), phrases=_phrases(plan.plain))
    # Where nothing of the model's own was left, the template said it all.
    by_model = rewritten.text is not None
    phrases = _phrases(plan.plain)
    if rewritten.text is not None:
        phone = plan.telephone(rewritten.text)
        told = (*plan.before.phrases, *keys_of(rewritten.text), *phone.phrases)
        said = Draft(plan.before.text + rewritten.text, {}, told)
        phrases = _phrases(said)
    return How(
        generator=rewritten.generator if by_model else TEMPLATE,
        prompt=prompt_version(),
        attempts=rewritten.attempts,
        verdict=rewritten.verdict,
        refused=tuple(RefusedSpan(rule=refusal.rule, span=refusal.span) for refusal in rewritten.refused),
        rules=rules_version(),
        phrases=phrases,
    )


def _phrases(said: Draft) -> tuple[str, ...]:
    """What the conversation will remember of it; last the words it opens with."""
    first = key("".join(lead(said.text)))
    return (*dict.fromkeys(phrase for phrase in said.phrases if phrase != first), first)


def _disclosures(results: Sequence[Result], audience: Audience, now: dt.datetime) -> list[str]:
    """What must be said beside the results, each text once."""
    names = dict.fromkeys(name for result in results for name in result.disclosures)
    return [disclosure(name, now.date()).text(audience.language) for name in names]


def _quick_replies(parts: Sequence[Part], audience: Audience) -> tuple[QuickReply, ...]:
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
