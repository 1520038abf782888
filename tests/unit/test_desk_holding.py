"""Whose a conversation is: one owner whatever happens at once, and never none."""

from __future__ import annotations

import asyncio
import datetime as dt
import random
from collections.abc import Callable

import pytest
from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from sqlalchemy import func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncEngine

from bot.conversations import Conversations
from bot.desk.accounts import Accounts, Rep
from bot.desk.holding import TAKEN, CannotTake, Ending, HeldElsewhere, Holding
from bot.desk.keeping import GRACE, STRANDED_AFTER, Keeper
from bot.desk.passwords import Passwords
from bot.desk.presence import Presence
from bot.desk.tables import RepRow
from bot.desk.tickets import Tickets
from bot.events import Events
from bot.principal import Principal
from bot.records import AuditRow, ConversationRow, TicketRow
from bot.signals import Signals


class Floor:
    """A desk with reps, and customers who wait, over one database."""

    def __init__(self, engine: AsyncEngine, now: dt.datetime, redis: Redis | None = None) -> None:
        self.engine = engine
        self.now = now
        self.signals = Signals(None)
        self.tickets = Tickets(engine)
        self.holding = Holding(engine, self.signals, self.tickets)
        self.accounts = Accounts(engine, Passwords())
        self.presence = Presence(redis) if redis else None
        self.keeper = Keeper(engine, self.holding, self.tickets, self.presence) if self.presence else None

    async def rep(self, name: str, **changes: object) -> Rep:
        given = {"role": "rep", "capacity": 5, "password_hash": "none", **changes}
        return await self.accounts.create(name, "", now=self.now, actor="test", **given)  # type: ignore[arg-type]

    async def customer(self, second: int = 0, priority: int = 0, **ticket: object) -> str:
        conversations = Conversations(self.engine)
        opened, _ = await conversations.create(channel="web", principal=Principal(), now=self.now)
        at = self.now + dt.timedelta(seconds=second)
        await self.tickets.open(opened.id, None, "customer_request", priority, at, **ticket)  # type: ignore[arg-type]
        assert await conversations.change_owner(opened.id, "bot", "queue", at, actor="bot")
        return opened.id

    async def owner(self, conversation_id: str) -> str:
        async with self.engine.connect() as connection:
            query = select(ConversationRow.owner).where(ConversationRow.id == conversation_id)
            return str(await connection.scalar(query))

    async def tickets_of(self, conversation_id: str) -> list[tuple[str, str | None]]:
        async with self.engine.connect() as connection:
            query = select(TicketRow.status, TicketRow.taken_by).where(TicketRow.conversation_id == conversation_id)
            return [tuple(row) for row in await connection.execute(query.order_by(TicketRow.created_at))]

    async def place(self, conversation_id: str) -> int | None:
        queued = await self.tickets.state(conversation_id, self.now)
        return queued.position if queued else None


@pytest.fixture
def floor(database: AsyncEngine, redis: Redis, now: dt.datetime) -> Floor:
    return Floor(database, now, redis)


async def test_a_claim_tells_the_customer_who_came_and_the_audit_trail_who_took_them(floor: Floor) -> None:
    rep, waiting = await floor.rep("lin", display_name="林晓"), await floor.customer()
    await floor.holding.claim(waiting, rep, floor.now)
    assert await floor.owner(waiting) == rep.id
    assert await floor.tickets_of(waiting) == [("taken", rep.id)]
    [event] = await Events(floor.engine, floor.signals).read(waiting)
    assert (event.type, event.actor, event.data["name"]) == ("handover.joined", "rep", "林晓")
    async with floor.engine.connect() as connection:
        notes = await connection.execute(
            select(AuditRow.actor).where(AuditRow.action == TAKEN, AuditRow.conversation_id == waiting)
        )
        assert notes.scalars().all() == [rep.id]


async def test_who_comes_second_is_told_whose_it_is(floor: Floor) -> None:
    first, second, waiting = await floor.rep("lin"), await floor.rep("zhou"), await floor.customer()
    await floor.holding.claim(waiting, first, floor.now)
    with pytest.raises(HeldElsewhere) as told:
        await floor.holding.claim(waiting, second, floor.now)
    assert told.value.holder == first.id


async def test_a_rep_holds_no_more_than_their_capacity_however_many_they_reach_for_at_once(
    floor: Floor, open_engine: Callable[[], AsyncEngine]
) -> None:
    rep = await floor.rep("lin", capacity=3)
    waiting = [await floor.customer(n) for n in range(8)]
    others = [Floor(open_engine(), floor.now) for _ in range(2)]

    async def reach(n: int) -> bool:
        try:
            await others[n % 2].holding.claim(waiting[n], rep, floor.now)
        except CannotTake:
            return False
        return True

    assert sum(await asyncio.gather(*(reach(n) for n in range(8)))) == 3


