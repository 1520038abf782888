"""Every setting, read once from ``TELLER_*`` and a few conventional variables, and refused where it is unsafe.

``demo`` works out of the box, on the loopback interface only. ``production`` has no defaults worth attacking: it names,
one sentence each, everything that is still missing.
"""

from __future__ import annotations

import ipaddress
import json
import os
import re
import secrets
from pathlib import Path
from typing import Annotated, Literal, Self
from urllib.parse import urlsplit

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    HttpUrl,
    SecretStr,
    ValidationError,
    model_validator,
)
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from bot import failpoints, signing
from bot.desk.oidc_groups import Groups, unknown_skills
from responses.freedom import DEFAULT, Freedom
from responses.gateway.providers import PROVIDER_NAME, Entry, ProviderError, read_providers

MIN_SECRET = 32
"""Characters a production secret needs at least; HS256 wants 256 bits."""


class UnsafeSettings(ValueError):
    """The settings cannot be served with. ``reasons`` are whole sentences saying what to do."""

    def __init__(self, reasons: list[str]) -> None:
        super().__init__("\n".join(reasons))
        self.reasons = reasons


def _readable_orders(orders: str | None) -> str | None:
    if orders is not None:
        failpoints.parse(orders)
    return orders


def _encoding_aes_key(key: SecretStr) -> SecretStr:
    if not re.fullmatch(r"[A-Za-z0-9]{43}", key.get_secret_value()):
        raise ValueError("an EncodingAESKey has 43 letters and digits")
    return key


EncodingAesKey = Annotated[SecretStr, AfterValidator(_encoding_aes_key)]


def _webhook_secret(secret: SecretStr) -> SecretStr:
    signing.key_of(secret.get_secret_value())
    return secret


WebhookSecret = Annotated[SecretStr, AfterValidator(_webhook_secret)]


