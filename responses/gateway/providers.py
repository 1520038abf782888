"""Which models speak, in order of preference: one YAML file, and what opens each kind of provider.

providers:
  - name: qwen                        # what replies and the ledger call it
    kind: openai                      # any OpenAI-compatible service
    url: https://engine.bank.internal/v1
    model: Qwen/Qwen3-8B
    key_env: QWEN_KEY                 # the variable that holds its key
    on_premises: true
    model_filing_no: Beijing-0000-2026
    price: {currency: CNY, input: "0.5", output: "2"}   # a million tokens
    daily_budget: "200"
  - {name: local, kind: transformers, path: /models/qwen, model_filing_no: …}
  - {name: writer, kind: writer}
"""

from __future__ import annotations

import importlib
import os
from collections.abc import Callable, Mapping
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any, Literal, Self

import yaml
from pydantic import BaseModel, ConfigDict, Field, HttpUrl, SecretStr, ValidationError, model_validator

from responses.gateway.port import ModelProvider
from responses.gateway.upstream import CONCURRENCY
from responses.gateway.usage import FREE, NANO, Price

Kind = Literal["openai", "transformers", "writer"]
EXTERNAL: frozenset[Kind] = frozenset({"openai", "transformers"})
"""Kinds whose model others trained: it must be filed before it speaks to the public (国家金融监督管理总局, 2026-06-18)."""

PROVIDER_NAME = r"^[A-Za-z0-9][A-Za-z0-9._:/@-]{0,63}$"
"""A name that a table, a metric and an address can hold."""


class ProviderError(ValueError):
    """The file of providers cannot be used. ``reasons`` are whole sentences saying what to do."""

    def __init__(self, reasons: list[str]) -> None:
        super().__init__("\n".join(reasons))
        self.reasons = reasons


class Entry(BaseModel):
    """One provider as the file has it. ``key_env`` names the variable of its key, so that the file holds no secret.

    ``extra`` is added to the body of each request, ``daily_budget`` is money a day in Beijing, in the price's currency.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")
    name: Annotated[str, Field(pattern=PROVIDER_NAME)]
    kind: Kind
    url: HttpUrl | None = None
    model: Annotated[str | None, Field(min_length=1, max_length=128)] = None
    key_env: Annotated[str | None, Field(pattern=r"^[A-Z][A-Z0-9_]*$")] = None
    key: Annotated[SecretStr | None, Field(exclude=True)] = None
    path: Path | None = None
    proxy: HttpUrl | None = None
    temperature: Annotated[float, Field(ge=0, le=2)] = 0.8
    extra: dict[str, Any] = {}
    on_premises: bool = False
    model_filing_no: Annotated[str | None, Field(min_length=1, max_length=64)] = None
    concurrency: Annotated[int, Field(ge=1, le=1000)] = CONCURRENCY
    price: Price = FREE
    daily_budget: Annotated[Decimal | None, Field(ge=0, decimal_places=9, max_digits=18)] = None

    @model_validator(mode="after")
    def _fits_its_kind(self) -> Self:
        needed = {"openai": ("url", "model"), "transformers": ("path",), "writer": ()}[self.kind]
        foreign = {
            "openai": ("path",),
            "transformers": ("url", "key_env", "proxy", "extra"),
            "writer": ("url", "model", "key_env", "proxy", "extra"),
        }[self.kind]
        if missing := [name for name in needed if getattr(self, name) is None]:
            raise ValueError(f"a provider of kind {self.kind} needs {' and '.join(missing)}")
        if unread := [name for name in foreign if getattr(self, name)]:
            raise ValueError(f"a provider of kind {self.kind} has no {' or '.join(unread)}")
        if self.daily_budget is not None and self.price == FREE:
            raise ValueError("a daily_budget needs a price, or nothing is ever spent of it")
        return self

    @property
    def in_house(self) -> bool:
        """Whether what it is told stays in the house: a model of this process always does."""
        return self.on_premises or self.kind != "openai"

    @property
    def budget(self) -> int | None:
        """``daily_budget`` in nanos."""
        return None if self.daily_budget is None else int(self.daily_budget * NANO)

    def secret(self) -> str | None:
        """Its key, out of the environment."""
        if self.key is not None:
            return self.key.get_secret_value()
        return os.environ.get(self.key_env) if self.key_env else None

    def refusals(self) -> list[str]:
        """Why it must not speak to the public, a sentence each."""
        reasons = []
        if self.kind in EXTERNAL and self.model_filing_no is None:
            reasons.append(
                f"The language model {self.name} has no model_filing_no: a generative model speaks to the public only after "
                "it was filed; give its number, or take the model away."
            )
        if self.url is not None and not self.in_house and self.url.scheme != "https":
            reasons.append(f"The language model {self.name} is outside the house and its url is not https.")
        if self.key_env is not None and not os.environ.get(self.key_env):
            reasons.append(f"{self.key_env} is not set: the language model {self.name} takes its key from there.")
        return reasons


class _File(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")
    providers: tuple[Entry, ...]

    @model_validator(mode="after")
    def _names_are_used_once(self) -> Self:
        names = [each.name for each in self.providers]
        if twice := sorted({name for name in names if names.count(name) > 1}):
            raise ValueError(f"two providers are called {', '.join(twice)}")
        return self


def read_providers(path: Path) -> tuple[Entry, ...]:
    """The providers of the file at *path*, in its order; ``ProviderError`` says in sentences what is wrong with it."""
    try:
        loaded = yaml.safe_load(path.read_text("utf-8"))
        file = _File.model_validate({} if loaded is None else loaded)
    except OSError as error:
        raise ProviderError([f"{path} cannot be read: {error.strerror}."]) from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        where = getattr(error, "problem_mark", None)
        line = f", line {where.line + 1}" if where else ""
        raise ProviderError([f"{path}{line} is not YAML."]) from error
    except ValidationError as error:
        # Not the input itself: someone may have written a key into it.
        raise ProviderError([_sentence(path, problem) for problem in error.errors(include_input=False)]) from error
    if any("key" in each.model_fields_set for each in file.providers):
        raise ProviderError([f"{path} holds a key: put it into a variable, and its name into key_env."])
    return file.providers


def open_provider(entry: Entry) -> ModelProvider:
    """The provider of *entry*. ``ProviderError`` where a part is missing; one that holds connections has ``close``."""
    module, _, opener = OPENERS[entry.kind].partition(":")
    try:
        opened: ModelProvider = getattr(importlib.import_module(module), opener)(entry)
    except ModuleNotFoundError as error:
        raise ProviderError(
            [
                f"The language model {entry.name} needs {error.name}: {_EXTRAS.get(entry.kind, 'reinstall this release')}."
            ]
        ) from error
    except Exception as error:  # tokenizers, for one, raises no narrower class for a file that is not there
        raise ProviderError([f"The language model {entry.name} cannot be opened ({type(error).__name__})."]) from error
    return opened


OPENERS: Mapping[Kind, str] = {
    "openai": "responses.gateway.compatible:open_service",
    "transformers": "responses.gateway.local:open_model",
    "writer": "responses.writer.serve:open_writer",
}
"""What opens a kind: a function from its ``Entry`` to a provider, imported only where one is configured."""
_EXTRAS: Mapping[Kind, str] = {"transformers": "pip install -e '.[local]' -c constraints.txt"}
Opener = Callable[[Entry], ModelProvider]


def _sentence(path: Path, problem: Any) -> str:
    where = ".".join(str(part) for part in problem["loc"])
    return f"{path}: {where + ': ' if where else ''}{problem['msg'].removeprefix('Value error, ')}."
