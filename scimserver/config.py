"""Settings: environment variables `SCIMSERVER_*`, all mistakes told at once, secrets as stars."""

import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from ipaddress import IPv4Network, IPv6Network, ip_address
from pathlib import Path
from typing import Annotated, Final
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, ValidationError, ValidationInfo, field_validator
from pydantic_settings import NoDecode, SettingsConfigDict

from scimserver.access.nameservers import DnsSettings
from scimserver.db.pool import DatabaseSettings
from scimserver.directory.passwords.settings import PasswordSettings
from scimserver.workers.mailserver import MailSettings

PREFIX: Final = "SCIMSERVER_"
_FOR_TESTS: Final = "SCIMSERVER_TEST_"
_OF_COMMANDS: Final = frozenset({"SCIMSERVER_TOKEN"})
"""Variables that single commands read themselves."""
_SYSTEM_DATA_DIR: Final = Path("/var/lib/scimserver")
_URL_CHARACTERS: Final = re.compile(r"[A-Za-z0-9._~:/?#\[\]@!$&'()*+,;=%-]+")
"""RFC 3986, section 2: none of them needs escaping in JSON."""
_LEAST_RATE: Final = 0.0002
"""Requests a second. What is counted are nanoseconds in 63 bits: a million requests are 5e18 of them then."""
_LONGEST_BURST_S: Final = 1_000_000_000
"""Seconds until a whole burst of failures is forgotten; counted in the same way."""


class ConfigurationError(Exception):
    """The settings cannot be used; `mistakes` says each, with what to do."""

    def __init__(self, mistakes: list[str]) -> None:
        super().__init__("\n".join(mistakes))
        self.mistakes = mistakes


class LogFormat(StrEnum):
    """How log lines are written."""

    JSON = "json"
    CONSOLE = "console"


def _default_data_dir() -> Path:
    # PostgreSQL does not run as root: its account must be able to reach the folder.
    if os.geteuid() == 0:
        return _SYSTEM_DATA_DIR
    if data_home := os.environ.get("XDG_DATA_HOME"):
        return Path(data_home) / "scimserver"
    if home := os.environ.get("HOME"):
        return Path(home) / ".local/share/scimserver"
    return _SYSTEM_DATA_DIR


