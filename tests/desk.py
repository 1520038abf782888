"""A rep for tests: signed in over HTTP as a browser would be, and a customer whom a human has or is to have."""

from __future__ import annotations

import re
import sqlite3
from contextlib import closing
from html.parser import HTMLParser
from typing import Any, Self

import httpx
from argon2 import PasswordHasher

from bot.desk.rules import desk_rules
from tests.server import Server, Talk

KNOWN = frozenset(
    [
        "html",
        "head",
        "meta",
        "title",
        "link",
        "body",
        "header",
        "a",
        "svg",
        "path",
        "span",
        "nav",
        "button",
        "strong",
        "main",
        "aside",
        "section",
        "p",
        "h1",
        "h2",
        "h3",
        "ol",
        "ul",
        "li",
        "div",
        "mark",
        "time",
        "details",
        "summary",
        "dl",
        "dt",
        "dd",
        "code",
        "form",
        "input",
        "textarea",
        "label",
        "select",
        "option",
        "optgroup",
        "fieldset",
        "legend",
        "table",
        "thead",
        "tbody",
        "tr",
        "th",
        "td",
        "dialog",
        "kbd",
        "i",
        "em",
        "br",
        "rect",
        "text",
    ]
)
"""The elements of the desk's own templates."""
PASSWORDS = {rep.name: rep.password for rep in desk_rules().demo_reps}
REP, OTHER_REP, SUPERVISOR, ADMIN = "linxiao", "zhouyue", "hemin", "admin"


class RepClient:
    """A rep's browser without its pages. ``id`` is the account's."""

    def __init__(self, server: Server, name: str, password: str | None = None) -> None:
        self.server = server
        self.http = httpx.Client(base_url=server.url, timeout=30, headers={"Origin": server.url})
        signed_in = self.http.post("/desk/sign-in", data={"name": name, "password": password or PASSWORDS[name]})
        assert signed_in.status_code == 303, signed_in.text
        page = self.http.get(signed_in.headers["location"]).raise_for_status().text
        self.id = _found(r'data-rep="(rep-[0-9a-f]+)"', page)
        self.http.headers["X-CSRF-Token"] = _found(r'"X-CSRF-Token": "([\w-]+)"', page)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.http.close()

    def get(self, path: str, **more: Any) -> httpx.Response:
        """GET under ``/desk``."""
        return self.http.get(f"/desk{path}", **more)

    def post(self, path: str, **form: Any) -> httpx.Response:
        """POST a form under ``/desk``."""
        return self.http.post(f"/desk{path}", data=form)

    def act(self, talk: Talk, act: str, **form: Any) -> httpx.Response:
        """POST to a conversation."""
        return self.post(f"/conversations/{talk.id}/{act}", **form)

    def say(self, talk: Talk, text: str, message_id: str = "message-0", **form: Any) -> httpx.Response:
        """Write to the customer."""
        return self.act(talk, "messages", text=text, message_id=message_id, **form)


def hire(server: Server, name: str, password: str, role: str = "rep") -> None:
    """Make an account whose password costs nothing to check: a real one's takes a tenth of a second of every test."""
    hashed = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1).hash(password)
    now = server.now().isoformat()
    row = (f"rep-{name}", name, name, name, role, "", 5, "zh", hashed, 1, 1, 0, now, now)
    with closing(sqlite3.connect(server.service.settings.data_dir / "teller.db", timeout=10)) as rows, rows:
        rows.execute(
            "INSERT INTO desk_reps (id, name, display_name, display_name_en, role, skills, capacity, language,"
            f" password_hash, active, taking, failures, created_at, updated_at) VALUES ({', '.join('?' * len(row))})",
            row,
        )


def waiting(server: Server, customer_id: str | None = None, *said: str) -> Talk:
    """A customer who asked for a human, after what they *said*."""
    talk = server.open(server.token(customer_id) if customer_id else None)
    for text in (*said, "转人工"):
        talk.say(text)
    return talk


def owner_of(server: Server, talk: Talk) -> str:
    """Whose the conversation is, from the database itself."""
    with closing(sqlite3.connect(server.service.settings.data_dir / "teller.db", timeout=10)) as rows:
        return str(rows.execute("SELECT owner FROM conversations WHERE id = ?", (talk.id,)).fetchone()[0])


def give(server: Server, talk: Talk, owner: str, taken_by: str | None = None) -> None:
    """Put the conversation into the hands of *owner*, with the ticket that goes with it."""
    status = {"bot": "closed", "queue": "open"}.get(owner, "taken")
    with closing(sqlite3.connect(server.service.settings.data_dir / "teller.db", timeout=10)) as rows, rows:
        rows.execute("UPDATE conversations SET owner = ? WHERE id = ?", (owner, talk.id))
        rows.execute("DELETE FROM audit WHERE conversation_id = ? AND action = 'conversation.taken'", (talk.id,))
        rows.execute(
            "DELETE FROM tickets WHERE conversation_id = ? AND id NOT IN"
            " (SELECT MIN(id) FROM tickets WHERE conversation_id = ?)",
            (talk.id, talk.id),
        )
        holder = owner if status == "taken" else taken_by
        rows.execute("UPDATE tickets SET status = ?, taken_by = ? WHERE conversation_id = ?", (status, holder, talk.id))


def strange(page: str) -> list[str]:
    """What a browser would find in *page* that the desk never writes: elements that load or run, and attributes that do."""
    found: list[str] = []

    class Reader(HTMLParser):
        def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
            own = tag == "script" and (dict(attrs).get("src") or "").startswith("/desk/assets/")
            if tag not in KNOWN and not own:
                found.append(tag)
            found.extend(f"{tag} {name}" for name, _ in attrs if name.startswith("on") or name == "style")
            found.extend(f"{tag} {name}" for name, value in attrs if "javascript:" in (value or "") and name == "href")

    Reader().feed(page)
    return found


def _found(pattern: str, page: str) -> str:
    match = re.search(pattern, page)
    assert match, page[:500]
    return match[1]
