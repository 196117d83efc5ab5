"""Settings: what the environment says, what is wrong with it, and what never shows."""

import os
from ipaddress import ip_network
from pathlib import Path

import pytest

from scimserver.access.throttle.ledger import Buckets, Ledger
from scimserver.config import (
    PREFIX,
    ConfigurationError,
    LogFormat,
    Settings,
    documented,
    load_settings,
    read_settings,
)
from tests.clocks import SECOND, Clock

DECADES_S = 30 * 365 * 24 * 3600
DSN = "postgresql://scim:correct-horse@db.example/scim"
SECRET = "0123456789abcdef0123456789abcdef"


@pytest.fixture(autouse=True)
def bare_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """No setting is set."""
    for name in list(os.environ):
        if name.startswith(PREFIX):
            monkeypatch.delenv(name)


def mistakes() -> list[str]:
    with pytest.raises(ConfigurationError) as raised:
        load_settings()
    assert str(raised.value) == "\n".join(raised.value.mistakes)
    return raised.value.mistakes


def test_settings_have_defaults_for_everything():
    settings = load_settings()
    assert (settings.host, settings.port, settings.workers) == ("127.0.0.1", 8080, 2)
    assert settings.database_url is None
    assert settings.log_format is LogFormat.JSON


@pytest.mark.parametrize(
    "name, text, value",
    [
        ("port", "0", 0),
        ("public_url", "https://id.example.com/", "https://id.example.com"),
        ("public_url", "http://[::1]:8080/scim/", "http://[::1]:8080/scim"),
        ("public_url", "http://localhost:8080", "http://localhost:8080"),
        ("log_level", "WARNING", "warning"),
        ("log_format", "console", LogFormat.CONSOLE),
        ("trusted_proxies", "10.0.0.0/8, ::1", (ip_network("10.0.0.0/8"), ip_network("::1"))),
        ("trusted_proxies", " , ", ()),
        ("dns_servers", "192.0.2.1, [2001:db8::1]:5353", ("192.0.2.1", "[2001:db8::1]:5353")),
        ("data_dir", "/srv/scim", Path("/srv/scim")),
        ("drain_seconds", "2.5", 2.5),
    ],
)
def test_settings_come_from_the_environment(
    monkeypatch: pytest.MonkeyPatch, name: str, text: str, value: object
):
    monkeypatch.setenv(PREFIX + name.upper(), text)
    assert getattr(load_settings(), name) == value


