"""`scimserver recovery`: an account is enrolled by showing a code, listed, and withdrawn."""

import asyncio
from datetime import UTC, datetime
from urllib.parse import parse_qs, urlsplit

import asyncpg
import pytest

from tests.commands import Commands
from tests.recovering import code_of

NAME = "ada@acme.example"
ENROL = ("recovery", "enrol", "acme", NAME)


def execute(acme: Commands, query: str) -> None:
    async def run() -> None:
        connection = await asyncpg.connect(acme.dsn)
        await connection.execute(query)
        await connection.close()

    asyncio.run(run())


@pytest.fixture
def owned(acme: Commands, monkeypatch: pytest.MonkeyPatch) -> Commands:
    """Commands where `acme` has an owner, who has chosen a password."""
    monkeypatch.setenv("SCIMSERVER_SECRET", "s" * 32)
    acme.done(
        "user", "add", "acme", NAME, "--given-name", "Ada", "--family-name", "L", "--role", "Admin Role"
    )
    acme.done("user", "password", "acme", NAME, "--generate")
    execute(acme, "UPDATE credentials SET expires = NULL, must_change = false")
    return acme


def code(secret: str) -> str:
    return code_of(secret, datetime.now(UTC))


def enrolled(owned: Commands) -> Commands:
    secret = owned.json(*ENROL)["secret"]
    owned.done(*ENROL, "--code", code(secret))
    return owned


def listed(owned: Commands) -> list[tuple[str, bool, bool]]:
    found = owned.json("recovery", "list", "acme")
    return [(each["userName"], each["confirmed"] is not None, each["getsIn"]) for each in found]


def test_enrol_hands_the_secret_over_for_an_app(owned: Commands):
    made = owned.json(*ENROL)
    parts = urlsplit(made["uri"])
    assert (parts.scheme, parts.path) == ("otpauth", f"/acme:{NAME.replace('@', '%40')}")
    assert parse_qs(parts.query)["secret"] == [made["secret"]]
    assert listed(owned) == [(NAME, False, False)]


def test_enrol_counts_once_a_code_was_shown(owned: Commands):
    enrolled(owned)
    assert listed(owned) == [(NAME, True, True)]


def test_enrol_takes_a_code_at_once_that_is_typed(owned: Commands):
    said = owned.done(*ENROL, answer="\n")
    assert "It counts once a code was shown" in said
    wrong = owned(*ENROL, answer="12345\n")
    assert (wrong.exit_code, "not the code of the moment" in wrong.output) == (1, True)
    assert listed(owned) == [(NAME, False, False)]


def test_enrol_shows_another_secret_each_time_until_one_was_confirmed(owned: Commands):
    first, second = owned.json(*ENROL)["secret"], owned.json(*ENROL)["secret"]
    assert first != second
    owned.refused(*ENROL, "--code", code(first))
    owned.done(*ENROL, "--code", code(second))
    assert "has a recovery account already" in owned.refused(*ENROL)
    assert "has a recovery account already" in owned.refused(*ENROL, "--code", code(second))


def test_enrol_refuses_a_code_without_a_secret(owned: Commands):
    assert "enrol without a code first" in owned.refused(*ENROL, "--code", "123456")


CONNECTION = """
    INSERT INTO saml_connections (org_id, id, name, state, idp_entity_id, sso_url, certificates,
                                  allow_unsolicited, authenticated_within, contact, created, last_modified)
    SELECT id, gen_random_uuid(), 'Okta', 'active', 'urn:okta', 'https://okta', '{}', false, '1 hour', '',
           now(), now() FROM organizations
"""
CANNOT = {
    "UPDATE users SET active = false": "is deactivated",
    "DELETE FROM credentials": "has chosen no password here",
    "UPDATE credentials SET expires = now() + interval '1 day'": "has chosen no password here",
    "UPDATE roles SET permissions = array_remove(permissions, 'saml.manage')": "saml.manage",
    "UPDATE roles SET permissions = array_remove(permissions, 'users.update')": "users.update",
    f"{CONNECTION}; UPDATE users SET saml_connection_id = (SELECT id FROM saml_connections)": "SAML-managed",
}


@pytest.mark.parametrize("undone", CANNOT)
def test_enrol_refuses_whoever_cannot_have_one(owned: Commands, undone: str):
    secret = owned.json(*ENROL)["secret"]
    execute(owned, undone)
    assert CANNOT[undone] in owned.refused(*ENROL)
    assert CANNOT[undone] in owned.refused(*ENROL, "--code", code(secret))


def test_enrol_takes_the_secret_of_the_server(owned: Commands, monkeypatch: pytest.MonkeyPatch):
    secret = owned.json(*ENROL)["secret"]
    monkeypatch.setenv("SCIMSERVER_SECRET", "t" * 32)
    assert "SCIMSERVER_SECRET" in owned.refused(*ENROL, "--code", code(secret))
    monkeypatch.delenv("SCIMSERVER_SECRET")
    assert "SCIMSERVER_SECRET" in owned.refused(*ENROL, code=2)


def test_enrol_is_logged_without_the_secret(owned: Commands):
    secret = owned.json(*ENROL)["secret"]
    owned.refused(*ENROL, "--code", "1")
    owned.done(*ENROL, "--code", code(secret))
    entries = [entry for entry in owned.log("acme") if entry["event"].startswith("recovery.")]
    assert [(entry["event"], entry["outcome"]) for entry in entries] == [
        ("recovery.prepare", "success"),
        ("recovery.enrol", "failure"),
        ("recovery.enrol", "success"),
    ]
    assert secret not in str(entries)


def test_withdraw_takes_the_account_away(owned: Commands):
    enrolled(owned)
    assert "no recovery account any more" in owned.done("recovery", "withdraw", "acme", NAME)
    assert listed(owned) == []
    assert "has no recovery account" in owned.refused("recovery", "withdraw", "acme", NAME)


def test_withdraw_refuses_the_last_one_while_saml_is_enforced(owned: Commands):
    enrolled(owned)
    execute(owned, CONNECTION)
    execute(
        owned,
        "UPDATE email_domains SET verified_at = now(), saml_connection_id = c.id FROM saml_connections AS c",
    )
    assert "nobody else gets in" in owned.refused("recovery", "withdraw", "acme", NAME)
    assert listed(owned) == [(NAME, True, True)]
    [refused] = [each for each in owned.log("acme") if each["event"] == "recovery.withdraw"]
    assert (refused["outcome"], refused["reason"]) == ("failure", "last_recovery_account")


def test_domain_enforce_says_how_many_and_is_undone_by_release(owned: Commands):
    enrolled(owned)
    execute(owned, CONNECTION)
    owned.done("user", "add", "acme", "bob@acme.example", "--given-name", "Bob", "--family-name", "B")
    enforce = ("domain", "enforce", "acme", "acme.example", "--connection", "Okta")
    said = owned.refused(*enforce)
    assert ("domain verify" in said, "not tried out" in said) == (True, True)
    execute(owned, "UPDATE email_domains SET verified_at = now(); UPDATE saml_connections SET tried = now()")
    assert owned.json(*enforce) == {"domain": "acme.example", "connection": "Okta", "marked_users": 1}
    assert owned.json("domain", "list", "acme")[0]["enforced"] == "Okta"
    assert "domain release" in owned.refused("domain", "remove", "acme", "acme.example", "--yes")
    assert "domain release" in owned.refused("saml", "switch", "acme", "Okta", "disabled")
    assert owned.json("domain", "release", "acme", "acme.example")["connection"] is None
    assert owned.json("domain", "list", "acme")[0]["enforced"] is None
