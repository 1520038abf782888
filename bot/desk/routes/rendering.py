"""Pages from templates: everything is escaped, in the rep's language, under a policy that lets no inline script run."""

from __future__ import annotations

import datetime as dt
from functools import cache
from pathlib import Path
from typing import Any

import yaml
from fastapi import Request
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.responses import HTMLResponse

from backends.values import BEIJING
from bot.desk.rules import desk_rules
from bot.desk.sessions import SignedIn
from bot.desk.summary import label_of

WEB = Path(__file__).parents[2] / "web" / "desk"
WORDS = Path(__file__).parents[1] / "words.yml"

# HTMX writes what our server sent into the page, and so needs a policy of its own; desk.js makes it, for markup alone.
CONTENT_SECURITY_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self'; "
    "base-uri 'none'; form-action 'self'; frame-ancestors 'none'; "
    "require-trusted-types-for 'script'; trusted-types default"
)
HEADERS = {
    "Content-Security-Policy": CONTENT_SECURITY_POLICY,
    # Without any referrer a browser sends no origin with a form, and ours must be seen to be ours.
    "Referrer-Policy": "same-origin",
}


def render(
    request: Request, template: str, who: SignedIn | None = None, *, status: int = 200, **given: Any
) -> HTMLResponse:
    """The page *template* for *who*; a visitor's language comes from their browser."""
    language = who.rep.language if who else _asked_for(request)
    page = (
        environment()
        .get_template(template)
        .render(
            {
                "who": who,
                "language": language,
                "t": Words(language),
                "rules": desk_rules(),
                "now": request.app.state.service.clock(),
                "demo": request.app.state.service.settings.demo,
                "path": request.url.path,
                **given,
            }
        )
    )
    return HTMLResponse(page, status_code=status, headers=HEADERS)


class Words:
    """What pages say, in one language; ``t("sign_in")``, or ``t("waits_for", minutes=3)``."""

    def __init__(self, language: str) -> None:
        self._language = language

    def __call__(self, key: str, **values: object) -> str:
        """The words called *key*; ``KeyError`` where there are none."""
        return words()[key][self._language].format(**values)

    def has(self, key: str) -> bool:
        """Whether there are words called *key*."""
        return key in words()


@cache
def words() -> dict[str, dict[str, str]]:
    """All words of the desk's pages: by key, zh and en."""
    found: dict[str, dict[str, str]] = yaml.safe_load(WORDS.read_text("utf-8"))
    return found


@cache
def environment() -> Environment:
    """The templates: escaping always, and no silence where a value is missing."""
    made = Environment(
        loader=FileSystemLoader(WEB / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters["capability"] = label_of
    made.filters["clock"] = _clock
    made.filters["moment"] = _moment
    made.filters["span"] = _span
    return made


def _clock(at: dt.datetime) -> str:
    return at.astimezone(BEIJING).strftime("%H:%M")


def _moment(at: dt.datetime) -> str:
    return at.astimezone(BEIJING).strftime("%Y-%m-%d %H:%M:%S")


def _span(seconds: float) -> str:
    """Seconds as a timer shows them: ``1:05``, or ``2:01:05``."""
    minutes, rest = divmod(max(0, int(seconds)), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def _asked_for(request: Request) -> str:
    return "en" if request.headers.get("accept-language", "").lower().startswith("en") else "zh"
