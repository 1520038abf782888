"""The file of providers: read whole or refused in sentences, filed models only in production, each kind opened."""

from __future__ import annotations

from pathlib import Path

import httpx
import pytest

from bot import doctor, models
from bot.models import look_at
from bot.settings import UnsafeSettings, load_settings
from responses.gateway import OpenAIProvider
from responses.gateway.providers import OPENERS, Entry, ProviderError, open_provider, read_providers
from responses.gateway.upstream import CONCURRENCY
from responses.gateway.usage import NANO
from responses.scripted_server import create_engine
from tests.server import serving
from tests.unit.test_settings import PRODUCTION

EXAMPLE = Path(__file__).parent.parent.parent / "deploy" / "providers.yml"


def written(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "providers.yml"
    path.write_text(text, "utf-8")
    return path


def test_the_example_is_read_in_its_order_and_fit_for_production(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("DEEPSEEK_KEY", "k")
    entries = read_providers(EXAMPLE)
    assert [entry.kind for entry in entries] == ["openai", "openai", "transformers", "writer"]
    assert [entry.in_house for entry in entries] == [True, False, True, True]
    assert [reason for entry in entries for reason in entry.refusals()] == []
    assert entries[1].budget == 200 * NANO
    assert entries[0].concurrency != CONCURRENCY


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "providers"),
        ("providers: [", "is not YAML"),
        ("providers: [{name: a, kind: openai, model: m}]", "needs url"),
        ("providers: [{name: a, kind: openai, url: ftp://x, model: m}]", "url"),
        ("providers: [{name: a, kind: gpt}]", "kind"),
        ("providers: [{name: a, kind: transformers}]", "needs path"),
        ("providers: [{name: a, kind: writer, url: http://x}]", "has no url"),
        ("providers: [{name: a, kind: writer}, {name: a, kind: writer}]", "two providers are called a"),
        ("providers: [{name: 'a b', kind: writer}]", "name"),
        ("providers: [{name: a, kind: writer, daily_budget: 5}]", "needs a price"),
        ("providers: [{name: a, kind: writer, price: {input: 0.0001}}]", "price.input"),
        ("providers: [{name: a, kind: writer, concurency: 3}]", "concurency"),
        ("providers: [{name: a, kind: openai, url: http://x, model: m, key: s3cret}]", "key_env"),
    ],
)
def test_a_file_that_cannot_be_meant_is_refused_in_a_sentence_that_quotes_no_secret(
    tmp_path: Path, text: str, said: str
):
    with pytest.raises(ProviderError) as refused:
        read_providers(written(tmp_path, text))
    assert said in str(refused.value)
    assert "s3cret" not in str(refused.value)


def test_a_file_that_is_not_there_is_refused(tmp_path: Path):
    with pytest.raises(UnsafeSettings) as refused:
        load_settings(env="demo", data_dir=tmp_path, providers=tmp_path / "none.yml")
    assert "cannot be read" in str(refused.value)


FILED = "providers: [{{name: a, kind: openai, url: '{url}', model: m{more}}}]"


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ("", ["no model_filing_no", "not https"]),
        (", model_filing_no: X-1", ["not https"]),
        (", on_premises: true", ["no model_filing_no"]),
        (", on_premises: true, model_filing_no: X-1, key_env: NO_SUCH_KEY", ["NO_SUCH_KEY is not set"]),
        (", on_premises: true, model_filing_no: X-1", []),
    ],
)
def test_in_production_a_model_that_was_not_filed_does_not_speak(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, more: str, said: list[str]
):
    path = written(tmp_path, FILED.format(url="http://engine:8000/v1", more=more))
    load_settings(env="demo", data_dir=tmp_path, providers=path)
    for name, value in PRODUCTION.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("TELLER_PROVIDERS", str(path))
    try:
        load_settings()
        reasons = []
    except UnsafeSettings as error:
        reasons = error.reasons
    assert len(reasons) == len(said)
    assert all(part in reason for part, reason in zip(said, reasons, strict=True))


