"""The bank's actions in this process: one transaction a call, and every failure an outcome or a ``BackendError``."""

from __future__ import annotations

import datetime as dt
import logging
import traceback
from collections.abc import Callable, Mapping

from pydantic import ValidationError
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession

from backends import effects
from backends.action import ActionCall, BackendError, BankAction, Caller, Context, Refused, Rejected
from backends.registry import BY_NAME, AnyAction
from backends.result import Result

log = logging.getLogger(__name__)

READ_ONLY = "teller_read_only"
"""The option by which an engine of ours knows a transaction that only reads, and takes no write lock for it on SQLite."""
RACES = 3
"""How often a call that lost a race on a key is tried: the second time it finds what the winner left."""


class LocalActions:
    """An ``ActionRunner`` over the bank's database. *clock* gives the time, aware and in UTC; *actions* are all there
    are, by name."""

    def __init__(
        self, engine: AsyncEngine, clock: Callable[[], dt.datetime], actions: Mapping[str, AnyAction] = BY_NAME
    ) -> None:
        self._actions = actions
        self._engine = engine
        self._reader = engine.execution_options(**{READ_ONLY: True})
        self._clock = clock

    async def run(self, call: ActionCall, caller: Caller) -> Result:
        """The answer to *call* on behalf of *caller*.

        Raises ``Rejected`` where there is no such action or step or the input is not of its type, and ``BackendError``
        where anything fails; that is ``unknown`` where something may have been done.
        """
        action = self._actions.get(call.name)
        if action is None or call.step not in action.steps:
            raise Rejected(f"no action answers {call.name}.{call.step}")
        if action.access == "customer" and caller.customer_id is None and call.step != "explain":
            return Result(capability=action.name, outcome="sign_in")
        acts = action.acts(call.step)
        engine = self._engine if acts or call.step == "prepare" else self._reader
        for _ in range(RACES):
            try:
                async with AsyncSession(engine, expire_on_commit=False) as db, db.begin():
                    return await _answer(action, call, Context(db, caller, self._clock(), call.key))
            except IntegrityError:
                continue
            except BackendError:
                raise
            except Exception as error:
                # A driver's message quotes the parameters of its statement; its type and place do not.
                place = "".join(traceback.format_tb(error.__traceback__))
                log.error("%s.%s failed: %s\n%s", call.name, call.step, type(error).__name__, place)
                raise BackendError(f"{call.name}.{call.step}: {type(error).__name__}", unknown=acts) from error
        raise Rejected(f"{call.name}.{call.step}: its key is taken by something else")


async def _answer(action: AnyAction, call: ActionCall, context: Context) -> Result:
    try:
        return await _step(action, call, context)
    except Refused as refused:
        return action.refusal(refused, context)
    except ValidationError as error:
        fields = sorted({str(problem["loc"][0]) for problem in error.errors() if problem["loc"]})
        raise Rejected(f"{call.name}.{call.step}: unreadable input {', '.join(fields)}") from None


async def _step(action: AnyAction, call: ActionCall, context: Context) -> Result:
    if isinstance(action, BankAction):
        found: Result = await action.run(action.Input.model_validate(call.input), context)
        return found
    match call.step:
        case "explain":
            return await action.explain(context)
        case "status":
            return await action.status(context)
        case "prepare":
            return await effects.prepare(action, action.Input.model_validate(call.input), context)
        case "commit":
            return await effects.commit(action, call, context)
        case "outcome":
            return await effects.outcome(action, context)
        case "void":
            return await effects.void(action, context)
        case _:
            raise AssertionError(f"{action.name} has no step {call.step}")