def test_settings_of_the_command_line_go_before_those_of_the_environment(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("SCIMSERVER_PORT", "8081")
    monkeypatch.setenv("SCIMSERVER_WORKERS", "3")
    settings = load_settings(port=8082, workers=None)
    assert (settings.port, settings.workers) == (8082, 3)


def test_settings_take_an_empty_variable_for_none(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("SCIMSERVER_DATABASE_URL", "")
    assert load_settings().database_url is None


@pytest.mark.parametrize(
    "name, value",
    [
        ("database_url", "mysql://db.example/scim"),
        ("database_url", "db.example"),
        ("public_url", "id.example.com"),
        ("public_url", "ftp://id.example.com"),
        ("public_url", "https://id.example.com/?a=b"),
        ("public_url", "http://id.example.com"),
        ("public_url", "http://10.0.0.1:8080"),
        ("port", "65536"),
        ("workers", "0"),
        ("secret", "short"),
        ("trusted_proxies", "10.0.0.0/8,proxy.example"),
        ("dns_servers", "192.0.2.1,dns.example"),
        ("log_level", "loud"),
        ("log_format", "xml"),
        ("search_timeout_ms", "1"),
        ("drain_seconds", "-1"),
        ("rate_limit", "1e-9"),
        ("rate_limit", "0.00019"),
        ("rate_limit", "nan"),
        ("failure_seconds", "1e-10"),
        ("failure_seconds", "nan"),
    ],
)
def test_settings_name_a_variable_that_cannot_be_used(monkeypatch: pytest.MonkeyPatch, name: str, value: str):
    monkeypatch.setenv(PREFIX + name.upper(), value)
    (mistake,) = mistakes()
    assert mistake.startswith(f"{PREFIX}{name.upper()}: ")


def test_mistake_in_a_limit_says_what_to_do(monkeypatch: pytest.MonkeyPatch):
    for name, value in {"RATE_LIMIT": "1e-9", "FAILURE_BURST": "11575", "FAILURE_SECONDS": "86400"}.items():
        monkeypatch.setenv(PREFIX + name, value)
    assert mistakes() == [
        "SCIMSERVER_RATE_LIMIT: use 0.0002 or more, or 0 for no limit",
        (
            "SCIMSERVER_FAILURE_SECONDS: times SCIMSERVER_FAILURE_BURST it is more than"
            " 1,000,000,000 seconds: lower one of them"
        ),
    ]


@pytest.mark.parametrize("burst", ["0", "10"])
def test_limit_may_last_a_day(monkeypatch: pytest.MonkeyPatch, burst: str):
    monkeypatch.setenv("SCIMSERVER_FAILURE_BURST", burst)
    monkeypatch.setenv("SCIMSERVER_FAILURE_SECONDS", "86400")
    assert load_settings().failure_seconds == 86_400


MOST = [
    {"rate_limit": "0.0002", "rate_burst": "1000000"},
    {"failure_seconds": "86400", "failure_burst": "11574"},
    {"failure_seconds": "1000", "failure_burst": "1000000"},
]


@pytest.mark.parametrize("given", MOST)
def test_largest_limits_can_be_counted_for_decades(monkeypatch: pytest.MonkeyPatch, given: dict[str, str]):
    for name, value in given.items():
        monkeypatch.setenv(PREFIX + name.upper(), value)
    settings, clock, ledger = load_settings(), Clock(), Ledger(processes=1, salt=b"s")
    for rate, burst in [
        (settings.rate_limit, settings.rate_burst),
        (1 / settings.failure_seconds, settings.failure_burst),
    ]:
        account = Buckets(ledger, seat=0, rate=rate, burst=burst, clock=clock)
        key = str(burst).encode().ljust(16)
        assert account.take(key, burst) == 0
        assert account.take(key) > 0
        clock.now += DECADES_S * SECOND
        assert account.take(key, min(burst, int(DECADES_S * rate) - 1)) == 0


def test_settings_name_all_mistakes_at_once(monkeypatch: pytest.MonkeyPatch):
    for name, value in {"PORT": "many", "COLOUR": "red", "LOG_LEVEL": "loud"}.items():
        monkeypatch.setenv(PREFIX + name, value)
    assert mistakes() == [
        "SCIMSERVER_COLOUR: is not a setting; see `scimserver settings` for those there are",
        "SCIMSERVER_PORT: Input should be a valid integer, unable to parse string as an integer",
        "SCIMSERVER_LOG_LEVEL: use debug, info, warning or error",
    ]


@pytest.mark.parametrize("name", ["SCIMSERVER_TOKEN", "SCIMSERVER_TEST_DATABASE_URL", "SCIMSERVERS"])
def test_settings_leave_variables_alone_that_others_read(monkeypatch: pytest.MonkeyPatch, name: str):
    monkeypatch.setenv(name, "value")
    assert load_settings() == load_settings()


@pytest.mark.parametrize("name, value", [("SECRET", "hunter2"), ("DATABASE_URL", "mysql://scim:hunter2@db")])
def test_mistake_in_a_secret_does_not_repeat_it(monkeypatch: pytest.MonkeyPatch, name: str, value: str):
    monkeypatch.setenv(PREFIX + name, value)
    assert "hunter2" not in str(mistakes())


def test_settings_show_secrets_as_stars(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("SCIMSERVER_DATABASE_URL", DSN)
    monkeypatch.setenv("SCIMSERVER_SECRET", SECRET)
    settings = load_settings()
    shown = f"{settings!r} {settings} {settings.model_dump_json()}"
    assert "**********" in shown
    assert "correct-horse" not in shown
    assert SECRET not in shown


def test_reading_has_defaults_for_what_is_wrong(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("SCIMSERVER_PORT", "many")
    monkeypatch.setenv("SCIMSERVER_WORKERS", "3")
    settings = read_settings().settings
    assert (settings.port, settings.workers) == (8080, 3)


def test_reading_tells_only_the_first_mistake_of_a_variable(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("SCIMSERVER_PUBLIC_URL", "id.example.com")
    reading = read_settings()
    reading.fault("SCIMSERVER_PUBLIC_URL", "is not set")
    reading.fault("SCIMSERVER_TLS_KEY", "is not set")
    assert list(reading.mistakes.values()) == [
        "SCIMSERVER_PUBLIC_URL: write it like https://id.example.com",
        "SCIMSERVER_TLS_KEY: is not set",
    ]


@pytest.mark.parametrize(
    "uid, environment, folder",
    [
        (0, {"HOME": "/h", "XDG_DATA_HOME": "/x"}, "/var/lib/scimserver"),
        (1000, {"HOME": "/h", "XDG_DATA_HOME": "/x"}, "/x/scimserver"),
        (1000, {"HOME": "/h"}, "/h/.local/share/scimserver"),
        (1000, {}, "/var/lib/scimserver"),
    ],
)
def test_data_directory_is_one_that_the_account_can_use(
    monkeypatch: pytest.MonkeyPatch, uid: int, environment: dict[str, str], folder: str
):
    monkeypatch.setattr("os.geteuid", lambda: uid)
    for name in ("HOME", "XDG_DATA_HOME"):
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert load_settings().data_dir == Path(folder)


def test_documentation_says_something_of_every_setting():
    rows = {name: description for name, _, description in documented()}
    assert rows.keys() == {PREFIX + name.upper() for name in Settings.model_fields}
    assert all(description.endswith(".") for description in rows.values())