@pytest.mark.parametrize(
    ("change", "reason"), [({"active": False}, "shut"), ({"taking": False}, "away"), ({"role": "admin"}, "shut")]
)
async def test_who_is_not_there_to_help_is_given_nobody(floor: Floor, change: dict[str, object], reason: str) -> None:
    rep, waiting = await floor.rep("lin"), await floor.customer()
    await floor.accounts.change(rep.id, floor.now, actor="test", **change)
    with pytest.raises(CannotTake) as refused:
        await floor.holding.claim(waiting, rep, floor.now)
    assert refused.value.reason == reason
    assert await floor.owner(waiting) == "queue"


async def test_the_next_customer_is_the_most_urgent_one_of_ones_own_skills(floor: Floor) -> None:
    rep = await floor.rep("lin")
    await floor.customer(0, skill="fx", priority=9)
    later = await floor.customer(2, skill="card")
    urgent = await floor.customer(3, skill="card", priority=5)
    skills = frozenset({"card"})
    assert [await floor.holding.claim_next(rep, skills, floor.now) for _ in range(3)] == [urgent, later, None]


async def test_a_customer_who_is_returned_has_the_place_they_had(floor: Floor) -> None:
    rep = await floor.rep("lin")
    first, second = await floor.customer(0), await floor.customer(1)
    await floor.holding.claim(first, rep, floor.now)
    assert await floor.place(second) == 1
    await floor.holding.give_back(first, rep.id, floor.now, actor=rep.id, skill="fx", summary="问汇率")
    assert [await floor.place(name) for name in (first, second)] == [1, 2]
    assert await floor.tickets_of(first) == [("open", None)]


async def test_handing_back_closes_the_ticket_with_what_the_rep_says_of_it(floor: Floor) -> None:
    rep, waiting = await floor.rep("lin"), await floor.customer()
    await floor.holding.claim(waiting, rep, floor.now)
    ending = Ending(disposition="solved", tags=("praise", "follow_up"), summary="已解释账单")
    await floor.holding.hand_back(waiting, rep.id, ending, floor.now, actor=rep.id)
    assert await floor.owner(waiting) == "bot"
    async with floor.engine.connect() as connection:
        row = (await connection.execute(select(TicketRow))).one()
    assert (row.status, row.disposition, row.tags, row.summary) == (
        "closed",
        "solved",
        "praise follow_up",
        "已解释账单",
    )
    with pytest.raises(HeldElsewhere):
        await floor.holding.hand_back(waiting, rep.id, ending, floor.now, actor=rep.id)


async def test_a_transfer_moves_the_ticket_with_its_summary_and_asks_the_others_capacity(floor: Floor) -> None:
    one, other, waiting = await floor.rep("lin"), await floor.rep("zhou", capacity=1), await floor.customer()
    await floor.holding.claim(waiting, one, floor.now)
    await floor.holding.transfer(waiting, one.id, other, "要外汇同事", floor.now, actor=one.id)
    assert await floor.tickets_of(waiting) == [("taken", other.id)]
    second = await floor.customer(1)
    await floor.holding.claim(second, one, floor.now)
    with pytest.raises(CannotTake):
        await floor.holding.transfer(second, one.id, other, "", floor.now, actor=one.id)
    assert await floor.owner(second) == one.id


@pytest.mark.parametrize("held_by", ["bot", "queue", "rep"])
async def test_a_supervisor_takes_over_from_anybody(floor: Floor, held_by: str) -> None:
    rep, lead, waiting = await floor.rep("lin"), await floor.rep("he", role="supervisor"), await floor.customer()
    if held_by != "queue":
        await floor.holding.claim(waiting, rep, floor.now)
    if held_by == "bot":
        await floor.holding.hand_back(waiting, rep.id, Ending(), floor.now, actor=rep.id)
    seen = rep.id if held_by == "rep" else held_by
    await floor.holding.take_over(waiting, seen, lead, floor.now)
    assert await floor.owner(waiting) == lead.id
    assert (await floor.tickets_of(waiting))[-1] == ("taken", lead.id)


async def test_a_claim_that_was_faster_than_leaving_the_queue_has_a_ticket(floor: Floor) -> None:
    rep, waiting = await floor.rep("lin"), await floor.customer()
    await floor.tickets.close(waiting, floor.now)
    await floor.holding.claim(waiting, rep, floor.now)
    assert await floor.tickets_of(waiting) == [("closed", None), ("taken", rep.id)]


async def test_what_an_absent_rep_holds_returns_to_the_queue_and_not_before_they_had_time_to_come_back(
    floor: Floor,
) -> None:
    rep, waiting = await floor.rep("lin"), await floor.customer()
    await floor.holding.claim(waiting, rep, floor.now)
    assert floor.presence
    assert floor.keeper
    await floor.presence.beat(rep.id)
    await floor.keeper.look(floor.now)
    await floor.presence.leave(rep.id)
    await floor.keeper.look(floor.now)
    await floor.keeper.look(floor.now + GRACE - dt.timedelta(seconds=1))
    assert await floor.owner(waiting) == rep.id
    await floor.presence.beat(rep.id)
    await floor.keeper.look(floor.now + GRACE)
    await floor.presence.leave(rep.id)
    later = floor.now + 2 * GRACE
    await floor.keeper.look(later)
    assert await floor.owner(waiting) == rep.id
    await floor.keeper.look(later + GRACE)
    assert (await floor.owner(waiting), await floor.place(waiting)) == ("queue", 1)


