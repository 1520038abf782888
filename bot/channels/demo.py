"""The demo bank's own surfaces: sign in as one of its customers, look at their phone. This machine only, demo only."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Depends
from pydantic import BaseModel, ConfigDict

from bot.guards import require_this_machine
from bot.problems import not_found
from bot.service import DemoBank, Serving

router = APIRouter(prefix="/demo", tags=["demo"], dependencies=[Depends(require_this_machine)])


class SignIn(BaseModel):
    """Whom to be."""

    model_config = ConfigDict(extra="forbid")
    customer_id: str


class Token(BaseModel):
    """What that customer's requests carry."""

    token: str


class PhoneMessage(BaseModel):
    """The last one-time code that was sent to a customer's phone."""

    code: str
    expires_at: datetime


def _demo(service: Serving) -> DemoBank:
    if service.demo is None:
        raise not_found()
    return service.demo


Demo = Annotated[DemoBank, Depends(_demo)]


@router.get("/customers")
async def customers(demo: Demo) -> list[dict[str, Any]]:
    """The invented customers."""
    return await demo.customers()


@router.post("/token")
async def token(body: SignIn, demo: Demo, service: Serving) -> Token:
    """A token for one of them, as the bank's sign-in would issue it."""
    if body.customer_id not in {customer["customer_id"] for customer in await demo.customers()}:
        raise not_found("There is no such customer.")
    return Token(token=service.tokens.issue(body.customer_id, service.clock()))


@router.get("/phone/{customer_id}")
async def phone(customer_id: str, demo: Demo) -> PhoneMessage:
    """The code that was last sent to that customer, while it is good."""
    message = await demo.phone.read(customer_id)
    if message is None:
        raise not_found("No code has been sent to this phone lately.")
    code, expires_at = message
    return PhoneMessage(code=code, expires_at=expires_at)
