"""The measurement as one HTML page that needs nothing else: figures, bars, and what everybody said side by side."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from html import escape
from typing import Any

from responses.compose import TEMPLATE

_STYLE = """
:root { color-scheme: light dark; --ink: #1b2733; --soft: #5b6b7a; --line: #d8dfe6; --paper: #fff; --panel: #f5f7f9;
  --good: #2c7a5b; --again: #c9a227; --bad: #b3452c; --plain: #4a6d9c; --pale: #a9bbd3; }
@media (prefers-color-scheme: dark) { :root { --ink: #dfe6ec; --soft: #95a4b2; --line: #33404c; --paper: #14191f; --panel: #1c232b;
  --good: #5bb890; --again: #d9b84a; --bad: #e0775c; --plain: #86a9d8; --pale: #46597a; } }
* { box-sizing: border-box; }
body { font: 15px/1.55 system-ui, "Noto Sans CJK SC", sans-serif; margin: 2.5rem auto; max-width: 78rem; padding: 0 1.25rem; color: var(--ink); background: var(--paper); }
h1 { font-size: 1.6rem; margin: 0 0 .3rem; } h2 { font-size: 1.15rem; margin: 2.6rem 0 .4rem; } p { margin: .3rem 0 .8rem; max-width: 62rem; }
.soft, caption { color: var(--soft); }
.wide { overflow-x: auto; } table { border-collapse: collapse; margin: .6rem 0; font-variant-numeric: tabular-nums; }
th, td { padding: .3rem .6rem; border-bottom: 1px solid var(--line); text-align: right; white-space: nowrap; }
th { font-weight: 600; } th:first-child, td:first-child { text-align: left; } td.words { white-space: normal; text-align: left; } th.words { text-align: left; }
caption { text-align: left; padding-bottom: .2rem; } .wrong { color: var(--bad); font-weight: 600; }
.bars { display: grid; margin-top: 1.6rem; grid-template-columns: repeat(auto-fit, minmax(21rem, 1fr)); gap: 1.2rem 2rem; }
figure { margin: 0; } figcaption { font-weight: 600; margin-bottom: .3rem; } figcaption small { font-weight: 400; color: var(--soft); }
svg { display: block; width: 100%; height: auto; } svg text { font: 12px system-ui, sans-serif; fill: var(--ink); } svg .soft { fill: var(--soft); }
.good { fill: var(--good); } .again { fill: var(--again); } .bad { fill: var(--bad); } .plain { fill: var(--plain); } .pale { fill: var(--pale); }
p.key { font-size: .85rem; margin: .2rem 0 0; } .key span { display: inline-block; width: .75rem; height: .75rem; border-radius: 2px; margin: 0 .3rem 0 .7rem; vertical-align: -1px; }
p.key { font-size: .85rem; margin: .2rem 0 0; } .key span:first-child { margin-left: 0; }
.scene { border-top: 1px solid var(--line); padding: .9rem 0; } .scene > p { margin: 0 0 .5rem; }
.said { display: grid; grid-template-columns: repeat(auto-fit, minmax(19rem, 1fr)); gap: .7rem; }
.card { background: var(--panel); border-radius: 8px; padding: .6rem .8rem; white-space: pre-wrap; overflow-wrap: anywhere; }
.card b { display: block; font-size: .85rem; } .card b i { font-weight: 400; color: var(--soft); } .card .no { color: var(--bad); font-weight: 400; }
"""
_WIDTH, _LEFT, _ROW, _BAR = 420, 118, 26, 14
_ROOM = 92
"""Left of a bar for its name, right of it for its figures."""


def page(report: Mapping[str, Any]) -> str:
    """The report of ``bot.bench_replies.measure`` as HTML."""
    providers: Mapping[str, Any] = report["providers"]
    parts = [
        _head(report),
        f"<h2>Figures</h2>{_table(report)}",
        _pictures(providers),
        f"<h2>Why the template was said instead</h2>{_reasons(providers)}",
        f"<h2>What the checker is worth</h2>{_checker(report['checker'])}" if report["checker"] else "",
        f"<h2>Wrong replies</h2>{_wrong(providers)}",
        f"<h2>By language, mood and tone</h2>{_grouped(providers, ('by_language', 'by_mood', 'by_tone'))}",
        f"<h2>By capability</h2>{_grouped(providers, ('by_capability',))}",
        f"<h2>Side by side</h2>{_samples(report['samples'])}",
    ]
    return (
        '<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">'
        f"<title>Replies, measured</title><style>{_STYLE}</style>{''.join(parts)}</html>\n"
    )


def _head(report: Mapping[str, Any]) -> str:
    gave_up = f" Given up on, silent too often: {escape(', '.join(report['gave_up']))}." if report["gave_up"] else ""
    return (
        f"<h1>Replies, measured</h1><p class=soft>{report['scenes']:,} scenes out of {report['results']} results of the demo bank over "
        f"{report['capabilities']} capabilities, each told by {len(report['providers'])} providers through the gateway that serves "
        f"(deadline {report['deadline']} s), to every mood, tone, language and channel in turn. Seed {report['seed']}, rules "
        f"{escape(report['rules'])}, {report['cores']} cores, load {report['load']}.{gave_up}</p>"
    )


_Cell = Callable[[Mapping[str, Any], Mapping[str, Any]], str]
_WHETHER: tuple[tuple[str, _Cell], ...] = (
    ("replies", lambda each, _: f"{each['replies']:,}"),
    ("first pass", lambda each, _: _percent(each["first_pass"])),
    ("trimmed", lambda each, _: _percent(each["trimmed"])),
    ("passed at last", lambda each, _: _percent(each["after_retry"])),
    ("fallback", lambda each, _: _percent(each["fallback"])),
    ("wrong, shown", lambda each, _: _count(each["wrong"]["replies"])),
)
_HOW: tuple[tuple[str, _Cell], ...] = (
    ("distinct-2", lambda each, many: _times(each.get("distinct_2"), many["distinct_2"])),
    ("self-BLEU", lambda each, many: _times(each.get("self_bleu"), many["self_bleu"])),
    ("zh chars", lambda each, many: _times(each["characters_zh"], many["characters_zh"])),
    ("en words", lambda each, many: _times(each["words_en"], many["words_en"])),
    ("ms p50", lambda each, many: _times(each["ms"]["p50"], many["ms_p50"])),
    ("ms p99", lambda each, many: _times(each["ms"]["p99"], many["ms_p99"])),
    ("tokens", lambda each, _: _tokens(each)),
    ("cost, 1,000", lambda each, _: f"{each['cost_of_1000_replies']} {escape(each['currency'])}"),
)


def _table(report: Mapping[str, Any]) -> str:
    return (
        "<p class=soft>First pass: the first draft passed every gate, all of it. Trimmed: it is shown without what was refused of it. At last: those, and after one retry. Fallback: the template was said instead. Wrong: a checker that "
        f"shares nothing with the gates found something in what was shown.</p>{_columns(report, _WHETHER)}"
        "<p class=soft>In brackets: as a multiple of the template's in this run. distinct-2 and self-BLEU: of "
        f"{report['times']} replies to each of {report['plans']} plans, facts apart, as they were shown, fallbacks among them. Tokens: in and out, ~ where they are estimated.</p>"
        f"{_columns(report, _HOW)}"
    )


def _columns(report: Mapping[str, Any], columns: Sequence[tuple[str, _Cell]]) -> str:
    head = "".join(f"<th>{name}</th>" for name, _ in columns)
    rows = "".join(
        f"<tr><td>{escape(name)}</td>"
        + "".join(f"<td>{cell(each, report['against_template'][name])}</td>" for _, cell in columns)
        + "</tr>"
        for name, each in report["providers"].items()
    )
    return f"<div class=wide><table><tr><th>provider</th>{head}</tr>{rows}</table></div>"


def _tokens(found: Mapping[str, Any]) -> str:
    return f"{'~' if found['estimated_calls'] else ''}{found['tokens_in']:,} / {found['tokens_out']:,}"


def _pictures(providers: Mapping[str, Any]) -> str:
    key = (
        '<p class="key soft"><span style="background:var(--good)"></span>first pass<span style="background:var(--pale)"></span>trimmed<span style="background:var(--again)"></span>'
        'a retry<span style="background:var(--bad)"></span>template</p>'
    )
    passes = {
        name: [("good", each["first_pass"]), ("again", each["after_retry"] - each["first_pass"] - each["trimmed"]), ("bad", each["fallback"])]
        for name, each in providers.items()
    }  # fmt: skip
    pictures = [
        f"<figure><figcaption>Drafts that passed</figcaption>{_stacked(passes)}{key}</figure>",
        _figure("Latency", "ms of a whole reply: median, and p99 pale", {name: (each["ms"]["p50"], each["ms"]["p99"]) for name, each in providers.items()}, "{:,.1f}"),
        _figure("distinct-2", "higher is more varied", {name: (each["distinct_2"], None) for name, each in providers.items() if "distinct_2" in each}, "{:.3f}"),
        _figure("self-BLEU", "lower is more varied", {name: (each["self_bleu"], None) for name, each in providers.items() if "self_bleu" in each}, "{:.3f}"),
        _figure("Length", "characters of a Chinese reply", {name: (each["characters_zh"], None) for name, each in providers.items()}, "{:.0f}"),
        _figure("Length", "words of an English reply", {name: (each["words_en"], None) for name, each in providers.items()}, "{:.0f}"),
    ]  # fmt: skip
    return f"<div class=bars>{''.join(pictures)}</div>"


def _stacked(bars: Mapping[str, Sequence[tuple[str, float]]]) -> str:
    rows = []
    for place, (name, shares) in enumerate(bars.items()):
        top, left = _ROW * place, float(_LEFT)
        rows.append(_name(name, top))
        for kind, share in shares:
            width = (_WIDTH - _LEFT - _ROOM) * max(0.0, share)
            rows.append(
                f'<rect class="{kind}" x="{left:.1f}" y="{top + 5}" width="{width:.1f}" height="{_BAR}"><title>{kind} {share:.1%}</title></rect>'
            )
            left += width
        rows.append(_value(_WIDTH - _ROOM + 8, top, _percent(1 - shares[-1][1])))
    return _svg("drafts that passed", len(bars), rows)


def _figure(title: str, about: str, bars: Mapping[str, tuple[float, float | None]], form: str) -> str:
    most = max((max(value, high or 0.0) for value, high in bars.values()), default=0.0) or 1.0
    rows = []
    for place, (name, (value, high)) in enumerate(bars.items()):
        top, scale = _ROW * place, (_WIDTH - _LEFT - _ROOM) / most
        rows.append(_name(name, top))
        if high is not None:
            rows.append(f'<rect class="pale" x="{_LEFT}" y="{top + 5}" width="{high * scale:.1f}" height="{_BAR}"/>')
        rows.append(
            f'<rect class="plain" x="{_LEFT}" y="{top + 5}" width="{max(value * scale, 1):.1f}" height="{_BAR}"/>'
        )
        said = form.format(value) + (f" / {high:,.0f}" if high is not None else "")
        rows.append(_value(_WIDTH - _ROOM + 8, top, said))
    picture = _svg(f"{title}: {about}", len(bars), rows)
    return f"<figure><figcaption>{escape(title)} <small>{escape(about)}</small></figcaption>{picture}</figure>"


def _svg(label: str, rows: int, parts: Sequence[str]) -> str:
    return (
        f'<svg role="img" aria-label="{escape(label)}" viewBox="0 0 {_WIDTH} {_ROW * rows + 4}">{"".join(parts)}</svg>'
    )


def _name(name: str, top: float) -> str:
    short = name if len(name) <= 18 else name[:17] + "…"
    return f'<text x="{_LEFT - 8}" y="{top + 16}" text-anchor="end">{escape(short)}<title>{escape(name)}</title></text>'


def _value(left: float, top: float, said: str) -> str:
    return f'<text class="soft" x="{left:.1f}" y="{top + 16}">{escape(said)}</text>'


def _reasons(providers: Mapping[str, Any]) -> str:
    rows = "".join(
        f"<tr><td>{escape(name)}</td><td class=words>{_counts(each['fallbacks_by_rule'])}</td><td class=words>{_counts(each['rules'])}</td></tr>"
        for name, each in providers.items()
        if each["rules"] or each["fallbacks_by_rule"]
    )
    if not rows:
        return "<p>It never was.</p>"
    return f"<div class=wide><table><tr><th>provider</th><th class=words>of replies left to the template</th><th class=words>of all replies with a refused draft</th></tr>{rows}</table></div>"


def _counts(counts: Mapping[str, int], most: int = 12) -> str:
    return ", ".join(f"{escape(name.replace('_', ' '))} {count}" for name, count in list(counts.items())[:most]) or "–"


def _checker(found: Mapping[str, Any]) -> str:
    rows = "".join(
        f"<tr><td>{escape(aim)}</td><td>{each['told']:,}</td><td>{each['found']:,}</td><td>{_percent(each['found'] / max(1, each['told']))}</td></tr>"
        for aim, each in found["lies"].items()
    )
    honest = found["honest"]
    return (
        "<p class=soft>Lies of every kind of the hostile bench were put past the gates on purpose and shown to the checker. What it finds "
        "below is what it would have found had a provider said it; it is a second look at figures, dates, names and statuses, and no second "
        f"set of gates. It cried wolf at {honest['alarms']} of {honest['replies']:,} honest replies that people wrote.</p>"
        f"<table><tr><th>wrong about a</th><th>lies</th><th>found</th><th></th></tr>{rows}</table>"
    )


def _wrong(providers: Mapping[str, Any]) -> str:
    shown = "".join(
        f"<div class=scene><p><b>{escape(name)}</b> <span class=soft>{escape(each['of'])}</span> "
        f"<span class=wrong>{escape('; '.join(each['wrong']))}</span></p><div class=card>{escape(each['shown'])}</div></div>"
        for name, found in providers.items()
        for each in found["wrong"]["samples"]
    )
    return shown or "<p>None was found.</p>"


def _grouped(providers: Mapping[str, Any], groups: Sequence[str]) -> str:
    names = [name for name in providers if name != TEMPLATE] or list(providers)
    head = "".join(f"<th>{escape(name)}</th>" for name in names)
    rows = ""
    for group in groups:
        for key in next(iter(providers.values()))[group]:
            cells = "".join(_cell(providers[name][group].get(key)) for name in names)
            rows += f"<tr><td>{escape(key)}</td>{cells}</tr>"
    return (
        "<div class=wide><table><caption>First pass and, where trimming or a retry helped, after it; wrong replies in red</caption>"
        f"<tr><th></th>{head}</tr>{rows}</table></div>"
    )


def _cell(found: Mapping[str, Any] | None) -> str:
    if found is None:
        return "<td>–</td>"
    said = _percent(found["first_pass"])
    if found["after_retry"] > found["first_pass"]:
        said += f" → {_percent(found['after_retry'])}"
    wrong = f" <span class=wrong>{found['wrong_replies']}</span>" if found["wrong_replies"] else ""
    return f"<td>{said}{wrong}</td>"


def _samples(samples: Sequence[Mapping[str, Any]]) -> str:
    return "".join(
        f"<div class=scene><p><b>{escape(each['of'])}</b> <span class=soft>{escape(each['customer'])}</span></p><div class=said>"
        + "".join(_card(name, said) for name, said in each["said"].items())
        + "</div></div>"
        for each in samples
    )


def _card(name: str, said: Mapping[str, Any]) -> str:
    fell_back = said["verdict"] in ("refused", "unavailable")
    note = f" <span class=no>template instead: {escape(said['verdict'])}</span>" if fell_back else ""
    rules = f" <i>{escape(', '.join(dict.fromkeys(said['refused'])))}</i>" if said["refused"] else ""
    return f"<div class=card><b>{escape(name)}{note}{rules}</b>{escape(said['text'])}</div>"


def _percent(share: float) -> str:
    return f"{100 * share:.1f} %"


def _count(number: int) -> str:
    return f"<span class=wrong>{number}</span>" if number else "0"


def _times(value: float | None, many: float | None) -> str:
    if value is None:
        return "–"
    said = f"{value:,.3f}" if value < 1 else f"{value:,.1f}"
    return said if many in (None, 1.0) else f"{said} <span class=soft>(×{many:.3g})</span>"
