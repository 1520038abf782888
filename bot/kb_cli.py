"""``teller kb``: look after the bank's written answers, and try them."""

from __future__ import annotations

import asyncio
import sys
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Iterator, Sequence

    from backends.knowledge.answers import Answer, Language

LENDING = frozenset({"loan_apply", "loan_repay", "loan_status", "credit_report"})
"""Where a guarantee is what one person gives for another's debt, and no promise of the bank."""

app = typer.Typer(help="The bank's written answers.", no_args_is_help=True)


@app.command()
def check() -> None:
    """Look for answers that are expired, contradicting, unreachable or out of bounds; exit 1 naming them."""
    from backends.knowledge.answers import read_answers

    try:
        known = read_answers()
    except ValueError as error:
        print(error, file=sys.stderr)
        raise typer.Exit(1) from None
    found = problems(known)
    intents = {answer.intent for answer in known}
    verdict = f"{len(found)} problems" if found else "nothing wrong"
    print(f"{len(known)} answers on {len(intents)} capabilities: {verdict}")
    if found:
        for problem in found:
            print(f"  - {problem}", file=sys.stderr)
        raise typer.Exit(1)


@app.command()
def ask(
    question: Annotated[str, typer.Argument(help="As a customer would put it.")],
    about: Annotated[str | None, typer.Option(help="The capability it concerns, unless the model is to say.")] = None,
) -> None:
    """Show which answers a question finds, how well each fits, and what would be said."""
    from backends.knowledge.service import library
    from backends.values import BEIJING
    from bot.app import embedder_of
    from bot.parts import utc_now
    from intents.serve import Understander, language_of
    from intents.understanding import Context

    now = utc_now()
    today = now.astimezone(BEIJING).date()
    language = language_of(question, None)
    understander = Understander()
    intent = about or understander.understand(question, Context(today=today)).top
    known = library(embedder_of(understander))
    found = asyncio.run(known.search(intent, question, language, today))
    print(f"{intent} · {language} · an answer is given from {known.calibration.threshold(language):.2f} on")
    for candidate in found[:3]:
        print(f"  {candidate.score:.2f}  {candidate.answer.id}")
    answer = known.given(found, language)
    print("\n" + (said(answer, language, now) if answer else "No answer is clear enough: the closest are offered."))


@app.command()
def measure() -> None:
    """Hold out every wording and every answer once, and show what each threshold would make of them."""
    from backends.knowledge.answers import LANGUAGES, read_answers
    from backends.knowledge.measure import curve, held_out
    from bot.app import embedder_of
    from intents.serve import Understander

    found = asyncio.run(held_out(read_answers(), embedder_of(Understander())))
    for language in LANGUAGES:
        mine = [each for each in found if each.language == language]
        right, three = (sum(getattr(each, name) for each in mine) / len(mine) for name in ("right", "among_three"))
        print(f"{language}: {len(mine)} wordings; the best is right {right:.1%}, one of the three best {three:.1%}")
        print("  threshold   right   wrong   invented")
        for point in curve(mine, [number / 20 for number in range(2, 13)]):
            print(f"       {point.threshold:.2f}   {point.right:5.1%}   {point.wrong:5.1%}   {point.invented:5.1%}")


def problems(known: Sequence[Answer]) -> list[str]:
    """Everything wrong with *known* today, the words that a reply may not use among them."""
    from backends.knowledge.check import problems as of_the_base
    from backends.values import BEIJING
    from bot.parts import utc_now
    from intents.capability import catalog

    capabilities = catalog()
    served = {name for name, capability in capabilities.items() if capability.status == "served"}
    asked = {name for name, capability in capabilities.items() if capability.kind in ("knowledge", "write", "query")}
    today = utc_now().astimezone(BEIJING).date()
    found = asyncio.run(of_the_base(known, today, intents=asked, served=served))
    silent = {name for name in served if capabilities[name].kind == "knowledge"} - {each.intent for each in known}
    found += [f"{name}: is served, and has no answer" for name in sorted(silent)]
    on = {answer.intent for answer in known}
    for name in sorted(asked - {each for each in asked if capabilities[each].kind == "knowledge"}):
        if (name in on) != capabilities[name].written:
            found.append(f"{name}: the catalogue says written: {capabilities[name].written}, the answers otherwise")
    return [*found, *(problem for answer in known for problem in refused(answer))]


def refused(answer: Answer) -> Iterator[str]:
    """The words of *answer* that no reply of a bank may hold: a promise, a guarantee, advice it must not give."""
    from backends.knowledge.answers import LANGUAGES, words_of
    from responses.gates.bare import bare
    from responses.gates.compliance import check_compliance

    for language in LANGUAGES:
        for refusal in check_compliance(bare(words_of(answer.answer[language])), (), language):
            lawful = answer.intent in LENDING and refusal.span.lower().startswith(("担保", "guarant"))
            if not lawful:
                yield f"{answer.id} ({language}): {refusal.rule} at {refusal.span!r}"


def said(answer: Answer, language: Language, now: dt.datetime) -> str:
    """*answer* as it would be said."""
    from backends.knowledge.actions import stated
    from backends.result import Fact
    from backends.values import BEIJING
    from responses.draft import Drafter

    passage = Fact.of(
        "answer", answer.answer.zh, kind="passage", source="knowledge", as_of=now, english=answer.answer.en
    )
    facts = {fact.name: fact for fact in (passage, *stated(answer, now, now.astimezone(BEIJING).date()))}
    return f"{Drafter(language).line('{answer}', facts).text}\n({answer.source[language]})"
