"""What a rep says reaches every channel; what the floor tells its pages; what the board counts."""

from __future__ import annotations

import asyncio
import datetime as dt
from typing import cast

import pytest
from sqlalchemy import func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncEngine

from bot.conversations import Conversations
from bot.desk.accounts import Accounts, Rep
from bot.desk.board import Board, Boards
from bot.desk.canned import _LANGUAGES, Canned, CannedReplies, _demand_good, _sample, _warnings, seed
from bot.desk.floor import Floor
from bot.desk.holding import Ending, HeldElsewhere, Holding
from bot.desk.looking import Views
from bot.desk.passwords import Passwords
from bot.desk.requesting import Asked, NotAWrite, Requesting
from bot.desk.rules import Label
from bot.desk.speaking import Speaking, Spoken
from bot.desk.suggesting import Suggesting
from bot.desk.tables import SuggestionRow
from bot.desk.tickets import Tickets
from bot.desk.transcript import Transcripts
from bot.events import Events, insert_events, take_numbers
from bot.message import NewEvent
from bot.parts import Parts
from bot.principal import Principal
from bot.records import ConversationRow, DeliveryRow, EventRow, InboxRow, RatingRow, TicketRow
from bot.signals import Signals


class Room:
    """A desk over one database, without pages; ``now`` goes on when it is told to."""

    def __init__(self, engine: AsyncEngine, now: dt.datetime) -> None:
        self.engine = engine
        self.now = now
        self.signals = Signals(None)
        self.holding = Holding(engine, self.signals, Tickets(engine))
        self.speaking = Speaking(engine, self.signals, frozenset({"wechat"}))
        self.floor = Floor(engine, self.signals)

    def later(self, seconds: float) -> dt.datetime:
        self.now += dt.timedelta(seconds=seconds)
        return self.now

    async def rep(self, name: str = "lin") -> Rep:
        accounts = Accounts(self.engine, Passwords())
        return await accounts.create(
            name, "", role="rep", password_hash="x", display_name="林晓", now=self.now, actor="test"
        )

    async def talk(self, channel: str = "web", customer_id: str | None = None) -> str:
        principal = Principal(customer_id=customer_id, assurance="signed_in" if customer_id else "none")
        opened, _ = await Conversations(self.engine).create(channel=channel, principal=principal, now=self.now)
        return opened.id

    async def waiting(self, channel: str = "web", customer_id: str | None = None) -> str:
        conversation = await self.talk(channel, customer_id)
        await Tickets(self.engine).open(conversation, customer_id, "customer_request", 0, self.now)
        await Conversations(self.engine).change_owner(conversation, "bot", "queue", self.now, actor="bot")
        return conversation


@pytest.fixture
def room(database: AsyncEngine, now: dt.datetime) -> Room:
    return Room(database, now)


def spoken(text: str = "您好", message_id: str = "m-1", **more: object) -> Spoken:
    return Spoken(message_id=message_id, text=text, language="zh", **more)  # type: ignore[arg-type]


@pytest.mark.parametrize(("channel", "sent"), [("web", 0), ("wechat", 1)])
async def test_a_reps_words_are_an_event_and_where_the_channel_must_be_sent_to_a_delivery_too(
    room: Room, channel: str, sent: int
) -> None:
    rep, waiting = await room.rep(), await room.waiting(channel)
    await room.holding.claim(waiting, rep, room.now)
    seq = await room.speaking.say(waiting, rep, spoken(), room.now)
    assert await room.speaking.say(waiting, rep, spoken(), room.now) == seq
    *_, event = await Events(room.engine, room.signals).read(waiting)
    assert (event.seq, event.actor, event.data["text"], event.data["name"]) == (seq, "rep", "您好", "林晓")
    async with room.engine.connect() as connection:
        assert await connection.scalar(select(func.count()).select_from(DeliveryRow)) == sent
        assert await connection.scalar(select(TicketRow.first_reply_at)) == room.now
    if sent:
        [*_, line] = await Transcripts(room.engine).read(waiting, "zh")
        assert line.delivery == "pending"


