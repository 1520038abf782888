"""The database is away, or refuses: clients hear it in a form they can act on, and nobody reads what was to be stored."""

from __future__ import annotations

import logging

import httpx
import pytest
from fastapi import FastAPI
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError, OperationalError, SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncEngine

from bot.problems import install_problem_handlers

SECRET = "6222020200112233445"


@pytest.mark.parametrize(
    "error",
    [
        OperationalError("INSERT", {"text": SECRET}, Exception(SECRET)),
        ConnectionRefusedError(111, SECRET),
        ConnectionResetError(104, SECRET),
    ],
    ids=lambda error: type(error).__name__,
)
async def test_a_database_that_is_away_is_a_503_to_come_back_after(
    error: SQLAlchemyError | ConnectionError, caplog: pytest.LogCaptureFixture
) -> None:
    app = FastAPI()
    install_problem_handlers(app)

    @app.post("/")
    async def fails() -> None:
        raise error

    with caplog.at_level(logging.DEBUG):
        # Whatever reached the server's own handler would be raised here, and logged with its traceback there.
        transport = httpx.ASGITransport(app, raise_app_exceptions=True)
        async with httpx.AsyncClient(transport=transport, base_url="http://bank") as http:
            response = await http.post("/")
    assert response.status_code == 503
    assert response.headers["Retry-After"] == "1"
    assert response.json()["type"] == "urn:teller:problem:away"
    assert type(error).__name__ in caplog.text
    assert SECRET not in caplog.text + response.text


async def test_an_error_of_the_database_does_not_quote_what_was_to_be_stored(database: AsyncEngine) -> None:
    async with database.connect() as connection:
        with pytest.raises(DBAPIError) as raised:
            await connection.execute(text("INSERT INTO nowhere VALUES (:secret)"), {"secret": SECRET})
    assert SECRET not in str(raised.value)
