"""``/v1``, the demo's surfaces and the operators': what any client may rely on."""

from __future__ import annotations

import asyncio
import datetime as dt
import json
from collections.abc import AsyncIterator, Iterator

import httpx
import pytest

from bot.app import create_app
from bot.channels import web
from bot.events import Event
from bot.principal import Principal
from bot.settings import load_settings
from tests.server import Server, Talk

REPLY_FIELDS = {"seq", "text", "language", "evidence", "understood", "decisions", "how", "cards", "quick_replies"}


@pytest.fixture
def talk(server: Server) -> Talk:
    return server.open()


@pytest.fixture
def anybody(server: Server) -> Iterator[httpx.Client]:
    with server.client() as http:
        yield http


def assert_problem(response: httpx.Response, status: int) -> dict[str, object]:
    assert response.status_code == status, response.text
    assert response.headers["content-type"] == "application/problem+json"
    problem: dict[str, object] = response.json()
    assert problem["status"] == status
    assert str(problem["type"]).startswith("urn:teller:problem:")
    assert problem["title"]
    assert problem["detail"]
    return problem


def frames(response: httpx.Response, count: int) -> list[dict[str, str]]:
    """The first *count* server-sent events of a stream."""
    found: list[dict[str, str]] = []
    fields: dict[str, str] = {}
    for line in response.iter_lines():
        name, _, value = line.partition(": ")
        if line:
            fields[name] = value
        elif "data" in fields:
            found.append(fields)
            fields = {}
            if len(found) == count:
                return found
        else:
            fields = {}
    return found


class TestMessages:
    def test_a_reply_within_the_wait_has_the_one_shape(self, talk: Talk) -> None:
        response = talk.post("今天美元汇率")
        assert response.status_code == 200
        reply = response.json()
        assert reply.keys() >= REPLY_FIELDS
        assert reply["understood"].keys() >= {"intents", "act", "slots"}
        assert reply["how"].keys() >= {"generator", "prompt", "attempts", "verdict", "refused"}
        for span in reply["evidence"]:
            assert span.keys() == {"start", "end", "name", "value", "unit", "source", "as_of"}

    def test_without_a_wait_a_message_is_acknowledged_and_its_reply_streamed(self, talk: Talk) -> None:
        response = talk.post("你好", "m-1", wait=0)
        assert response.status_code == 202
        assert response.json() == {"seq": 1, "message_id": "m-1"}
        with (
            talk.server.client(talk.secret) as http,
            http.stream("GET", f"{talk.path}/events") as stream,
        ):
            assert stream.headers["content-type"].startswith("text/event-stream")
            assert stream.headers["x-accel-buffering"] == "no"
            mine, theirs = frames(stream, 2)
        assert (mine["id"], mine["event"]) == ("1", "message.completed")
        assert json.loads(mine["data"])["data"] == {"text": "你好", "message_id": "m-1"}
        reply = json.loads(theirs["data"])
        assert (reply["actor"], reply["data"]["in_reply_to"]) == ("bot", 1)

    def test_the_same_message_again_gets_the_same_answer(self, talk: Talk) -> None:
        first, again = talk.post("欧元汇率", "m-1"), talk.post("欧元汇率", "m-1")
        assert first.status_code == again.status_code == 200
        assert first.json() == again.json()
        assert talk.post("欧元汇率", "m-1", wait=0).json() == {"seq": 1, "message_id": "m-1"}
        assert [event["actor"] for event in talk.events()] == ["customer", "bot"]

    def test_a_used_id_with_another_text_is_refused(self, talk: Talk) -> None:
        talk.post("欧元汇率", "m-1")
        assert_problem(talk.post("日元汇率", "m-1"), 422)

    def test_control_characters_do_not_get_in(self, talk: Talk) -> None:
        talk.say("你\u0000好\u0007\u202e")
        assert talk.events()[0]["data"]["text"] == "你好"

    @pytest.mark.parametrize("text", ["", "  \n ", "\u0001\u0002", "字" * 2001])
    def test_text_that_is_none_or_too_much_is_refused(self, talk: Talk, text: str) -> None:
        assert_problem(talk.post(text), 422)
        assert talk.events() == []

    def test_two_thousand_code_points_fit_however_they_are_escaped(self, talk: Talk) -> None:
        body = json.dumps({"message_id": "long", "text": "😀" * 1300 + "a" * 700}, ensure_ascii=True)
        assert len(body) < 16_384
        with talk.server.client(talk.secret) as http:
            response = http.post(f"{talk.path}/messages", content=body, headers={"Content-Type": "application/json"})
        assert response.status_code == 202

    def test_a_refusal_repeats_nothing_of_what_was_sent(self, talk: Talk) -> None:
        with talk.server.client(talk.secret) as http:
            response = http.post(f"{talk.path}/messages", json={"message_id": "", "text": "密码是 8472615", "x": "zzz"})
        assert_problem(response, 422)
        assert "8472615" not in response.text
        assert "zzz" not in response.text

    def test_a_body_over_the_cap_is_refused_before_it_is_parsed(self, talk: Talk) -> None:
        with talk.server.client(talk.secret) as http:
            declared = http.post(f"{talk.path}/messages", content=b"{" * 20_000)
            chunked = http.post(f"{talk.path}/messages", content=iter([b"{" * 9_000] * 2))
        assert_problem(declared, 413)
        assert_problem(chunked, 413)