class WebhookSettings(BaseModel):
    """One adapter: where it is posted to, and what both sides sign with. *secret_previous* is still taken, and signs too."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)
    url: HttpUrl
    secret: WebhookSecret
    secret_previous: WebhookSecret | None = None

    def signing_keys(self) -> tuple[bytes, ...]:
        """The present key, and the one before it if that still holds."""
        secrets_ = (self.secret, self.secret_previous)
        return tuple(signing.key_of(secret.get_secret_value()) for secret in secrets_ if secret is not None)


def _from_json(given: object) -> object:
    if not isinstance(given, str):
        return given
    try:
        return json.loads(given)
    except (ValueError, RecursionError):
        # Not the parser's words: they may quote a secret.
        raise ValueError("it is not JSON") from None


def _origins(given: object) -> object:
    return [part.strip() for part in given.split(",") if part.strip()] if isinstance(given, str) else given


def _issuer(issuer: str | None) -> str | None:
    parts = urlsplit(issuer or "https://unset")
    if parts.scheme not in ("https", "http") or not parts.hostname or parts.query or parts.fragment or parts.username:
        raise ValueError("an issuer is an address without a query")
    return issuer


Origin = Annotated[str, Field(pattern=r"^(\*|https?://[^/\s*,]+)$")]
WebhookName = Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]{0,31}$")]


class Settings(BaseSettings):
    """What this process was told. Build it with ``load_settings``, which turns every refusal into ``UnsafeSettings``."""

    model_config = SettingsConfigDict(
        env_prefix="TELLER_", frozen=True, extra="ignore", env_ignore_empty=True, populate_by_name=True
    )

    env: Literal["demo", "production"] = "demo"
    data_dir: Annotated[Path, AfterValidator(Path.absolute)] = Field(
        default=Path("var"), validate_default=True, description="holds all that is written"
    )
    host: str = "127.0.0.1"
    port: int = Field(default=8000, ge=0, le=65535)
    database_url: SecretStr | None = Field(default=None, validation_alias="DATABASE_URL")
    bank_database_url: SecretStr | None = Field(
        default=None, validation_alias="BANK_DATABASE_URL", description="the bank's own tables, if not in DATABASE_URL"
    )
    redis_url: SecretStr | None = Field(default=None, validation_alias="REDIS_URL")
    secret: SecretStr | None = Field(default=None, description="keys the hashes of one-time codes and write keys")
    token_key: SecretStr | None = Field(default=None, description="signs customers' tokens and assertions")
    token_key_previous: SecretStr | None = Field(
        default=None, description="the key before, whose tokens and assertions are still about"
    )
    jwks_url: HttpUrl | None = Field(default=None, description="public keys of the bank's own issuer of tokens")
    jwks_file: Path | None = Field(default=None, description="the same, as a file")
    jwt_issuer: str | None = Field(default=None, description="the `iss` of its tokens")
    jwt_audience: str | None = Field(default=None, description="and their `aud`")
    otp_url: HttpUrl | None = Field(default=None, description="the bank's service that texts one-time codes")
    otp_key: SecretStr | None = None
    actions_url: HttpUrl | None = Field(
        default=None, validation_alias="ACTIONS_URL", description="a Rasa action server that has the bank's actions"
    )
    bank_api_url: HttpUrl | None = Field(
        default=None, validation_alias="BANK_API_URL", description="the bank's REST API; see docs/connect-a-bank.md"
    )
    release: Path | None = Field(default=None, description="the release that understands, if not the one shipped")
    model_freedom: Freedom = Field(
        default=DEFAULT,
        description="what a model may say: what no gate refuses (free), in known words (known), what people said (strict)",
    )
    providers: Path | None = Field(default=None, description="the language models; see responses/gateway/providers.py")
    writer: bool = Field(default=True, description="whether replies that people wrote are said where no model is named")
    model_url: HttpUrl | None = Field(default=None, description="the short form: one OpenAI-compatible service")
    model_name: Annotated[str | None, Field(pattern=PROVIDER_NAME)] = None
    model_key: SecretStr | None = None
    model_on_premises: bool = Field(default=False, description="whether what it is told stays in the house")
    model_filing_no: str | None = Field(default=None, description="under which it was filed to speak to the public")
    max_pending: int = Field(default=1_000, ge=1, description="messages that may wait for an answer, all together")
    max_pending_conversation: int = Field(default=100, ge=1, description="and of one conversation")
    address_rate: int = Field(default=1_200, ge=1, description="messages a minute from one address")
    conversation_rate: int = Field(default=120, ge=1, description="messages a minute in one conversation")
    codes_an_hour: int = Field(default=5, ge=1, description="one-time codes sent to one customer")
    wrong_tries_an_hour: int = Field(default=10, ge=1, description="wrong codes tried by one customer")
    wrong_tries_an_hour_address: int = Field(default=50, ge=1, description="wrong codes tried from one address")
    public_url: HttpUrl | None = Field(
        default=None, description="where customers' browsers reach the bank's page and us"
    )
    widget_origins: Annotated[tuple[Origin, ...], NoDecode, BeforeValidator(_origins)] = Field(
        default=(), description="origins whose pages may hold the widget beside our own, with commas between"
    )
    rasa_origins: Annotated[tuple[Origin, ...], NoDecode, BeforeValidator(_origins)] = Field(
        default=(), description="origins whose pages may use Rasa's REST channel, with commas between; * is any"
    )
    embed_key: SecretStr | None = Field(
        default=None,
        description="shared with the bank's own desk, whose frames may show conversations; none without it",
    )
    embed_origins: Annotated[tuple[Origin, ...], NoDecode, BeforeValidator(_origins)] = Field(
        default=(), description="origins whose pages may frame them, with commas between"
    )
    desk_url: HttpUrl | None = Field(
        default=None, description="where reps' browsers reach the desk, if not at TELLER_PUBLIC_URL"
    )
    desk_passwords: bool = Field(default=True, description="whether reps may sign in with a password of the desk's own")
    oidc_issuer: Annotated[str | None, AfterValidator(_issuer)] = Field(
        default=None,
        description="the identity provider that reps sign in through, as it names itself; see docs/console.md",
    )
    oidc_client_id: str | None = Field(default=None, description="what the desk is called there")
    oidc_client_secret: SecretStr | None = None
    oidc_scope: Annotated[str, Field(pattern=r"^(\S+ )*openid( \S+)*$")] = Field(
        default="openid profile", description="what is asked for; some providers tell groups only for one of their own"
    )
    oidc_claim: str = Field(default="groups", min_length=1, description="the claim of the ID token that names groups")
    oidc_groups: Annotated[Groups, NoDecode, BeforeValidator(_from_json)] = Field(
        default={}, description="what each group opens, as JSON; whose groups are not among them does not come in"
    )
    webhook_max_age: int = Field(default=300, ge=1, description="seconds for which a signed callback may be acted on")
    webhooks: Annotated[dict[WebhookName, WebhookSettings], NoDecode, BeforeValidator(_from_json)] = Field(
        default={}, description="adapters of other platforms by their names, as JSON; see docs/channels-webhook.md"
    )
    wechat_appid: str | None = Field(default=None, description="the WeChat Official Account; without it there is none")
    wechat_secret: SecretStr | None = None
    wechat_token: SecretStr | None = Field(default=None, description="signs its callbacks")
    wechat_aes_key: EncodingAesKey | None = Field(default=None, description="encrypts them; without it they are plain")
    wechat_aes_key_previous: EncodingAesKey | None = None
    wechat_api_base: HttpUrl = HttpUrl("https://api.weixin.qq.com")
    wecom_corpid: str | None = Field(default=None, description="the WeCom corporation, for its app and for 微信客服")
    wecom_agentid: int | None = Field(default=None, description="its app; without it only 微信客服 is served")
    wecom_secret: SecretStr | None = None
    wecom_token: SecretStr | None = None
    wecom_aes_key: EncodingAesKey | None = None
    wecom_aes_key_previous: EncodingAesKey | None = None
    wecom_api_base: HttpUrl = HttpUrl("https://qyapi.weixin.qq.com")
    failpoints: Annotated[str | None, AfterValidator(_readable_orders)] = Field(
        default=None, description="where a test kills, stalls or fails this process; see bot.failpoints"
    )

    @model_validator(mode="after")
    def _is_safe(self) -> Self:
        reasons = self._demo_refusals() if self.env == "demo" else self._production_refusals()
        reasons += self._issuer_refusals() + self._platform_refusals() + self._webhook_refusals()
        reasons += self._embed_refusals() + self._oidc_refusals()
        if self.actions_url is not None and self.bank_api_url is not None:
            reasons.append("ACTIONS_URL and BANK_API_URL are both set: keep the one that the bank answers at.")
        reasons += self._model_refusals()
        if reasons:
            raise UnsafeSettings(reasons)
        return self

    def _demo_refusals(self) -> list[str]:
        if is_loopback(self.host):
            return []
        return [
            f"The demo serves this machine only: bind 127.0.0.1 instead of {self.host}, "
            "or set TELLER_ENV=production and what it asks for."
        ]

    def _production_refusals(self) -> list[str]:
        reasons = []
        for name, value in (("TELLER_SECRET", self.secret), ("TELLER_TOKEN_KEY", self.token_key)):
            if value is None:
                reasons.append(f"{name} is not set: give it {MIN_SECRET} or more random characters.")
            elif len(value.get_secret_value()) < MIN_SECRET:
                reasons.append(f"{name} is too short: give it {MIN_SECRET} or more random characters.")
        if self.secret is not None and self.token_key is not None and self.secret == self.token_key:
            reasons.append("TELLER_SECRET and TELLER_TOKEN_KEY are the same: use two different secrets.")
        reasons += self._previous_key_refusals()
        if self.jwks_url is not None and self.jwks_url.scheme != "https" and not is_loopback(self.jwks_url.host or ""):
            reasons.append("TELLER_JWKS_URL is not https: whoever stands between could sign anybody in.")
        if self.database_url is None or not self.database_url.get_secret_value().startswith("postgres"):
            reasons.append("DATABASE_URL does not name a PostgreSQL database: SQLite is for the demo only.")
        if self.redis_url is None:
            reasons.append("REDIS_URL is not set: the embedded Redis is for the demo only.")
        if self.otp_url is None:
            reasons.append("TELLER_OTP_URL is not set: name the service that texts one-time codes to customers.")
        if self.failpoints is not None:
            reasons.append("TELLER_FAILPOINTS is set: it kills processes on purpose, take it away.")
        return reasons

    def _embed_refusals(self) -> list[str]:
        if self.embed_key is None:
            return []
        reasons = []
        if len(self.embed_key.get_secret_value()) < MIN_SECRET:
            reasons.append(f"TELLER_EMBED_KEY is too short: give it {MIN_SECRET} or more random characters.")
        if self.embed_key in (self.secret, self.token_key):
            reasons.append("TELLER_EMBED_KEY is a secret of ours: the bank's desk has one of its own.")
        if not self.embed_origins or "*" in self.embed_origins:
            reasons.append(
                "TELLER_EMBED_KEY is set: name in TELLER_EMBED_ORIGINS the origins that may frame us, not *."
            )
        if not self.demo and any(not origin.startswith("https://") for origin in self.embed_origins):
            reasons.append(
                "TELLER_EMBED_ORIGINS names an origin that is not https: whoever stands between could frame us."
            )
        return reasons

    def _oidc_refusals(self) -> list[str]:
        if self.oidc_issuer is None:
            reasons = []
            if self.oidc_client_id or self.oidc_client_secret or self.oidc_groups:
                reasons.append("TELLER_OIDC_* is set: name the identity provider in TELLER_OIDC_ISSUER.")
            if not self.desk_passwords:
                reasons.append("TELLER_DESK_PASSWORDS is off: without TELLER_OIDC_ISSUER nobody could sign in.")
            return reasons
        missing = [name for name in ("client_id", "client_secret", "groups") if not getattr(self, f"oidc_{name}")]
        reasons = [f"TELLER_OIDC_{name.upper()} is not set: TELLER_OIDC_ISSUER needs it." for name in missing]
        for skill in unknown_skills(self.oidc_groups):
            reasons.append(f"TELLER_OIDC_GROUPS: there is no skill {skill} in bot/desk/rules.yml.")
        issuer = urlsplit(self.oidc_issuer)
        if issuer.scheme != "https" and not is_loopback(issuer.hostname or ""):
            reasons.append("TELLER_OIDC_ISSUER is not https: whoever stands between could sign anybody in.")
        if not self.demo:
            desk = self.desk_url or self.public_url
            if desk is None:
                reasons.append("TELLER_DESK_URL is not set: the identity provider sends reps back to it.")
            elif desk.scheme != "https":
                reasons.append("The address of the desk is not https: the identity provider sends reps back to it.")
        return reasons

    def _model_refusals(self) -> list[str]:
        if self.model_url is not None and not self.model_name:
            return ["TELLER_MODEL_URL is set: say which model it serves in TELLER_MODEL_NAME."]
        if self.model_url is not None and self.providers is not None:
            return ["TELLER_PROVIDERS and TELLER_MODEL_URL are both set: write the model into the file."]
        try:
            entries = self.language_models()
        except ProviderError as error:
            return error.reasons
        return [] if self.demo else [reason for entry in entries for reason in entry.refusals()]

    def _previous_key_refusals(self) -> list[str]:
        if self.token_key_previous is None:
            return []
        reasons = []
        if len(self.token_key_previous.get_secret_value()) < MIN_SECRET:
            reasons.append(f"TELLER_TOKEN_KEY_PREVIOUS is too short: a key of under {MIN_SECRET} characters must go.")
        if self.token_key_previous == self.token_key:
            reasons.append("TELLER_TOKEN_KEY_PREVIOUS and TELLER_TOKEN_KEY are the same: take the previous one away.")
        if self.token_key_previous == self.secret:
            reasons.append("TELLER_TOKEN_KEY_PREVIOUS and TELLER_SECRET are the same: use two different secrets.")
        return reasons

    def _issuer_refusals(self) -> list[str]:
        if self.jwks_url is None and self.jwks_file is None:
            if self.jwt_issuer is None and self.jwt_audience is None:
                return []
            return ["TELLER_JWT_ISSUER or TELLER_JWT_AUDIENCE is set: name the keys in TELLER_JWKS_URL or _FILE."]
        reasons = []
        if self.jwks_url is not None and self.jwks_file is not None:
            reasons.append("TELLER_JWKS_URL and TELLER_JWKS_FILE are both set: keep one of them.")
        if self.jwks_file is not None and not self.jwks_file.is_file():
            reasons.append(f"TELLER_JWKS_FILE names no file: {self.jwks_file}.")
        if self.jwt_issuer is None:
            reasons.append("TELLER_JWT_ISSUER is not set: name the `iss` of the bank's tokens.")
        if self.jwt_audience is None:
            reasons.append("TELLER_JWT_AUDIENCE is not set: name the `aud` of the tokens that are meant for us.")
        return reasons

    def _platform_refusals(self) -> list[str]:
        """Half a channel is worse than none: its customers would write and nobody could answer."""
        reasons = []
        for name in ("wechat", "wecom"):
            needed = {
                f"{name}_{part}": getattr(self, f"{name}_{part}")
                for part in (
                    ("appid", "secret", "token") if name == "wechat" else ("corpid", "secret", "token", "aes_key")
                )
            }
            missing = [f"TELLER_{field.upper()}" for field, value in needed.items() if value is None]
            if missing and len(missing) < len(needed):
                reasons.append(f"{' and '.join(missing)} not set: give it, or none of TELLER_{name.upper()}_*.")
            base = getattr(self, f"{name}_api_base")
            if not self.demo and base.scheme != "https":
                reasons.append(f"TELLER_{name.upper()}_API_BASE is not https: whoever stands between has its secret.")
        if not self.demo and self.wechat_appid is not None and self.wechat_aes_key is None:
            reasons.append("TELLER_WECHAT_AES_KEY is not set: in plain mode no signature covers what customers write.")
        if not self.demo and (self.wechat_appid or self.wecom_corpid) and self.public_url is None:
            reasons.append("TELLER_PUBLIC_URL is not set: customers in WeChat are sent to the bank's page by link.")
        return reasons

    def _webhook_refusals(self) -> list[str]:
        reasons = []
        seen: dict[bytes, str] = {}
        for name, webhook in self.webhooks.items():
            for key in webhook.signing_keys():
                if key in seen:
                    other = "once more in it" if seen[key] == name else f"that of {seen[key]} too"
                    reasons.append(f"TELLER_WEBHOOKS: a secret of {name} is {other}: give each its own.")
                seen[key] = name
            if not self.demo and webhook.url.scheme != "https" and not is_loopback(webhook.url.host or ""):
                reasons.append(
                    f"TELLER_WEBHOOKS: the url of {name} is not https: whoever stands between reads replies."
                )
        if not self.demo and self.webhooks and self.public_url is None:
            reasons.append("TELLER_PUBLIC_URL is not set: customers elsewhere are sent to the bank's page by link.")
        return reasons

    @property
    def demo(self) -> bool:
        """Whether this is the demo bank: seeded customers, the phone on the page, loopback only."""
        return self.env == "demo"

    def language_models(self) -> tuple[Entry, ...]:
        """The models that may put replies into words, the first preferred; where none is named our own writer, which says what
        people wrote. Raises ``ProviderError``."""
        if self.providers is not None:
            return read_providers(self.providers)
        if self.model_url is None or self.model_name is None:
            return (Entry(name="writer", kind="writer"),) if self.writer else ()
        return (
            Entry(
                name=self.model_name,
                kind="openai",
                url=self.model_url,
                model=self.model_name,
                key=self.model_key,
                on_premises=self.model_on_premises,
                model_filing_no=self.model_filing_no,
            ),
        )

    def bank_page(self) -> str:
        """Where customers' browsers reach the bank's page, without a slash at its end."""
        return str(self.public_url or f"http://{self.host}:{self.port}").rstrip("/")

    def desk_page(self) -> str:
        """Where reps' browsers reach the desk's host, without a slash at its end."""
        return str(self.desk_url).rstrip("/") if self.desk_url else self.bank_page()

    def secret_key(self) -> bytes:
        """The key of one-time codes and write keys; in the demo a random one kept under ``data_dir``."""
        return self._key("secret", self.secret)

    def signing_key(self) -> bytes:
        """The key of tokens and assertions; in the demo a random one kept under ``data_dir``."""
        return self._key("token_key", self.token_key)

    def previous_signing_key(self) -> bytes | None:
        """The key of tokens and assertions before; it verifies, and signs nothing any more."""
        return self.token_key_previous.get_secret_value().encode() if self.token_key_previous else None

    def _key(self, name: str, given: SecretStr | None) -> bytes:
        if given is not None:
            return given.get_secret_value().encode()
        if not self.demo:
            raise UnsafeSettings([f"TELLER_{name.upper()} is not set."])
        return _kept_secret(self.data_dir / "keys" / name)


def load_settings(**overrides: object) -> Settings:
    """The settings of this process; *overrides* (command-line options) win over the environment.

    Raises ``UnsafeSettings`` with a sentence for every reason why these settings cannot be served with.
    """
    given = {name: value for name, value in overrides.items() if value is not None}
    try:
        return Settings(**given)  # type: ignore[arg-type]
    except ValidationError as error:
        reasons = []
        for problem in error.errors(include_url=False):
            cause = problem.get("ctx", {}).get("error")
            if isinstance(cause, UnsafeSettings):
                reasons += cause.reasons
            else:
                reasons.append(f"{variable_name(problem['loc'])}: {problem['msg']}.")
        raise UnsafeSettings(reasons) from error


def variable_name(location: tuple[int | str, ...]) -> str:
    """The environment variable of a field, as a person would set it, and where in it if it holds several."""
    name, *inner = (str(part) for part in location or ("",))
    variable = name if name.isupper() else f"TELLER_{name.upper()}"
    return " ".join([variable, ".".join(part for part in inner if part != "[key]")]).rstrip()


def is_loopback(host: str) -> bool:
    """Whether *host* (a name or an address, without a port) can only be reached from this machine."""
    if host == "localhost":
        return True
    try:
        address = ipaddress.ip_address(host.strip("[]"))
    except ValueError:
        return False
    mapped = getattr(address, "ipv4_mapped", None)
    return (mapped or address).is_loopback


def _kept_secret(path: Path) -> bytes:
    """A random secret that survives restarts, readable by its owner only; one winner where processes race."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    if not path.exists():
        fresh = path.with_name(f"{path.name}.{os.getpid()}.{secrets.token_hex(4)}")
        descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w") as file:
            file.write(secrets.token_urlsafe(48))
        try:
            os.link(fresh, path)
        except FileExistsError:
            pass
        finally:
            fresh.unlink()
    return path.read_text().encode()