async def test_every_page_is_told_once_that_the_canned_replies_have_changed(room: Room) -> None:
    rep = await room.rep()
    replies = CannedReplies(room.engine, room.signals)
    new = Canned(
        key="wifi", title=Label(zh="网络", en="Wi-Fi"), text=Label(zh="网点有网络。", en="Our branches have Wi-Fi.")
    )
    with room.floor.page(rep.id, None) as page:
        await room.floor.look()
        await page.news(0)
        await replies.save(new, new=True, actor=rep.id, now=room.now, bank="云杉银行")
        await room.floor.look()
        assert await page.news(0) == [("canned", "")]
        await room.floor.look()
        assert await page.news(0) is None
    assert [each.key for each in await replies.current()][-1] == "wifi"
    later = new.model_copy(update={"version": 1})
    both = (replies.save(later, new=False, actor=rep.id, now=room.now, bank="云杉银行") for _ in range(2))
    ended = await asyncio.gather(*both, return_exceptions=True)
    assert sorted(type(one).__name__ for one in ended) == ["NoneType", "Stale"]


def test_every_canned_reply_that_ships_is_one_that_the_page_would_take(now: dt.datetime) -> None:
    for each in seed():
        _demand_good(each)
        for language in _LANGUAGES:
            # Warning somebody of giving a code away names the code.
            warned = _warnings(_sample(each, language, "云杉银行", now), language, now)
            assert {one.rule for one in warned} <= {"added_secret"}, (each.key, warned)


async def test_nobody_speaks_where_another_holds_the_customer_and_no_number_is_lost_by_trying(room: Room) -> None:
    rep, other, waiting = await room.rep(), await room.rep("zhou"), await room.waiting()
    await room.holding.claim(waiting, rep, room.now)
    with pytest.raises(HeldElsewhere):
        await room.speaking.say(waiting, other, spoken(), room.now)
    with pytest.raises(HeldElsewhere):
        await room.speaking.type(waiting, other, room.now)
    requesting = Requesting(room.engine, room.signals, str)
    with pytest.raises(HeldElsewhere):
        await requesting.request(waiting, other, Asked(request_id="request-1", capability="card_report_lost"), room.now)
    with pytest.raises(NotAWrite):
        await requesting.request(waiting, rep, Asked(request_id="request-1", capability="card_bill"), room.now)
    assert await room.speaking.say(waiting, rep, spoken(), room.now) == 2


async def test_a_request_is_not_among_the_messages_that_wait_for_an_answer(room: Room) -> None:
    rep, waiting = await room.rep(), await room.waiting(customer_id="C1001")
    await room.holding.claim(waiting, rep, room.now)
    asked = Asked(request_id="request-1", capability="card_report_lost")
    seq = await Requesting(room.engine, room.signals, str).request(waiting, rep, asked, room.now)
    suggesting = Suggesting(room.engine, cast(Parts, None))
    assert await suggesting._unanswered(waiting) == []
    async with room.engine.connect() as connection:
        row = (await connection.execute(select(InboxRow).where(InboxRow.conversation_id == waiting))).one()
    assert (row.seq, row.status, row.text) == (seq, "pending", "挂失")
    assert row.principal["customer_id"] == "C1001"


async def test_pages_are_told_of_the_queue_of_their_own_and_of_what_they_show_and_of_nothing_else(room: Room) -> None:
    rep, other = await room.rep(), await room.rep("zhou")
    first, bots = await room.waiting(), await room.talk()
    with room.floor.page(rep.id, None) as mine, room.floor.page(other.id, bots) as others:
        await room.floor.look()
        for page in (mine, others):
            await page.news(0)
        await room.holding.claim(first, rep, room.now)
        await room.floor.look()
        assert dict(await mine.news(0) or []) == {"queue": "", "mine": "", "grown": f"{first} 1"}
        assert await others.news(0) == [("queue", "")]
        await room.speaking.say(first, rep, spoken(), room.now)
        await room.floor.look()
        assert await mine.news(0) == [("grown", f"{first} 2")]
        assert await others.news(0) is None
        await Conversations(room.engine).change_owner(bots, "bot", "bot", room.now, actor="x")
        async with room.engine.begin() as connection:
            await connection.execute(
                insert(EventRow).values(
                    conversation_id=bots, seq=1, type="message.completed", at=room.now, actor="customer", data={}
                )
            )
            await connection.execute(update(ConversationRow).where(ConversationRow.id == bots).values(seq=1))
        await room.floor.look()
        assert await others.news(0) == [("grown", f"{bots} 1")]
        assert await mine.news(0) is None
        room.floor.hear_typing(first)
        assert await mine.news(0) == [("typing", first)]
        assert await others.news(0) is None
        await room.holding.hand_back(first, rep.id, Ending(), room.now, actor=rep.id)
        await room.floor.look()
        assert await mine.news(0) == [("mine", "")]