class TestEvents:
    def test_a_stream_resumes_after_the_last_event_seen(self, talk: Talk) -> None:
        talk.say("你好")
        talk.say("谢谢")
        with talk.server.client(talk.secret) as http:
            with http.stream("GET", f"{talk.path}/events", headers={"Last-Event-ID": "2"}) as stream:
                assert [frame["id"] for frame in frames(stream, 2)] == ["3", "4"]
            with http.stream("GET", f"{talk.path}/events", params={"after": 3}) as stream:
                assert [frame["id"] for frame in frames(stream, 1)] == ["4"]
        assert [event["seq"] for event in talk.events(after=1)] == [2, 3, 4]

    def test_an_event_reaches_an_open_stream_while_it_waits(self, talk: Talk) -> None:
        with (
            talk.server.client(talk.secret) as http,
            http.stream("GET", f"{talk.path}/events") as stream,
        ):
            talk.post("你好", wait=0)
            assert [json.loads(frame["data"])["actor"] for frame in frames(stream, 2)] == ["customer", "bot"]

    async def test_a_silent_stream_says_that_it_is_there_and_ends_when_the_server_drains(self, server: Server) -> None:
        class Quiet:
            async def follow(self, conversation_id: str, after: int) -> AsyncIterator[Event | None]:
                yield None
                await asyncio.Event().wait()

        class Service:
            events = Quiet()
            draining = asyncio.Event()

        opened, _ = await server.service.conversations.create(channel="web", principal=Principal(), now=server.now())
        held = web.Held(opened, Principal(), by_secret=True)
        stream = web._frames(Service(), held, 0)  # type: ignore[arg-type]
        assert (await anext(stream)).startswith("retry: ")
        assert (await anext(stream)).startswith(":")
        asyncio.get_running_loop().call_later(0.05, Service.draining.set)
        async with asyncio.timeout(5):
            [last] = [frame async for frame in stream]
        assert last.startswith("retry: ")


