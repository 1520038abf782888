"""Walking at random through conversations with the demo bank, and what must hold after every step.

The walk knows only what it said: which words were a yes, which digits the right code. What was done it reads from the
bank's own tables, never from what the bot remembers.
"""

from __future__ import annotations

import datetime as dt
import json
import re
import sqlite3
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from bot.principal import Principal
from bot.service import Service
from tests.conversations.stories import Clock, code_on_phone, record_of, rests_on_the_bank

Said = Literal["words", "yes", "code"]
PROTECTIVE = frozenset({"card_report_lost"})
PURCHASES_A_YEAR = 50_000_00
"""US cents that a customer may buy, and sell, in a calendar year."""
OBJECTS = frozenset({"card_tail", "account_tail", "phone_tail"})
_HAN = re.compile(r"[\u3400-\u9fff]")

NOTHING_BELOW_ZERO = {
    "a balance": "SELECT COUNT(*) FROM bank_balances WHERE minor < 0",
    "a quota": f"SELECT COUNT(*) FROM bank_fx_quota_use WHERE MAX(purchased, settled) > {PURCHASES_A_YEAR}"
    " OR MIN(purchased, settled) < 0",
    "a card's limit": "SELECT COUNT(*) FROM bank_cards WHERE used > MAX(credit_limit, COALESCE(temporary_limit, 0))",
    "what may be sold of a product": "SELECT COUNT(*) FROM bank_sales WHERE quota_left < 0",
    "a holding": "SELECT COUNT(*) FROM bank_holdings WHERE units < 0",
    "banknotes of a day": "SELECT COUNT(*) FROM bank_fx_cash_days WHERE reserved_usd < 0",
}


@dataclass
class Talk:
    """One conversation of the walk: whose it is, and what the customer has agreed to."""

    conversation_id: str
    principal: Principal
    language: str | None = None
    read_back: str | None = None
    agreed: set[str] = field(default_factory=set)
    said: int = 0


class Walk:
    """The demo bank in *folder*, the conversations over it, and every quote that was rightly carried out."""

    def __init__(self, service: Service, clock: Clock, folder: Path) -> None:
        self.service = service
        self.clock = clock
        self.bank = folder / "bank.db"
        self.rightly_done: set[str] = set()

    async def open(self, customer: str | None) -> Talk:
        """A new conversation of *customer*, or of a visitor."""
        principal = Principal(channel="web")
        if customer is not None:
            principal = Principal(channel="web", customer_id=customer, assurance="signed_in")
        opened, _ = await self.service.conversations.create(channel="web", principal=principal, now=self.clock())
        return Talk(opened.id, principal)

    async def code(self, talk: Talk) -> str | None:
        """The code that the customer's phone shows, if it shows one."""
        if talk.principal.customer_id is None:
            return None
        try:
            return await code_on_phone(self.service, talk.principal.customer_id)
        except AssertionError:
            return None

    async def say(self, talk: Talk, text: str, said: Said, language: str | None) -> None:
        """Say *text* and judge what came of it; *language* is that of the words, ``None`` where they have none."""
        talk.said += 1
        self.clock.now += dt.timedelta(seconds=7)
        accepted = await self.service.inbox.accept(
            talk.conversation_id,
            f"m{talk.said}",
            text,
            principal=talk.principal,
            channel="web",
            now=self.clock(),
        )
        record = await record_of(self.service, talk.conversation_id, accepted.seq)
        assert "failed" not in record, record
        if said == "yes" and talk.read_back is not None:
            talk.agreed.add(talk.read_back)
        self._every_write_was_wanted(talk, record, said)
        if any("say" in decision for decision in record["decisions"]):
            event = await self.service.events.reply_to(talk.conversation_id, accepted.seq, 20.0)
            assert event is not None, f"no reply to {text!r}"
            self._the_reply_is_in_order(talk, text, event.data, record, language)
        confirms = [decision["say"]["quote"] for decision in record["decisions"] if decision["kind"] == "confirm"]
        if confirms:
            assert len(confirms) == 1, f"two things were read back at once: {record['decisions']}"
            talk.read_back = confirms[0]["digest"]
        self._the_bank_is_sound()

    def _every_write_was_wanted(self, talk: Talk, record: dict[str, Any], said: Said) -> None:
        """What was done in this turn had been read back, agreed to, and (unless it only protects) proven by a code."""
        for step in record["steps"]:
            call = step["decision"].get("call")
            if call is None or call["step"] != "commit" or not step["result"]["completed"]:
                continue
            needed: Said = "yes" if call["name"] in PROTECTIVE else "code"
            assert said == needed, f"{call['name']} was done on {record['message']['text']!r}"
            assert call["digest"] in talk.agreed, f"{call['name']} was done for figures that were not agreed to"
            self.rightly_done.add(call["quote_id"])

    def _the_reply_is_in_order(
        self, talk: Talk, text: str, reply: dict[str, Any], record: dict[str, Any], language: str | None
    ) -> None:
        """In the customer's language, resting on the bank, about nobody else's things."""
        talk.language = language or talk.language
        told = f"{text!r} → {reply['text']!r}"
        if talk.language is not None:
            assert reply["language"] == talk.language, told
        if reply["language"] == "zh":
            assert _HAN.search(reply["text"]), told
        else:
            assert not _HAN.search(reply["text"]), told
        rests_on_the_bank(reply, record, self.clock())
        mine = self._objects_of(talk.principal.customer_id)
        for span in reply["evidence"]:
            if span["name"] in OBJECTS and span["source"] != "customer":
                assert span["value"] in mine, f"{told}: {span['name']} {span['value']} is somebody else's"

    def _objects_of(self, customer: str | None) -> set[str]:
        """The last digits of the customer's cards, accounts and phone."""
        rows = self._rows(
            "SELECT tail FROM bank_cards WHERE customer_id = :who"
            " UNION SELECT tail FROM bank_accounts WHERE customer_id = :who"
            " UNION SELECT substr(phone, -4) FROM bank_customers WHERE customer_id = :who",
            who=customer,
        )
        return {row[0] for row in rows}

    def _the_bank_is_sound(self) -> None:
        """Nothing is below zero, and the bank's ledger holds what was rightly done and nothing else."""
        for what, query in NOTHING_BELOW_ZERO.items():
            assert self._rows(query) == [(0,)], f"{what} is out of bounds"
        effects = self._rows("SELECT quote_id, result FROM bank_effects WHERE quote_id IS NOT NULL")
        done = {quote_id for quote_id, result in effects if result is not None and json.loads(result)["completed"]}
        assert done == self.rightly_done

    def _rows(self, query: str, **given: Any) -> list[Any]:
        with closing(sqlite3.connect(f"file:{self.bank}?mode=ro", uri=True)) as connection:
            return connection.execute(query, given).fetchall()
