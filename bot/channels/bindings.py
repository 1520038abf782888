"""What a signed-in customer's page does with bindings: make a one-time link, see what is bound, take it away."""

from __future__ import annotations

import datetime as dt
from typing import Annotated

from fastapi import APIRouter, Depends
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from pydantic import BaseModel

from bot.bindings import LINKS_AN_HOUR, Binding, TooManyLinks
from bot.channels.intake import Address
from bot.claims import InvalidToken
from bot.problems import not_found, too_many, unauthorized
from bot.service import Serving

router = APIRouter(prefix="/v1/bindings", tags=["bindings"])
_bearer = HTTPBearer(auto_error=False, description="The customer's token.")


class BindingLink(BaseModel):
    """The link that the customer sends from WeChat or WeCom, once, before *expires_at*."""

    url: str
    expires_at: dt.datetime


async def _customer(
    bearer: Annotated[HTTPAuthorizationCredentials | None, Depends(_bearer)], service: Serving, address: Address
) -> str:
    if bearer is None:
        raise unauthorized("Send the customer's token as a bearer credential.")
    try:
        principal = await service.tokens.principal(bearer.credentials, "web", service.clock())
    except InvalidToken:
        raise unauthorized("This token is not valid, or no longer.") from None
    assert principal.customer_id is not None
    return principal.customer_id


Customer = Annotated[str, Depends(_customer)]


@router.post("/links", status_code=201)
async def make_link(customer_id: Customer, service: Serving) -> BindingLink:
    """A link that binds whoever sends it to us; it replaces the one before."""
    try:
        link = await service.bindings.make_link(customer_id, service.clock())
    except TooManyLinks:
        raise too_many(3600 // LINKS_AN_HOUR) from None
    return BindingLink(url=f"{service.settings.bank_page()}/bind/{link.code}", expires_at=link.expires_at)


@router.get("")
async def bound(customer_id: Customer, service: Serving) -> list[Binding]:
    """What is bound to the customer."""
    return await service.bindings.of(customer_id)


@router.delete("/{channel}/{user_id:path}", status_code=204)
async def unbind(channel: str, user_id: str, customer_id: Customer, service: Serving) -> None:
    """Take one away."""
    if not await service.bindings.unbind(channel, user_id, service.clock(), customer_id):
        raise not_found()