def test_the_short_form_is_one_provider_and_is_held_to_the_same(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    short = {"model_url": "http://engine:8000/v1", "model_name": "Qwen/Qwen3-8B", "model_key": "k"}
    [entry] = load_settings(env="demo", data_dir=tmp_path, **short).language_models()
    assert (entry.name, entry.kind, entry.secret(), entry.in_house) == ("Qwen/Qwen3-8B", "openai", "k", False)
    assert "k" not in repr(entry).replace("key", "").replace("kind", "")
    for name, value in PRODUCTION.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(UnsafeSettings) as refused:
        load_settings(**short)
    assert "model_filing_no" in str(refused.value)
    filed = {"model_filing_no": "X-1", "model_on_premises": True}
    assert load_settings(**short, **filed).language_models()[0].in_house
    with pytest.raises(UnsafeSettings):
        load_settings(env="demo", providers=EXAMPLE, **short)


async def test_each_kind_has_an_opener_and_a_missing_part_is_told_in_a_sentence(tmp_path: Path):
    service = open_provider(Entry(name="a", kind="openai", url="http://x/v1", model="m"))
    assert isinstance(service, OpenAIProvider)
    assert (service.name, service.model) == ("a", "m")
    await service.close()
    assert set(OPENERS) == {"openai", "transformers", "writer"}
    with pytest.raises(ProviderError) as refused:
        open_provider(Entry(name="b", kind="transformers", path=tmp_path))
    assert "The language model b" in str(refused.value)
    # Its tokenizer's library raises a bare Exception.
    with pytest.raises(ProviderError):
        open_provider(Entry(name="c", kind="writer", path=tmp_path))


async def test_a_look_at_a_service_asks_for_no_text(tmp_path: Path):
    with serving(create_engine("honest")) as url:
        here = Entry(name="a", kind="openai", url=f"{url}/v1", model="plain")
        assert await look_at(here, 5) is None
        assert await look_at(here.model_copy(update={"model": "other"}), 5) == "does not list other"
    with pytest.raises(httpx.HTTPError):
        await look_at(here, 5)
    nowhere = Entry(name="b", kind="transformers", path=tmp_path)
    assert await look_at(nowhere, 5) == f"no config.json in {tmp_path}"


async def test_doctor_lists_every_model_in_its_order(tmp_path: Path):
    path = written(
        tmp_path,
        "providers:\n- {name: near, kind: openai, url: 'http://127.0.0.1:9/v1', model: m, on_premises: true}\n"
        f"- {{name: local, kind: transformers, path: {tmp_path}, model_filing_no: X-1}}\n",
    )
    found = await doctor._language_models(load_settings(env="demo", data_dir=tmp_path, providers=path))
    assert [finding.state for finding in found] == ["warn", "warn"]
    assert found[0].found.startswith("1. near (openai, in the house, not filed): not there (ConnectError)")
    assert "2. local (transformers, in the house, filed as X-1): no config.json" in found[1].found


async def test_a_model_that_cannot_be_opened_is_missed_and_the_next_speaks(tmp_path: Path, database, caplog):
    from contextlib import AsyncExitStack

    from bot.parts import utc_now

    entries = (
        Entry(name="local", kind="transformers", path=tmp_path),
        Entry(name="near", kind="openai", url="http://127.0.0.1:9/v1", model="m", concurrency=3),
    )
    async with AsyncExitStack() as stack:
        opened = await models.open_models(entries, database, utc_now, stack, None)
        assert dict(opened.states()) == {"local": "missing", "near": "ok"}
        assert opened.gateway is not None
        [upstream] = opened.gateway.upstreams
        assert (upstream.name, upstream.model, upstream.concurrency, upstream.on_premises) == ("near", "m", 3, False)
    assert "local" in caplog.text