class TestWhoMaySee:
    def test_without_a_credential_nothing_opens(self, talk: Talk, anybody: httpx.Client) -> None:
        for response in (
            anybody.get(talk.path),
            anybody.get(f"{talk.path}/events"),
            anybody.post(f"{talk.path}/messages", json={"message_id": "m", "text": "你好"}),
        ):
            assert_problem(response, 401)
            assert response.headers["www-authenticate"].startswith("Bearer")

    @pytest.mark.parametrize("credential", ["wrong", "~", "a.b.c", "eyJhbGciOiJub25lIn0.e30."])
    def test_a_credential_that_is_nobodys_opens_nothing(self, talk: Talk, credential: str) -> None:
        with talk.server.client(credential) as http:
            assert_problem(http.get(talk.path), 401)
            assert_problem(http.get("/v1/conversations/nowhere"), 401)

    def test_the_right_conversation_with_a_changed_secret_stays_shut(self, talk: Talk) -> None:
        with talk.server.client(talk.secret[:-1] + ("A" if talk.secret[-1] != "A" else "B")) as http:
            assert_problem(http.get(talk.path), 401)

    def test_somebody_elses_conversation_reads_like_a_missing_one(self, server: Server) -> None:
        theirs, mine = server.open(server.token("C1002")), server.open()
        for credential in (mine.secret, server.token("C1001")):
            with server.client(credential) as http:
                other, missing = http.get(theirs.path), http.get("/v1/conversations/nowhere")
            assert assert_problem(other, 404) == assert_problem(missing, 404)

    def test_a_visitors_conversation_is_not_opened_by_a_token(self, server: Server, talk: Talk) -> None:
        with server.client(server.token("C1001")) as http:
            assert_problem(http.get(talk.path), 404)

    def test_the_owners_token_opens_their_conversation(self, server: Server) -> None:
        mine = server.open(server.token("C1001"))
        with server.client(server.token("C1001")) as http:
            state = http.get(mine.path).raise_for_status().json()
        assert state["signed_in"] is True
        assert state["owner"] == "bot"

    def test_a_signed_in_customer_sees_their_bill_and_a_visitor_is_asked_to_sign_in(self, server: Server) -> None:
        mine, visitor = server.open(server.token("C1001")).say("信用卡账单"), server.open().say("信用卡账单")
        assert "remaining_due" in {span["name"] for span in mine["evidence"]}
        assert [decision["outcome"] for decision in visitor["decisions"]] == ["sign_in"]
        assert visitor["evidence"] == []

    def test_a_token_that_is_over_opens_nothing(self, server: Server) -> None:
        token = server.token("C1001")
        with server.clock_ahead(dt.timedelta(minutes=31)), server.client(token) as http:
            assert_problem(http.post("/v1/conversations"), 401)

    def test_the_secret_of_a_signed_in_conversation_lapses_in_silence(self, server: Server) -> None:
        mine, visitor = server.open(server.token("C1001")), server.open()
        with server.clock_ahead(dt.timedelta(minutes=31)):
            with server.client(mine.secret) as http:
                assert_problem(http.get(mine.path), 401)
            with server.client(visitor.secret) as http:
                assert http.get(visitor.path).status_code == 200


class TestTheDemo:
    def test_its_customers_can_be_signed_in_as(self, anybody: httpx.Client) -> None:
        customers = anybody.get("/demo/customers").raise_for_status().json()
        assert len(customers) >= 6
        assert all({"customer_id", "name"} <= customer.keys() for customer in customers)
        assert_problem(anybody.post("/demo/token", json={"customer_id": "nobody"}), 404)

    def test_a_phone_without_a_code_has_nothing_to_show(self, anybody: httpx.Client) -> None:
        assert_problem(anybody.get("/demo/phone/C1003"), 404)

    @pytest.mark.parametrize(
        "headers", [{"Host": "evil.example"}, {"Origin": "http://evil.example"}, {"Origin": "null"}]
    )
    def test_a_page_from_elsewhere_cannot_use_it(self, anybody: httpx.Client, headers: dict[str, str]) -> None:
        assert_problem(anybody.get("/demo/customers", headers=headers), 403)
        assert_problem(anybody.post("/demo/token", json={"customer_id": "C1001"}, headers=headers), 403)

    async def test_another_machine_cannot_use_it(self, server: Server) -> None:
        transport = httpx.ASGITransport(server._app, client=("192.0.2.7", 40_000))
        async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as http:
            assert_problem(await http.get("/demo/customers"), 403)

    async def test_production_has_none_of_it(self, monkeypatch: pytest.MonkeyPatch) -> None:
        for name, value in {
            "TELLER_ENV": "production",
            "TELLER_SECRET": "s" * 40,
            "TELLER_TOKEN_KEY": "t" * 40,
            "TELLER_OTP_URL": "https://otp.bank.example/send",
            "DATABASE_URL": "postgresql://teller@db.example/teller",
            "REDIS_URL": "redis://redis.example",
        }.items():
            monkeypatch.setenv(name, value)
        transport = httpx.ASGITransport(create_app(load_settings()), client=("127.0.0.1", 40_000))
        async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as http:
            for path in ("/demo/customers", "/demo/phone/C1001", "/", "/bank.js"):
                assert_problem(await http.get(path), 404)
            assert_problem(await http.post("/demo/token", json={"customer_id": "C1001"}), 404)
            assert (await http.get("/widget.js")).status_code == 200