class Settings(PasswordSettings, MailSettings, DnsSettings):
    """What an operator may set. Each field's description is its documentation."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, env_ignore_empty=True, frozen=True, extra="forbid")

    database_url: SecretStr | None = Field(
        None,
        description="PostgreSQL 14 or later, as postgresql://user:password@host/name. Without it the"
        " server starts its own (extra `embedded`, or an installed PostgreSQL).",
    )
    data_dir: Path = Field(
        default_factory=_default_data_dir,
        description="Where the server's own PostgreSQL keeps its data.",
    )
    postgres_binaries: Path | None = Field(
        None, description="The folder of initdb and postgres for the server's own PostgreSQL."
    )
    public_url: str | None = Field(
        None,
        description="The URL under which clients reach the server, such as https://id.example.com."
        " Locations, links in mail and cookies go by it, never by a header; http is for this machine alone."
        " `serve` does not start without it.",
    )
    host: str = Field("127.0.0.1", description="The address to listen on.")
    port: int = Field(8080, ge=0, le=65535, description="The port to listen on; 0 takes a free one.")
    workers: int = Field(2, ge=1, le=256, description="How many processes serve the port together.")
    trusted_proxies: Annotated[tuple[IPv4Network | IPv6Network, ...], NoDecode] = Field(
        (),
        description="Networks, separated by commas, whose X-Forwarded-For names the client, in the log"
        " and where its failures are counted.",
    )
    secret: SecretStr | None = Field(
        None,
        description="At least 32 characters that seal paging cursors, keys and recovery accounts; the same on"
        " every machine behind one URL. Without it a new one is made at each start, which ends cursors handed"
        " out before.",
    )
    tls_cert: Path | None = Field(None, description="A PEM file with the certificate chain, to end TLS here.")
    tls_key: Path | None = Field(None, description="The PEM file of the certificate's private key.")
    log_level: str = Field("info", description="debug, info, warning or error.")
    log_format: LogFormat = Field(LogFormat.JSON, description="json or console.")
    database_points: int = Field(
        10, ge=1, le=1000, description="Connections of each process for single rows and writes."
    )
    database_searches: int = Field(4, ge=1, le=1000, description="Connections of each process for searches.")
    search_timeout_ms: int = Field(
        5000, ge=100, le=600_000, description="Milliseconds after which a search is refused with tooMany."
    )
    credential_seconds: float = Field(
        1.0,
        ge=0,
        le=60,
        description="How long a token that was looked up is trusted without looking again: a revoked one"
        " may be taken for that long. 0 looks for each request.",
    )
    rate_limit: float = Field(
        50.0,
        ge=0,
        le=1_000_000,
        description="Requests per second of one connection in the long run, over all processes; 0 is no"
        " limit, else 0.0002 or more. Beyond it: 429 with Retry-After.",
    )
    rate_burst: int = Field(
        200, ge=1, le=1_000_000, description="Requests that a connection may send at once after a pause."
    )
    failure_burst: int = Field(
        10,
        ge=0,
        le=1_000_000,
        description="Calls with a wrong credential that an address (IPv6: its /64) may make at once, over all"
        " processes; 0 is no limit. Beyond it: 429, but not for credentials that were good before.",
    )
    failure_seconds: float = Field(
        6.0,
        ge=0.001,
        le=86_400,
        description="After how long an address may fail once more. Times the burst at most 1,000,000,000.",
    )
    body_seconds: float = Field(
        30.0, gt=0, le=3600, description="How long a body may take to arrive. Beyond it: 408."
    )
    idle_seconds: float = Field(
        75.0,
        gt=0,
        le=3600,
        description="How long a connection may be silent, or take to send a request's headers, before it is"
        " closed. Longer than the proxy's own, or answers get lost.",
    )
    drain_seconds: float = Field(
        30.0, ge=0, le=3600, description="How long running requests may take to end when the server stops."
    )
    outbox_retention_days: int = Field(
        7, ge=1, le=365, description="Days after which messages that nobody fetched are dropped."
    )

    @field_validator("trusted_proxies", mode="before")
    @classmethod
    def _split(cls, value: object) -> object:
        return (
            [part.strip() for part in value.split(",") if part.strip()] if isinstance(value, str) else value
        )

    @field_validator("database_url")
    @classmethod
    def _is_dsn(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None and urlsplit(value.get_secret_value()).scheme not in ("postgresql", "postgres"):
            raise ValueError("write it like postgresql://user:password@host/name")
        return value

    @field_validator("public_url")
    @classmethod
    def _is_url(cls, value: str | None) -> str | None:
        if value is None:
            return None
        parts = urlsplit(value)
        if parts.scheme not in ("http", "https") or not parts.hostname or parts.query or parts.fragment:
            raise ValueError("write it like https://id.example.com")
        if not _URL_CHARACTERS.fullmatch(value):
            raise ValueError("write it in ASCII, percent-encoding what a URL may not hold")
        if parts.scheme == "http" and not _is_loopback(parts.hostname):
            raise ValueError("use https: passwords and tokens go there; http is for this machine alone")
        return value.rstrip("/")

    @field_validator("secret")
    @classmethod
    def _is_long(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None and len(value.get_secret_value()) < 32:
            raise ValueError("use at least 32 characters")
        return value

    @field_validator("log_level")
    @classmethod
    def _is_level(cls, value: str) -> str:
        if value.lower() not in ("debug", "info", "warning", "error"):
            raise ValueError("use debug, info, warning or error")
        return value.lower()

    @field_validator("rate_limit")
    @classmethod
    def _is_countable_rate(cls, value: float) -> float:
        if 0 < value < _LEAST_RATE:
            raise ValueError(f"use {_LEAST_RATE} or more, or 0 for no limit")
        return value

    @field_validator("failure_seconds")
    @classmethod
    def _is_countable_burst(cls, value: float, others: ValidationInfo) -> float:
        if value * others.data.get("failure_burst", 0) > _LONGEST_BURST_S:
            raise ValueError(
                f"times {PREFIX}FAILURE_BURST it is more than {_LONGEST_BURST_S:,} seconds: lower one of them"
            )
        return value

    @property
    def outbox_retention(self) -> timedelta:
        """How long a message may wait."""
        return timedelta(days=self.outbox_retention_days)

    @property
    def credentials_trusted_for(self) -> timedelta:
        """How long a credential that was found is trusted."""
        return timedelta(seconds=self.credential_seconds)

    @property
    def mail_folder(self) -> Path:
        """Where mail is written without a mail server."""
        return self.data_dir / "mail"

    def database(self, dsn: str) -> DatabaseSettings:
        """The settings of the database at `dsn`."""
        return DatabaseSettings(
            dsn=dsn,
            points_size=self.database_points,
            searches_size=self.database_searches,
            search_timeout_ms=self.search_timeout_ms,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """Settings as far as they can be used, and what is wrong with the others."""

    settings: Settings
    """What is wrong stands at its default here, so that a command can check the rest all the same."""
    mistakes: dict[str, str]
    """A sentence for each variable at fault."""

    def fault(self, variable: str, sentence: str) -> None:
        """Add a mistake; of several in one variable, only the first is told."""
        self.mistakes.setdefault(variable, f"{variable}: {sentence}")

    def sound(self) -> Settings:
        """The settings, if nothing is wrong. Raises `ConfigurationError` with all mistakes."""
        if self.mistakes:
            raise ConfigurationError(list(self.mistakes.values()))
        return self.settings


def read_settings(**overrides: object) -> Reading:
    """The settings of the environment, under what the command line says."""
    given = {key: value for key, value in overrides.items() if value is not None}
    mistakes: dict[str, str] = {}
    try:
        settings = _settings(given)
    except ValidationError as invalid:
        mistakes = dict(_mistakes(invalid))
        settings = _settings(given | {name: _default(name) for name in mistakes})
    reading = Reading(settings=settings, mistakes={})
    for variable in _unknown(os.environ):
        reading.fault(variable, "is not a setting; see `scimserver settings` for those there are")
    for name, sentence in mistakes.items():
        reading.fault(PREFIX + name.upper(), sentence)
    return reading


def load_settings(**overrides: object) -> Settings:
    """The same for a command without checks of its own. Raises `ConfigurationError` with all mistakes."""
    return read_settings(**overrides).sound()


def documented() -> Iterator[tuple[str, str, str]]:
    """Each setting's variable, default and description, for the table in the documentation."""
    # Those of a part of the server come after the server's own.
    fields = Settings.model_fields.items()
    for name, field in sorted(fields, key=lambda named: named[0] not in Settings.__annotations__):
        default = "" if field.default is None or field.is_required() else field.default
        if field.default_factory is not None:
            default = "~/.local/share/scimserver, as root /var/lib/scimserver"
        text = "" if default == () else str(default)
        yield PREFIX + name.upper(), text, field.description or ""


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _settings(given: Mapping[str, object]) -> Settings:
    return Settings(**given)  # pyright: ignore[reportArgumentType] - pydantic judges the values


def _default(name: str) -> object:
    return Settings.model_fields[name].get_default(call_default_factory=True)


def _unknown(environment: Mapping[str, str]) -> Iterator[str]:
    known = {PREFIX + name.upper() for name in Settings.model_fields} | _OF_COMMANDS
    for name in sorted(environment):
        if name.startswith(PREFIX) and not name.startswith(_FOR_TESTS) and name not in known:
            yield name


def _mistakes(invalid: ValidationError) -> Iterator[tuple[str, str]]:
    for error in invalid.errors(include_input=False, include_url=False):
        yield str(error["loc"][0]), error["msg"].removeprefix("Value error, ")
