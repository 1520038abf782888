"""``teller bench replies``: what the shipped writers, scripted models and the providers of a file make of real results."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from backends.result import Result
from backends.rules import standing_facts
from bot.specimens import NOW, specimens
from intents.capability import catalog
from responses.bench.checker import Bank
from responses.bench.control import control
from responses.bench.measure import Bench, Contender, Told, against, capabilities, figures, side_by_side
from responses.bench.observed import Liar, Observed
from responses.bench.scenes import Scene, scenes, worded
from responses.compose import TEMPLATE
from responses.freedom import DEFAULT, Freedom
from responses.gateway import DEADLINE, Meter, ModelProvider, Upstream
from responses.gateway.providers import Entry, open_provider
from responses.reply import Language
from responses.scripted import ScriptedModel
from responses.verify import rules_version
from responses.writer.serve import Writer, open_writer
from responses.writer.session import RELEASE

BUILT_IN = (TEMPLATE, "recital", "writer", "decoder", "scripted-honest", "scripted-lying")
"""``recital`` says what people wrote, ``decoder`` what our model writes, ``writer`` the first where it fits and else the second."""
SAMPLES = 12


class UnknownProvider(ValueError):
    """A provider is asked for that nobody knows."""


async def measure(
    *,
    number: int,
    seed: int,
    entries: Sequence[Entry] = (),
    only: Sequence[str] = (),
    deadline: float = DEADLINE,
    plans: int = 20,
    times: int = 10,
    lies_each: int = 20,
    honest: int = 1000,
    results: Sequence[Result] | None = None,
    freedom: Freedom = DEFAULT,
) -> dict[str, Any]:
    """The whole measurement as JSON: *number* scenes, the variety of *times* replies to each of *plans* plans, and the checker's
    own trial on so many lies of a kind and *honest* replies. *results* are the demo bank's unless told, *freedom* is that of models. ``UnknownProvider`` for a name in *only* that
    is neither built in nor one of *entries*, ``ProviderError`` for one that cannot be opened. The template is always there."""
    async with AsyncExitStack() as stack:
        contenders = [await _contender(name, entries, deadline, stack) for name in _names(entries, only)]
        if results is None:
            with TemporaryDirectory() as folder:
                results = await specimens(Path(folder))
        said_of = worded(results)
        bank = Bank.of(results)
        bench = Bench(standing_facts(NOW), bank, freedom=freedom)
        customers = _customers()
        told = await bench.told(contenders, scenes(said_of, number, seed=seed, now=NOW, customers=customers))
        took = {each.name: each.totals() for each in contenders}
        varied = await bench.variety(contenders, _plans(told[TEMPLATE], plans), times)
        measured = {
            each.name: figures(told[each.name], took[each.name], _currency(each)) | varied.get(each.name, {})
            for each in contenders
        }
        return {
            "rules": rules_version(),
            "seed": seed,
            "cores": len(os.sched_getaffinity(0)),
            "load": round(os.getloadavg()[0], 1),
            "deadline": deadline,
            "freedom": freedom,
            "results": len(said_of),
            "capabilities": capabilities(said_of),
            "scenes": len(told[TEMPLATE]),
            "plans": plans,
            "times": times,
            "providers": measured,
            "gave_up": [each.name for each in contenders if each.gave_up],
            "against_template": {name: against(each, measured[TEMPLATE]) for name, each in measured.items()},
            "checker": control(results, bank, each=lies_each, honest=honest, seed=seed) if lies_each or honest else None,
            "samples": side_by_side(told, SAMPLES),
        }  # fmt: skip


def run(**how: Any) -> dict[str, Any]:
    """``measure`` in a loop of its own."""
    return asyncio.run(measure(**how))


def line(name: str, found: Mapping[str, Any]) -> str:
    """What matters of one provider."""
    return (
        f"{name}: first pass {found['first_pass']:.1%}, after retry {found['after_retry']:.1%}, fallback {found['fallback']:.1%} of "
        f"{found['replies']}; wrong {found['wrong_replies']}; {found['ms']['p50']} ms (p99 {found['ms']['p99']}); "
        f"distinct-2 {found.get('distinct_2', '–')}, self-BLEU {found.get('self_bleu', '–')}; {found['cost']} {found['currency']}"
    )


def _names(entries: Sequence[Entry], only: Sequence[str]) -> list[str]:
    known = dict.fromkeys((*BUILT_IN, *(entry.name for entry in entries)))
    if unknown := [name for name in only if name not in known]:
        raise UnknownProvider(f"no provider is called {', '.join(unknown)}; there are {', '.join(known)}")
    return [name for name in known if not only or name in only or name == TEMPLATE]


async def _contender(name: str, entries: Sequence[Entry], deadline: float, stack: AsyncExitStack) -> Contender:
    """The provider called *name*; one of the file takes the place of ours of that name."""
    entry = next((each for each in entries if each.name == name), None)
    if entry is None and name == TEMPLATE:
        return Contender(name)
    provider = await asyncio.to_thread(open_provider, entry) if entry is not None else _built_in(name)
    if (close := getattr(provider, "close", None)) is not None:
        stack.push_async_callback(close)
    observed, meter = Observed(provider), Meter(NOW.date)
    if entry is None:
        return Contender(name, Upstream(observed, meter=meter), deadline)
    upstream = Upstream(
        observed, concurrency=entry.concurrency, on_premises=entry.in_house, price=entry.price, daily_budget=entry.budget,
        model=entry.model or entry.name, meter=meter,
    )  # fmt: skip
    return Contender(name, upstream, deadline)


def _built_in(name: str) -> ModelProvider:
    match name:
        case "recital":
            return open_writer(Entry(name=name, kind="writer"))
        case "writer":
            return open_writer(Entry(name=name, kind="writer", path=RELEASE))
        case "decoder":
            return Writer(RELEASE, name=name, pairs=())
        case "scripted-honest":
            return ScriptedModel("honest")
        case _:
            return Liar()


def _currency(contender: Contender) -> str:
    return contender.upstream.price.currency if contender.upstream is not None else "CNY"


def _customers() -> dict[tuple[str, Language], list[str]]:
    """What customers write, by capability and language."""
    found: dict[tuple[str, Language], list[str]] = {}
    for name, capability in catalog().items():
        for example in capability.parsed_examples():
            found.setdefault((name, example.language), []).append(example.text)
    return found


def _plans(told: Sequence[Told], number: int) -> list[Scene]:
    """Scenes spread over all of them."""
    scenes = [each.scene for each in told]
    return scenes[:: max(1, len(scenes) // number)][:number] if number else []