async def test_a_dead_redis_makes_nobody_absent(floor: Floor, database: AsyncEngine) -> None:
    rep, waiting = await floor.rep("lin"), await floor.customer()
    await floor.holding.claim(waiting, rep, floor.now)
    nowhere = Presence(Redis(host="127.0.0.1", port=1, retry=Retry(NoBackoff(), 0)))
    keeper = Keeper(database, floor.holding, floor.tickets, nowhere)
    await keeper.look(floor.now)
    await keeper.look(floor.now + 10 * GRACE)
    assert await floor.owner(waiting) == rep.id


async def test_what_a_rep_held_whose_account_is_shut_returns_at_once(floor: Floor) -> None:
    rep, waiting = await floor.rep("lin"), await floor.customer()
    await floor.holding.claim(waiting, rep, floor.now)
    assert floor.presence
    assert floor.keeper
    await floor.presence.beat(rep.id)
    await floor.accounts.change(rep.id, floor.now, actor="test", active=False)
    await floor.keeper.look(floor.now)
    assert await floor.owner(waiting) == "queue"


async def test_who_waits_without_a_ticket_is_given_one_and_a_ticket_whose_turn_was_lost_brings_its_customer(
    floor: Floor,
) -> None:
    without, lost = await floor.customer(), await floor.customer(1)
    await floor.tickets.close(without, floor.now)
    async with floor.engine.begin() as connection:
        await connection.execute(update(ConversationRow).where(ConversationRow.id == lost).values(owner="bot"))
    assert floor.keeper
    await floor.keeper.look(floor.now)
    assert await floor.place(without) is None
    await floor.keeper.look(floor.now + STRANDED_AFTER + dt.timedelta(seconds=5))
    assert await floor.place(without) == 2
    assert await floor.owner(lost) == "queue"


async def test_reps_who_race_for_the_queue_get_one_customer_each_time_and_all_customers_get_one_rep(
    floor: Floor, open_engine: Callable[[], AsyncEngine]
) -> None:
    reps = [await floor.rep(f"rep{n}", capacity=50) for n in range(8)]
    waiting = [await floor.customer(n) for n in range(20)]
    desks = [Floor(open_engine(), floor.now) for _ in range(2)]
    won: dict[str, list[str]] = {name: [] for name in waiting}

    async def work(n: int) -> None:
        order = random.Random(n).sample(waiting, len(waiting))
        for name in order:
            try:
                await desks[n % 2].holding.claim(name, reps[n], floor.now)
            except HeldElsewhere:
                continue
            won[name].append(reps[n].id)

    await asyncio.gather(*(work(n) for n in range(len(reps))))
    assert {len(winners) for winners in won.values()} == {1}
    for name in waiting:
        assert await floor.owner(name) == won[name][0]
        assert await floor.tickets_of(name) == [("taken", won[name][0])]


async def test_no_order_of_acts_at_once_leaves_two_owners_none_or_a_stray_ticket(
    floor: Floor, open_engine: Callable[[], AsyncEngine]
) -> None:
    """Everything that changes hands, all at once over two connections: each conversation ends with what its owner needs."""
    reps = [await floor.rep(f"rep{n}", capacity=50) for n in range(4)]
    names = [await floor.customer(n) for n in range(6)]
    desks = [Floor(open_engine(), floor.now) for _ in range(2)]

    async def act(seed: int) -> None:
        chance = random.Random(seed)
        for _ in range(12):
            holding, name, rep, other = (
                desks[chance.randrange(2)].holding,
                chance.choice(names),
                *chance.sample(reps, 2),
            )
            try:
                match chance.randrange(5):
                    case 0 | 1:
                        await holding.claim(name, rep, floor.now)
                    case 2:
                        await holding.transfer(name, rep.id, other, "", floor.now, actor=rep.id)
                    case 3:
                        await holding.give_back(name, rep.id, floor.now, actor=rep.id)
                    case _:
                        await holding.take_over(name, rep.id, other, floor.now)
            except (HeldElsewhere, CannotTake):
                continue

    await asyncio.gather(*(act(seed) for seed in range(6)))
    for name in names:
        owner = await floor.owner(name)
        expected = ("open", None) if owner == "queue" else ("taken", owner)
        assert await floor.tickets_of(name) == [expected]
        events = await Events(floor.engine, floor.signals).read(name)
        async with floor.engine.connect() as connection:
            version = await connection.scalar(select(ConversationRow.version).where(ConversationRow.id == name))
        assert len(events) == (version or 0) - 1


async def test_a_line_of_the_audit_trail_cannot_be_changed(database: AsyncEngine, now: dt.datetime) -> None:
    async with database.begin() as connection:
        await connection.execute(insert(AuditRow).values(at=now, actor="rep", action="view", data={}))
    with pytest.raises(Exception, match="never changed"):
        async with database.begin() as connection:
            await connection.execute(update(AuditRow).values(actor="nobody"))
    async with database.connect() as connection:
        assert await connection.scalar(select(AuditRow.actor)) == "rep"
        assert await connection.scalar(select(func.count()).select_from(RepRow)) == 0
