"""The AsyncAPI document: the events of a conversation, and both ways of the signed webhook. Made from the models that are sent."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel

from bot.channels.webhook import FromCustomer, ToCustomer
from bot.described import VERSION, schemas_of
from bot.event_data import EVENTS
from bot.events import Event
from bot.signing import ID, SIGNATURE, TIMESTAMP

ABOUT = """What happens in a conversation, as `GET /v1/conversations/{id}/events` streams it (server-sent events: `id` is the event's
`seq`, `event` its `type`, `data` the envelope; `Last-Event-ID` resumes behind it), and the two posts of the signed webhook. Types
and fields beside these may come with a later release: pass over what you do not know."""
_SIGNED = {
    "type": "object",
    "required": [ID, TIMESTAMP, SIGNATURE],
    "properties": {
        ID: {"type": "string", "description": "the sender's id of the message: the same again is the same message"},
        TIMESTAMP: {"type": "string", "pattern": "^[0-9]{1,12}$", "description": "seconds since 1970"},
        SIGNATURE: {
            "type": "string",
            "description": "`v1,` and the base64 of the HMAC-SHA256 over `id.timestamp.body`; several with spaces between",
        },
    },
}


def asyncapi() -> dict[str, Any]:
    """The document, AsyncAPI 3.0."""
    events = {_name(kind, actor): (kind, actor, model) for kind, by in EVENTS.items() for actor, model in by.items()}
    models: set[type[BaseModel]] = {model for _, _, model in events.values()} | {Event, FromCustomer, ToCustomer}
    return {
        "asyncapi": "3.0.0",
        "info": {"title": "Teller", "version": VERSION, "description": ABOUT},
        "defaultContentType": "application/json",
        "channels": {
            "events": {
                "address": "/v1/conversations/{conversation_id}/events",
                "description": "The events of one conversation, each as it happens.",
                "parameters": {"conversation_id": {"description": "as it was told when the conversation was opened"}},
                "messages": {name: {"$ref": f"#/components/messages/{name}"} for name in events},
                "bindings": {"http": {}},
            },
            "customers": {
                "address": "/channels/webhook/{name}",
                "description": "What an adapter posts to Teller.",
                "parameters": {"name": {"description": "the adapter's name in TELLER_WEBHOOKS"}},
                "messages": {"from_customer": {"$ref": "#/components/messages/from_customer"}},
            },
            "replies": {
                "address": None,
                "description": "What Teller posts to the adapter's url, again and again until it answers 2xx.",
                "messages": {"to_customer": {"$ref": "#/components/messages/to_customer"}},
            },
        },
        "operations": {
            "tell_events": {"action": "send", "channel": {"$ref": "#/channels/events"}},
            "hear_customers": {
                "action": "receive",
                "channel": {"$ref": "#/channels/customers"},
                "bindings": {"http": {"method": "POST"}},
            },
            "post_replies": {
                "action": "send",
                "channel": {"$ref": "#/channels/replies"},
                "bindings": {"http": {"method": "POST"}},
            },
        },
        "components": {
            "messages": {
                **{name: _event(kind, actor, model) for name, (kind, actor, model) in events.items()},
                "from_customer": _posted(FromCustomer),
                "to_customer": _posted(ToCustomer),
            },
            "schemas": schemas_of(*sorted(models, key=lambda model: model.__name__)),
        },
    }


def _name(kind: str, actor: str) -> str:
    return f"{kind}.{actor}"


def _event(kind: str, actor: str, model: type[BaseModel]) -> dict[str, Any]:
    return {
        "name": kind,
        "title": f"{kind}, by the {actor}",
        "summary": " ".join((model.__doc__ or "").split()),
        "payload": {
            "allOf": [
                {"$ref": "#/components/schemas/Event"},
                {
                    "type": "object",
                    "properties": {
                        "type": {"const": kind},
                        "actor": {"const": actor},
                        "data": {"$ref": f"#/components/schemas/{model.__name__}"},
                    },
                },
            ]
        },
    }


def _posted(model: type[BaseModel]) -> dict[str, Any]:
    return {
        "name": model.__name__,
        "summary": " ".join((model.__doc__ or "").split()),
        "contentType": "application/json",
        "headers": _SIGNED,
        "payload": {"$ref": f"#/components/schemas/{model.__name__}"},
    }
