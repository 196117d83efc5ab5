"""`scimserver saml keys`: our key for an identity provider is exchanged without a gap."""

import asyncio
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import asyncpg
import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import rsa

from tests.commands import Commands
from tests.metadata import metadata

SECRET = "a secret of this test, thirty-two long"


@pytest.fixture
def okta(acme: Commands, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Commands:
    """Commands where `acme` has a SAML connection called `Okta`, and the installation a secret."""
    path = tmp_path / "metadata.xml"
    path.write_text(metadata(), encoding="utf-8")
    monkeypatch.setenv("SCIMSERVER_SECRET", SECRET)
    acme.done("saml", "create", "acme", "Okta", "--metadata", str(path))
    return acme


def step(okta: Commands, *names: str) -> dict[str, str]:
    """The fingerprints of the keys that there are after some steps, by their roles."""
    for name in names:
        okta.done("saml", "keys", "acme", "Okta", name)
    return {each["role"]: each["sha256"] for each in okta.json("saml", "keys", "acme", "Okta")}


def rows(okta: Commands) -> list[dict[str, Any]]:
    async def read() -> list[dict[str, Any]]:
        connection = await asyncpg.connect(okta.dsn)
        found = await connection.fetch("SELECT * FROM saml_keys ORDER BY created, id")
        await connection.close()
        return [dict(row) for row in found]

    return asyncio.run(read())


def changes(entry: dict[str, Any]) -> Iterator[tuple[str, str | None, str | None]]:
    """What an entry of the log says that changed."""
    for number, each in enumerate(entry["changes"]):
        old, new = (entry["personal"].get(f"changes.{number}.{when}") for when in ("old", "new"))
        yield each["path"], old, new


def test_key_is_published_switched_to_and_retired(okta: Commands):
    assert okta.json("saml", "keys", "acme", "Okta") == []
    first = step(okta, "publish")
    assert set(first) == {"next"}
    assert step(okta, "switch") == {"current": first["next"]}
    both = step(okta, "publish")
    assert both == {"current": first["next"], "next": both["next"]}
    assert step(okta, "switch") == {"current": both["next"], "previous": first["next"]}
    assert step(okta, "retire") == {"current": both["next"]}
    entries = [
        (entry["event"], list(changes(entry)))
        for entry in okta.log("acme")
        if entry["event"].startswith("saml_key.")
    ]
    assert entries == [
        ("saml_key.publish", [("next", None, first["next"])]),
        ("saml_key.switch", [("current", None, first["next"]), ("next", first["next"], None)]),
        ("saml_key.publish", [("next", None, both["next"])]),
        (
            "saml_key.switch",
            [
                ("current", first["next"], both["next"]),
                ("next", both["next"], None),
                ("previous", None, first["next"]),
            ],
        ),
        ("saml_key.retire", [("previous", first["next"], None)]),
    ]


def test_key_has_a_certificate_for_two_years(okta: Commands):
    step(okta, "publish")
    [row] = rows(okta)
    read = x509.load_pem_x509_certificate(row["certificate"].encode())
    key = read.public_key()
    assert isinstance(key, rsa.RSAPublicKey)
    assert key.key_size == 3072
    read.verify_directly_issued_by(read)
    now = datetime.now(UTC)
    assert now - timedelta(hours=2) < read.not_valid_before_utc < now
    assert now + timedelta(days=729) < read.not_valid_after_utc < now + timedelta(days=731)


def test_certificate_is_told_for_whoever_takes_no_metadata(okta: Commands):
    step(okta, "publish")
    [told] = okta.json("saml", "keys", "acme", "Okta")
    assert told["certificate"] == rows(okta)[0]["certificate"]


def test_private_key_is_sealed_and_told_to_nobody(okta: Commands):
    step(okta, "publish")
    [row] = rows(okta)
    assert b"PRIVATE" not in row["sealed"]
    told = okta.done("saml", "show", "acme", "Okta", "--json") + str(okta.log("acme"))
    assert "PRIVATE" not in told
    assert row["sealed"].hex() not in told


def test_key_that_signs_no_more_is_forgotten(okta: Commands):
    step(okta, "publish", "switch", "publish", "switch")
    assert {row["role"]: row["sealed"] is None for row in rows(okta)} == {"previous": True, "current": False}


@pytest.mark.parametrize(
    "before,name,said",
    [
        ((), "switch", "no next key"),
        ((), "retire", "no previous key"),
        ((), "withdraw", "no next key"),
        (("publish",), "publish", "published already"),
        (("publish",), "retire", "no previous key"),
        (("publish", "switch"), "switch", "no next key"),
        (("publish", "switch"), "withdraw", "no next key"),
        (("publish", "switch", "publish", "switch", "publish"), "switch", "`retire` it first"),
    ],
)
def test_step_that_is_out_of_order_is_refused(okta: Commands, before: tuple[str, ...], name: str, said: str):
    kept = step(okta, *before)
    assert said in okta.refused("saml", "keys", "acme", "Okta", name)
    assert step(okta) == kept
    assert okta.log("acme")[-1]["outcome"] == "failure"


def test_next_key_is_given_up(okta: Commands):
    kept = step(okta, "publish", "switch")
    step(okta, "publish")
    assert step(okta, "withdraw") == kept


def test_nothing_is_made_without_a_lasting_secret(okta: Commands, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.delenv("SCIMSERVER_SECRET")
    assert "SCIMSERVER_SECRET" in okta.refused("saml", "keys", "acme", "Okta", "publish", code=2)
    assert rows(okta) == []


def test_key_of_another_secret_is_not_switched_to(okta: Commands, monkeypatch: pytest.MonkeyPatch):
    first = step(okta, "publish")
    monkeypatch.setenv("SCIMSERVER_SECRET", SECRET[::-1])
    assert "another SCIMSERVER_SECRET" in okta.refused("saml", "keys", "acme", "Okta", "switch")
    assert step(okta) == first
    assert set(step(okta, "withdraw", "publish", "switch")) == {"current"}


def test_requests_are_signed_only_where_there_is_a_key(okta: Commands):
    for before in ((), ("publish",)):
        step(okta, *before)
        assert "no key to sign" in okta.refused("saml", "update", "acme", "Okta", "--sign-requests")
    step(okta, "switch")
    assert okta.json("saml", "update", "acme", "Okta", "--sign-requests")["signRequests"] is True
    assert okta.json("saml", "update", "acme", "Okta", "--contact", "it")["signRequests"] is True
    assert okta.json("saml", "update", "acme", "Okta", "--no-sign-requests")["signRequests"] is False


def test_keys_of_an_unknown_connection_are_not_found(acme: Commands):
    for name in ((), ("publish",)):
        assert "no SAML connection" in acme.refused("saml", "keys", "acme", "Okta", *name)
    assert [(each["event"], each["reason"]) for each in acme.log("acme") if each["outcome"] == "failure"] == [
        ("saml_key.publish", "not_found")
    ]
