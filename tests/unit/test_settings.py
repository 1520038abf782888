"""What may be served with, and what is refused in a sentence."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from bot.settings import UnsafeSettings, is_loopback, load_settings

PRODUCTION = {
    "TELLER_ENV": "production",
    "TELLER_SECRET": "s" * 40,
    "TELLER_TOKEN_KEY": "t" * 40,
    "TELLER_OTP_URL": "https://otp.bank.example/send",
    "DATABASE_URL": "postgresql://teller@db.example/teller",
    "REDIS_URL": "redis://redis.example",
}


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in os.environ:
        if name.startswith("TELLER_") or name in (
            "DATABASE_URL",
            "BANK_DATABASE_URL",
            "REDIS_URL",
            "ACTIONS_URL",
            "BANK_API_URL",
        ):
            monkeypatch.delenv(name)


def reasons(monkeypatch: pytest.MonkeyPatch, **environment: str | None) -> list[str]:
    """Why a process in that environment refuses to start; none where it would start."""
    for name, value in environment.items():
        if value is None:
            monkeypatch.delenv(name, raising=False)
        else:
            monkeypatch.setenv(name, value)
    try:
        load_settings()
    except UnsafeSettings as error:
        return error.reasons
    return []


def test_the_demo_needs_no_settings() -> None:
    settings = load_settings()
    assert settings.demo
    assert is_loopback(settings.host)


def test_what_is_written_goes_to_one_place_wherever_a_process_moves(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TELLER_DATA_DIR", "somewhere")
    assert load_settings().data_dir == Path.cwd() / "somewhere"


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.1.4", "bank.example", "::ffff:10.0.0.1"])
def test_the_demo_binds_this_machine_only(monkeypatch: pytest.MonkeyPatch, host: str) -> None:
    [reason] = reasons(monkeypatch, TELLER_HOST=host)
    assert "127.0.0.1" in reason


@pytest.mark.parametrize("host", ["127.0.0.1", "127.8.9.1", "localhost", "::1", "[::1]", "::ffff:127.0.0.1"])
def test_every_name_of_this_machine_is_known(host: str) -> None:
    assert is_loopback(host)


def test_production_with_everything_set_may_bind_anywhere(monkeypatch: pytest.MonkeyPatch) -> None:
    assert reasons(monkeypatch, **PRODUCTION, TELLER_HOST="0.0.0.0") == []


@pytest.mark.parametrize("name", [name for name in PRODUCTION if name != "TELLER_ENV"])
def test_production_names_each_thing_that_is_missing(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    [reason] = reasons(monkeypatch, **{**PRODUCTION, name: None})
    assert name in reason
    assert reason.endswith(".")


def test_production_names_all_that_is_missing_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    assert len(reasons(monkeypatch, TELLER_ENV="production")) == len(PRODUCTION) - 1


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("TELLER_SECRET", "short"),
        ("TELLER_TOKEN_KEY", PRODUCTION["TELLER_SECRET"]),
        ("TELLER_TOKEN_KEY", "short"),
        ("TELLER_TOKEN_KEY_PREVIOUS", "short"),
        ("TELLER_TOKEN_KEY_PREVIOUS", PRODUCTION["TELLER_TOKEN_KEY"]),
        ("TELLER_TOKEN_KEY_PREVIOUS", PRODUCTION["TELLER_SECRET"]),
        ("DATABASE_URL", "sqlite:///teller.db"),
        ("TELLER_FAILPOINTS", "turn.understood=kill"),
    ],
)
def test_production_refuses_what_is_weak(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    assert len(reasons(monkeypatch, **{**PRODUCTION, name: value})) == 1


ISSUER = {
    "TELLER_JWKS_URL": "https://login.bank.example/jwks",
    "TELLER_JWT_ISSUER": "https://login.bank.example",
    "TELLER_JWT_AUDIENCE": "teller",
}


def test_a_bank_may_have_its_own_issuer_by_url_or_by_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    assert reasons(monkeypatch, **PRODUCTION, **ISSUER) == []
    keys = tmp_path / "jwks.json"
    keys.write_text("{}")
    assert reasons(monkeypatch, TELLER_JWKS_URL=None, TELLER_JWKS_FILE=str(keys)) == []
    [reason] = reasons(monkeypatch, TELLER_JWKS_FILE=str(tmp_path / "none.json"))
    assert "TELLER_JWKS_FILE" in reason


@pytest.mark.parametrize("env", [PRODUCTION, {"TELLER_ENV": "demo"}], ids=["production", "demo"])
@pytest.mark.parametrize(
    ("changed", "named"),
    [
        ({"TELLER_JWT_ISSUER": None}, "TELLER_JWT_ISSUER"),
        ({"TELLER_JWT_AUDIENCE": None}, "TELLER_JWT_AUDIENCE"),
        ({"TELLER_JWKS_URL": None}, "TELLER_JWKS_URL"),
        ({"TELLER_JWKS_FILE": __file__}, "TELLER_JWKS_FILE"),
    ],
)
def test_half_an_issuer_is_refused(
    monkeypatch: pytest.MonkeyPatch, env: dict[str, str], changed: dict[str, str | None], named: str
) -> None:
    [reason] = reasons(monkeypatch, **{**env, **ISSUER, **changed})
    assert named in reason
    assert reason.endswith(".")


def test_production_takes_keys_from_nobody_who_stands_between(monkeypatch: pytest.MonkeyPatch) -> None:
    [reason] = reasons(monkeypatch, **{**PRODUCTION, **ISSUER, "TELLER_JWKS_URL": "http://login.bank.example/jwks"})
    assert "https" in reason
    assert reasons(monkeypatch, TELLER_JWKS_URL="http://127.0.0.1:8080/jwks") == []


DEFAULTS = {
    "nothing set": (
        {name: None for name in PRODUCTION if name != "TELLER_ENV"},
        sorted(PRODUCTION.keys() - {"TELLER_ENV"}),
    ),
    "the demo's database": ({"DATABASE_URL": None}, ["DATABASE_URL"]),
    "a kept key": ({"TELLER_TOKEN_KEY": None}, ["TELLER_TOKEN_KEY"]),
}


@pytest.mark.parametrize(("changed", "named"), DEFAULTS.values(), ids=DEFAULTS)
@pytest.mark.parametrize("command", ["serve", "actions"])
def test_a_production_process_with_a_demo_default_ends_with_a_sentence(
    tmp_path: Path, command: str, changed: dict[str, str | None], named: list[str]
) -> None:
    given = {name: value for name, value in {**PRODUCTION, **changed}.items() if value is not None}
    ended = subprocess.run(
        [sys.executable, "-c", "from bot.cli import main; main()", command],
        env={**os.environ, **given, "TELLER_DATA_DIR": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert ended.returncode not in (0, None)
    assert sorted(line.split(" ")[0] for line in ended.stderr.splitlines()) == named
    assert all(line.endswith(".") for line in ended.stderr.splitlines())
    assert "Traceback" not in ended.stderr
    assert list(tmp_path.iterdir()) == [], "it had begun"


def test_a_bank_answers_at_one_address_only(monkeypatch: pytest.MonkeyPatch) -> None:
    action_server, api = "http://actions.bank.example", "https://api.bank.example"
    assert reasons(monkeypatch, ACTIONS_URL=action_server) == []
    (reason,) = reasons(monkeypatch, ACTIONS_URL=action_server, BANK_API_URL=api)
    assert "ACTIONS_URL" in reason
    assert "BANK_API_URL" in reason
    assert reasons(monkeypatch, ACTIONS_URL=None, BANK_API_URL=api) == []


def test_a_model_url_without_a_model_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    [reason] = reasons(monkeypatch, TELLER_MODEL_URL="http://engine:8000/v1")
    assert "TELLER_MODEL_NAME" in reason


def test_a_value_of_the_wrong_kind_is_told_by_the_variables_name(monkeypatch: pytest.MonkeyPatch) -> None:
    [reason] = reasons(monkeypatch, TELLER_PORT="eighty")
    assert reason.startswith("TELLER_PORT:")


def test_an_empty_variable_is_as_good_as_none(monkeypatch: pytest.MonkeyPatch) -> None:
    assert reasons(monkeypatch, TELLER_MODEL_URL="", REDIS_URL="") == []


def test_secrets_do_not_show_in_a_printed_setting(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in PRODUCTION.items():
        monkeypatch.setenv(name, value)
    shown = repr(load_settings())
    assert PRODUCTION["TELLER_SECRET"] not in shown
    assert PRODUCTION["TELLER_TOKEN_KEY"] not in shown
    assert "db.example" not in shown


def test_the_demos_secrets_are_random_kept_and_their_owners_only(tmp_path: Path) -> None:
    settings = load_settings(data_dir=tmp_path)
    first, second = settings.secret_key(), settings.signing_key()
    assert first != second
    assert len(first) >= 32
    again, elsewhere = load_settings(data_dir=tmp_path), load_settings(data_dir=tmp_path / "other")
    assert (again.secret_key(), again.signing_key()) == (first, second)
    assert elsewhere.secret_key() != first
    files = list((tmp_path / "keys").iterdir())
    assert len(files) == 2
    assert {stat.S_IMODE(file.stat().st_mode) for file in files} == {0o600}


def test_processes_that_start_together_agree_on_the_secret(tmp_path: Path) -> None:
    with ThreadPoolExecutor(16) as pool:
        keys = set(pool.map(lambda _: load_settings(data_dir=tmp_path).secret_key(), range(64)))
    assert len(keys) == 1


WECHAT = {
    "TELLER_WECHAT_APPID": "wx1",
    "TELLER_WECHAT_SECRET": "s",
    "TELLER_WECHAT_TOKEN": "t",
    "TELLER_WECHAT_AES_KEY": "a" * 43,
    "TELLER_PUBLIC_URL": "https://bank.example",
}


def test_a_channel_with_half_its_settings_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    [reason] = reasons(monkeypatch, TELLER_WECHAT_APPID="wx1")
    assert "TELLER_WECHAT_SECRET and TELLER_WECHAT_TOKEN" in reason
    assert reasons(monkeypatch, **WECHAT) == []
    [reason] = reasons(monkeypatch, TELLER_WECOM_SECRET="s")
    assert "TELLER_WECOM_CORPID" in reason


def test_a_platforms_key_of_the_wrong_form_is_told_by_its_name(monkeypatch: pytest.MonkeyPatch) -> None:
    [reason] = reasons(monkeypatch, TELLER_WECHAT_AES_KEY="too short")
    assert reason.startswith("TELLER_WECHAT_AES_KEY:")
    assert "too short" not in reason


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("TELLER_WECHAT_AES_KEY", None),
        ("TELLER_PUBLIC_URL", None),
        ("TELLER_WECHAT_API_BASE", "http://api.example"),
    ],
)
def test_in_production_a_platform_is_spoken_to_in_secret(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str | None
) -> None:
    assert reasons(monkeypatch, **PRODUCTION, **WECHAT) == []
    [reason] = reasons(monkeypatch, **{name: value})
    assert name in reason


def test_a_frame_for_another_desk_needs_a_key_of_its_own_and_named_origins(monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(**given: str) -> str:
        return " ".join(reasons(monkeypatch, **{**PRODUCTION, **given}))

    good = {"TELLER_EMBED_KEY": "e" * 40, "TELLER_EMBED_ORIGINS": "https://desk.bank.example"}
    assert refused(**good) == ""
    assert "too short" in refused(**{**good, "TELLER_EMBED_KEY": "short"})
    assert "one of its own" in refused(**{**good, "TELLER_EMBED_KEY": PRODUCTION["TELLER_SECRET"]})
    assert "TELLER_EMBED_ORIGINS" in refused(**{**good, "TELLER_EMBED_ORIGINS": ""})
    assert "not *" in refused(**{**good, "TELLER_EMBED_ORIGINS": "*"})
    assert "not https" in refused(**{**good, "TELLER_EMBED_ORIGINS": "http://desk.bank.example"})