class TestOperations:
    def test_it_is_alive_and_ready(self, anybody: httpx.Client) -> None:
        assert anybody.get("/healthz").json() == {"status": "ok"}
        checks = {"database": "ok", "redis": "ok", "model": "ok"}
        assert anybody.get("/readyz").json() == {"status": "ok", "checks": checks}

    def test_what_is_away_is_named(
        self, server: Server, anybody: httpx.Client, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        async def away() -> None:
            raise ConnectionError

        monkeypatch.setitem(server.service.probes, "redis", away)
        problem = assert_problem(anybody.get("/readyz"), 503)
        assert problem["checks"] == {"database": "ok", "redis": "ConnectionError", "model": "ok"}
        assert anybody.get("/healthz").status_code == 200

    def test_turns_are_counted_without_a_word_of_any_customer(self, talk: Talk, anybody: httpx.Client) -> None:
        talk.say("我叫赵钱孙，汇率多少")
        text = anybody.get("/metrics").raise_for_status().text
        assert 'teller_messages_accepted_total{channel="web"}' in text
        assert 'teller_stage_seconds_count{stage="understand"}' in text
        assert "teller_inbox_pending" in text
        assert "赵钱孙" not in text

    @pytest.mark.parametrize(
        ("method", "path", "status"),
        [
            ("GET", "/nowhere", 404),
            ("GET", "/v1/nowhere", 404),
            ("DELETE", "/v1/conversations", 405),
            ("POST", "/healthz", 405),
        ],
    )
    def test_the_frameworks_own_errors_are_problems_too(
        self, anybody: httpx.Client, method: str, path: str, status: int
    ) -> None:
        assert_problem(anybody.request(method, path), status)

    def test_malformed_json_is_a_problem(self, anybody: httpx.Client) -> None:
        headers = {"Content-Type": "application/json"}
        assert_problem(anybody.post("/v1/conversations", content=b'{"language":', headers=headers), 400)
        assert_problem(anybody.post("/v1/conversations", json={"language": "xx"}), 422)

    @pytest.mark.parametrize("path", ["/", "/docs", "/widget.js", "/widget/chat.js", "/bank.css", "/healthz"])
    def test_every_answer_keeps_browsers_strict(self, anybody: httpx.Client, path: str) -> None:
        response = anybody.get(path).raise_for_status()
        assert response.headers["content-security-policy"].startswith("default-src 'none'; script-src 'self'")
        assert "unsafe" not in response.headers["content-security-policy"]
        assert response.headers["x-content-type-options"] == "nosniff"

    def test_the_page_names_no_origin_but_its_own(self, anybody: httpx.Client) -> None:
        for path in ("/", "/docs"):
            page = anybody.get(path).text
            assert "http://" not in page.replace("http://www.w3.org", "")
            assert "https://" not in page
            assert "style=" not in page
            assert "<style" not in page