async def test_the_customer_who_waits_longest_for_an_answer_is_at_the_top(room: Room) -> None:
    rep, views = await room.rep(), Views(room.engine)
    names = [await room.waiting() for _ in range(3)]
    for name in names:
        await room.holding.claim(name, rep, room.now)
        await room.speaking.say(name, rep, spoken(), room.now)
    for name in (names[2], names[0]):
        await _write(room, name, "在吗", room.later(1))
    listed = await views.held_by(rep.id)
    assert [(one.id, one.unanswered) for one in listed] == [(names[2], True), (names[0], True), (names[1], False)]
    assert listed[0].latest == "在吗"


async def test_the_board_counts_what_happened(room: Room) -> None:
    rep, since = await room.rep(), room.now
    for _ in range(3):
        await _write(room, await room.talk(), "查账单", room.now)
    one, other = await room.waiting(), await room.waiting()
    for name in (one, other):
        await _write(room, name, "转人工", room.now)
    await room.holding.claim(one, rep, room.later(30))
    async with room.engine.begin() as connection:
        for seq, outcome, distance in ((1, "sent", 0), (2, "edited", 6), (3, "rejected", None), (4, "none", None)):
            row = {"conversation_id": one, "seq": seq, "rep_id": rep.id, "text": "", "language": "zh", "record": {}}
            await connection.execute(
                insert(SuggestionRow).values(**row, outcome=outcome, distance=distance, created_at=room.now)
            )
        for name, score in ((one, 5), (other, 2)):
            await connection.execute(
                insert(RatingRow).values(conversation_id=name, seq=0, score=score, rated_at=room.now)
            )
    await room.speaking.say(one, rep, spoken(), room.later(10))
    await room.holding.hand_back(one, rep.id, Ending(disposition="solved"), room.later(60), actor=rep.id)
    await _answer(room, other, "你们老板是谁", "out_of_scope")
    await _answer(room, other, "你们老板是谁 ", "out_of_scope")
    board = await Boards(room.engine).figures(since, room.now, wait_limit=20)
    assert (board.waiting, board.longest_wait, board.held, board.asked, board.handled) == (1, 100, 0, 2, 1)
    assert (board.wait, board.wait_in_time.share, board.first_response, board.handle_time) == (30, 0, 40, 70)
    assert (board.contained.part, board.contained.whole) == (3, 5)
    assert (board.score, board.satisfied.share) == (3.5, 0.5)
    assert (board.accepted.part, board.edited.part, board.rejected.part, board.accepted.whole) == (2, 1, 1, 3)
    assert board.distance == 6
    assert board.unanswered == (("你们老板是谁", 2),)
    assert board.fallback.share == 1
    assert board.hours[-1][1:] == (2, 1)
    assert [(one.name, one.handled, one.first_reply) for one in board.reps] == [("林晓", 1, 10)]
    assert board.dispositions == (("solved", 1),)
    assert _empty(await Boards(room.engine).figures(room.later(1), room.now, wait_limit=20)) == set()


def _empty(board: Board) -> set[str]:
    """Figures of a time in which nothing happened that are not nothing."""
    counted = {"asked", "handled", "wait", "first_response", "handle_time", "score", "unanswered", "dispositions"}
    return {name for name in counted if getattr(board, name) not in (0, None, ())}


async def _write(room: Room, conversation: str, text: str, at: dt.datetime) -> int:
    """The customer writes."""
    async with room.engine.begin() as connection:
        first = (await take_numbers(connection, conversation, 1, at)).first
        event = NewEvent(type="message.completed", actor="customer", data={"text": text})
        await insert_events(connection, conversation, first, [event], at)
        row = {"conversation_id": conversation, "seq": first, "message_id": f"m{first}", "body_hash": "", "text": text}
        await connection.execute(
            insert(InboxRow).values(**row, principal={"channel": "web"}, channel="web", status="done", received_at=at)
        )
    return first


async def _answer(room: Room, conversation: str, text: str, capability: str) -> None:
    """The bot says something of *capability* to what the customer writes."""
    asked = await _write(room, conversation, text, room.now)
    data = {"text": "", "how": {"verdict": "template"}, "decisions": [{"kind": "answer", "capability": capability}]}
    async with room.engine.begin() as connection:
        first = (await take_numbers(connection, conversation, 1, room.now)).first
        event = NewEvent(type="message.completed", actor="bot", data=data)
        await insert_events(connection, conversation, first, [event], room.now, in_reply_to=asked)
