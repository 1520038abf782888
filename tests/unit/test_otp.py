"""One-time codes: bound, counted, short-lived, and never in clear."""

from __future__ import annotations

import asyncio
import datetime as dt
from collections.abc import Callable

import pytest
from redis.asyncio import Redis
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from bot import otp
from bot.allowances import HOUR
from bot.conversations import Conversations
from bot.embedded_redis import EmbeddedRedis
from bot.otp import LIFE, MAX_TRIES, Challenges, CodeLimits, CodeNotSent, DemoPhone, Issued, TooManyCodes
from bot.principal import Principal

KEY = b"the server's secret"
CHEN = Principal(customer_id="C1001", assurance="signed_in")


class Phone:
    """Keeps what it was sent."""

    def __init__(self) -> None:
        self.codes: list[str] = []

    async def send(self, customer_id: str, code: str, expires_at: dt.datetime) -> None:
        self.codes.append(code)


class Desk:
    """Challenges with a phone that can be looked at, in one conversation."""

    def __init__(self, engine: AsyncEngine, conversation: str, now: dt.datetime) -> None:
        self.engine = engine
        self.phone = Phone()
        self.challenges = Challenges(engine, self.phone, key=KEY)
        self.conversation = conversation
        self.now = now

    async def issue(self, digest: str = "digest") -> Issued:
        return await self.challenges.issue("C1001", self.conversation, "quote", digest, self.now)

    async def try_code(
        self,
        issued: Issued,
        code: str,
        message: str,
        later: dt.timedelta = dt.timedelta(),
        address: str | None = None,
    ) -> str:
        digest = self.challenges.code_digest(issued.challenge_id, code)
        verdict = await self.challenges.check(issued.challenge_id, digest, message, self.now + later, address=address)
        return f"{verdict.status} {verdict.tries_left}"

    def wrong(self) -> str:
        return "000000" if self.phone.codes[-1] != "000000" else "111111"


@pytest.fixture
async def desk(database: AsyncEngine, now: dt.datetime) -> Desk:
    opened, _ = await Conversations(database).create(channel="web", principal=CHEN, now=now)
    return Desk(database, opened.id, now)


async def test_the_right_code_passes_and_names_what_it_was_for(desk: Desk) -> None:
    issued = await desk.issue(digest="amount 800 USD")
    digest = desk.challenges.code_digest(issued.challenge_id, desk.phone.codes[0])
    verdict = await desk.challenges.check(issued.challenge_id, digest, "m1", desk.now)
    assert (verdict.status, verdict.quote_id, verdict.digest) == ("ok", "quote", "amount 800 USD")
    assert (issued.expires_at, issued.code_length) == (desk.now + LIFE, len(desk.phone.codes[0]))


async def test_the_message_that_passed_passes_again_and_no_other_does(desk: Desk) -> None:
    issued = await desk.issue()
    code = desk.phone.codes[0]
    assert await desk.try_code(issued, code, "m1") == "ok 4"
    assert await desk.try_code(issued, code, "m1") == "ok 4"
    assert await desk.try_code(issued, code, "m2") == "expired 4"


async def test_a_wrong_code_costs_one_try_a_message_and_the_last_one_locks(desk: Desk) -> None:
    issued = await desk.issue()
    said = [await desk.try_code(issued, desk.wrong(), f"m{n // 2}") for n in range(2 * MAX_TRIES)]
    assert said == [f"wrong {left}" for left in (4, 4, 3, 3, 2, 2, 1, 1)] + ["locked 0"] * 2
    assert await desk.try_code(issued, desk.phone.codes[0], "the right one, too late") == "locked 0"


async def test_of_many_guesses_at_once_five_are_looked_at(desk: Desk) -> None:
    issued = await desk.issue()
    said = await asyncio.gather(*(desk.try_code(issued, desk.wrong(), f"m{n}") for n in range(30)))
    assert sum(verdict.startswith("wrong") for verdict in said) == MAX_TRIES - 1
    assert sum(verdict.startswith("locked") for verdict in said) == 30 - (MAX_TRIES - 1)
    assert await desk.try_code(issued, desk.phone.codes[0], "after") == "locked 0"


async def test_of_two_thousand_guesses_at_two_workers_five_are_evaluated(
    desk: Desk, open_engine: Callable[[], AsyncEngine], monkeypatch: pytest.MonkeyPatch
) -> None:
    issued = await desk.issue()
    workers = [desk.challenges, Challenges(open_engine(), desk.phone, key=KEY)]
    compared: list[bytes] = []

    def evaluate(right: bytes, tried: bytes) -> bool:
        compared.append(tried)
        return False

    monkeypatch.setattr(otp.hmac, "compare_digest", evaluate)

    async def guess(worker: int) -> None:
        # Forty at a time: they overlap at both workers from the first to the last.
        for n in range(50):
            await workers[worker % 2].check(issued.challenge_id, f"{worker}:{n}", f"m{worker}:{n}", desk.now)

    await asyncio.gather(*(guess(worker) for worker in range(40)))
    assert len(compared) == MAX_TRIES


async def test_a_customer_is_sent_five_codes_an_hour(desk: Desk) -> None:
    sent = await asyncio.gather(*(desk.issue() for _ in range(9)), return_exceptions=True)
    assert sum(isinstance(one, TooManyCodes) for one in sent) == 4
    assert len(desk.phone.codes) == 5
    desk.now += HOUR - dt.timedelta(seconds=1)
    with pytest.raises(TooManyCodes):
        await desk.issue()
    desk.now += dt.timedelta(seconds=1)
    for _ in range(5):
        await desk.issue()
    with pytest.raises(TooManyCodes):
        await desk.issue()


