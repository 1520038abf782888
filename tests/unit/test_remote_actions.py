"""The client of the action server: whatever goes wrong on the way is no answer, and of a write an unknown one."""

from __future__ import annotations

import httpx
import pytest

from backends.action import ActionCall, BackendError, Caller
from backends.remote import RemoteActions

CALLER = Caller(customer_id="C1001", assurance="stepped_up", conversation_id="c")


async def failing(error: Exception, call: ActionCall) -> BackendError:
    def raise_it(request: httpx.Request) -> httpx.Response:
        raise error

    remote = RemoteActions("http://127.0.0.1:1", b"k" * 32)
    await remote.aclose()
    remote._client = httpx.AsyncClient(transport=httpx.MockTransport(raise_it))
    with pytest.raises(BackendError) as raised:
        await remote.run(call, CALLER)
    await remote.aclose()
    return raised.value


COMMIT = ActionCall(name="fx_buy", step="commit", quote_id="q", digest="d", key="k")


@pytest.mark.parametrize(
    "error",
    [
        httpx.ReadError(""),
        httpx.RemoteProtocolError(""),
        ConnectionResetError(),
        # What anyio makes of a connection that is reset while it is made.
        AttributeError("'NoneType' object has no attribute 'getpeername'"),
    ],
    ids=lambda error: type(error).__name__,
)
async def test_an_answer_lost_on_the_way_leaves_a_write_unknown_and_a_query_unanswered(error: Exception) -> None:
    assert (await failing(error, COMMIT)).unknown
    assert not (await failing(error, ActionCall(name="card_bill"))).unknown


async def test_a_write_that_never_left_is_known_not_to_be_done() -> None:
    assert not (await failing(httpx.ConnectError(""), COMMIT)).unknown
