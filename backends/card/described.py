"""How the actions of this room describe a card that is chosen from several."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from backends.action import Action, Context
from backends.card.service import card_name
from backends.card.tables import Card
from backends.result import Choice, Row


def card_row(action: Action[Any], card: Card, context: Context) -> Row:
    """The facts by which a customer knows a card of theirs."""
    return action.facts(context, card_name=card_name(card), card_tail=card.tail)


def card_choices(action: Action[Any], cards: Sequence[Card], context: Context) -> tuple[Choice, ...]:
    """*cards* to choose from by their last digits."""
    return tuple(Choice(slot="card_tail", value=card.tail, facts=card_row(action, card, context)) for card in cards)