async def test_a_code_too_many_leaves_the_one_before_it_good(desk: Desk) -> None:
    issued = [await desk.issue() for _ in range(5)]
    with pytest.raises(TooManyCodes):
        await desk.issue()
    assert await desk.try_code(issued[-1], desk.phone.codes[-1], "m1") == "ok 4"


async def test_ten_wrong_tries_lock_a_customer_for_the_hour_whatever_the_challenge(desk: Desk) -> None:
    for challenge in range(3):
        issued = await desk.issue()
        said = [await desk.try_code(issued, desk.wrong(), f"{challenge}.{n}") for n in range(4)]
    assert said == ["wrong 4", "wrong 3", "locked 0", "locked 0"]
    assert await desk.try_code(issued, desk.phone.codes[-1], "the right one") == "locked 0"
    desk.now += HOUR
    issued = await desk.issue()
    assert await desk.try_code(issued, desk.phone.codes[-1], "an hour later") == "ok 4"


async def test_a_right_code_uses_up_nothing(desk: Desk) -> None:
    desk.challenges = Challenges(desk.engine, desk.phone, key=KEY, limits=CodeLimits(wrong_tries=1))
    for n in range(3):
        issued = await desk.issue()
        assert await desk.try_code(issued, desk.phone.codes[-1], f"m{n}", address="192.0.2.1") == "ok 4"


async def test_an_address_cannot_try_its_luck_with_many_customers(desk: Desk) -> None:
    limits = CodeLimits(wrong_tries_address=6)
    desk.challenges = Challenges(desk.engine, desk.phone, key=KEY, limits=limits)
    said = []
    for n in range(4):
        issued = await desk.challenges.issue(f"C{n}", desk.conversation, "quote", "digest", desk.now)
        said += [await desk.try_code(issued, desk.wrong(), f"{n}.{m}", address="192.0.2.1") for m in range(2)]
    assert said == ["wrong 4", "wrong 3"] * 3 + ["locked 0"] * 2
    # The customer whom it was aimed at is not locked out by it.
    assert await desk.try_code(issued, desk.phone.codes[-1], "from home", address="198.51.100.7") == "ok 4"


async def test_a_code_lives_five_minutes(desk: Desk) -> None:
    issued = await desk.issue()
    code = desk.phone.codes[0]
    assert await desk.try_code(issued, code, "m1", later=LIFE) == "expired 5"
    assert await desk.try_code(issued, code, "m2", later=LIFE - dt.timedelta(seconds=1)) == "ok 4"


async def test_a_new_code_voids_the_one_before_it(desk: Desk) -> None:
    first = await desk.issue()
    second = await desk.issue()
    assert await desk.try_code(first, desk.phone.codes[0], "m1") == "expired 5"
    assert await desk.try_code(second, desk.phone.codes[1], "m2") == "ok 4"


async def test_a_code_is_of_no_use_for_another_challenge(desk: Desk) -> None:
    first, second = await desk.issue(), await desk.issue()
    digest = desk.challenges.code_digest(first.challenge_id, desk.phone.codes[1])
    assert (await desk.challenges.check(second.challenge_id, digest, "m1", desk.now)).status == "wrong"


async def test_an_unknown_challenge_is_expired(desk: Desk) -> None:
    assert (await desk.challenges.check("nothing", "digest", "m1", desk.now)).status == "expired"


async def test_codes_are_six_digits_and_not_the_same(desk: Desk, database: AsyncEngine) -> None:
    desk.challenges = Challenges(database, desk.phone, key=KEY, limits=CodeLimits(codes=20))
    for _ in range(20):
        await desk.issue()
    assert all(len(code) == 6 and code.isdecimal() for code in desk.phone.codes)
    assert len(set(desk.phone.codes)) > 15


async def test_no_code_rests_in_the_database_and_its_hash_needs_the_servers_secret(
    desk: Desk, database: AsyncEngine
) -> None:
    issued = await desk.issue()
    code = desk.phone.codes[0]
    await desk.try_code(issued, code, "m1")
    stored = []
    async with database.connect() as connection:
        for table in ("challenges", "audit"):
            stored += [str(tuple(row)) for row in await connection.execute(text(f"SELECT * FROM {table}"))]
    assert stored
    assert f"'{code}'" not in "\n".join(stored)
    stranger = Challenges(database, desk.phone, key=b"a guess")
    assert stranger.code_digest(issued.challenge_id, code) not in "\n".join(stored)


async def test_the_demo_phone_shows_the_last_code_and_forgets_it_in_time(redis: Redis, now: dt.datetime) -> None:
    phone = DemoPhone(redis)
    await phone.send("C1001", "314159", now)
    await phone.send("C1001", "271828", now)
    assert await phone.read("C1001") == ("271828", now)
    assert await phone.read("C1002") is None
    [key] = await redis.keys("*")
    assert 0 < await redis.ttl(key) <= LIFE.total_seconds()


async def test_a_phone_that_cannot_be_reached_says_so(redis: EmbeddedRedis, now: dt.datetime) -> None:
    # A replica without a master takes no writes: what Redis says when it is full or read-only.
    await redis.config_set("min-replicas-to-write", 1)
    try:
        with pytest.raises(CodeNotSent):
            await DemoPhone(redis).send("C1001", "314159", now)
    finally:
        await redis.config_set("min-replicas-to-write", 0)
