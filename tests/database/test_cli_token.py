"""`scimserver token`: secrets are shown once, work, and end when they should."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from scimserver.access.credentials import Caller, Credentials, Ended
from scimserver.db.pool import Database, DatabaseSettings
from scimserver.kernel.secrets import digest
from tests.commands import Commands


def caller(commands: Commands, secret: str, *, later: timedelta = timedelta(0)) -> Caller:
    """Who calls with the secret, now or after some time. Raises `Ended`."""

    async def ask() -> Caller:
        settings = DatabaseSettings(dsn=commands.dsn, points_size=1, searches_size=1)
        async with Database.open(settings) as database:
            known = Credentials(database, trusted_for=timedelta(0))
            return await known.caller(digest(secret), datetime.now(UTC) + later)

    return asyncio.run(ask())


def issue(commands: Commands, *options: str) -> dict[str, Any]:
    return commands.json("token", "create", "acme", "Okta", *options)


def when(text: str) -> datetime:
    return datetime.fromisoformat(text)


def test_token_create_gives_a_secret_that_works(acme: Commands):
    made = issue(acme)
    assert str(caller(acme, made["secret"]).actor.credential) == made["id"]
    assert (made["name"], made["scopes"], made["expires"]) == ("Okta", ["scim.read", "scim.write"], None)


def test_token_create_prints_the_secret_alone_on_the_last_line(acme: Commands):
    secret = acme.done("token", "create", "acme", "Okta").splitlines()[-1]
    assert caller(acme, secret).connection.name == "Okta"


def test_token_create_takes_name_and_scopes(acme: Commands):
    made = issue(acme, "--name", "nightly", "--scope", "scim.read", "--scope", "roles.assign")
    assert (made["name"], made["scopes"]) == ("nightly", ["roles.assign", "scim.read"])


def test_token_create_gives_it_a_life(acme: Commands):
    made = issue(acme, "--expires-in", "90d")
    assert when(made["expires"]) - when(made["created"]) == timedelta(days=90)
    with pytest.raises(Ended):
        caller(acme, made["secret"], later=timedelta(days=91))


def test_token_create_gives_it_an_end(acme: Commands):
    assert when(issue(acme, "--expires", "2100-01-31T12:00+02:00")["expires"]) == datetime(
        2100, 1, 31, 10, tzinfo=UTC
    )


def test_token_create_refuses_an_end_in_the_past(acme: Commands):
    assert "in the future" in acme.refused("token", "create", "acme", "Okta", "--expires", "2020-01-01")


def test_token_create_takes_one_end_only(acme: Commands):
    both = ("--expires", "2100-01-01", "--expires-in", "1d")
    assert "not both" in acme.refused("token", "create", "acme", "Okta", *both, code=2)


def test_token_create_is_logged_when_there_is_no_such_connection(acme: Commands):
    acme.refused("token", "create", "acme", "None")
    [entry] = acme.log("acme", "--event", "token.issue")
    assert (entry["outcome"], entry["reason"]) == ("failure", "not_found")


def test_token_secret_is_in_no_list_and_no_log(acme: Commands):
    secret = issue(acme)["secret"]
    rotated = acme.json("token", "rotate", "acme", acme.json("token", "list", "acme")[0]["id"])["secret"]
    printed = "".join(
        acme.done(*command, *how)
        for command in (("token", "list", "acme"), ("audit", "list", "acme"))
        for how in ((), ("--json",))
    )
    # Its last four characters are shown on purpose.
    assert [part for part in (secret[:-4], rotated[:-4]) if part in printed] == []


def test_token_list_is_newest_first(acme: Commands):
    made = [issue(acme, "--name", name) for name in ("first", "second")]
    shown = acme.json("token", "list", "acme")
    assert [token["id"] for token in shown] == sorted((token["id"] for token in made), reverse=True)
    assert {token["hint"] for token in shown} == {token["secret"][-4:] for token in made}


def test_token_list_shows_ids_whole(acme: Commands):
    assert issue(acme)["id"] in acme.done("token", "list", "acme")


def test_token_revoke_ends_it_at_once(acme: Commands):
    made = issue(acme)
    ended = acme.json("token", "revoke", "acme", made["id"])
    assert when(ended["revoked"]) <= datetime.now(UTC)
    with pytest.raises(Ended):
        caller(acme, made["secret"])


def test_token_revoke_leaves_it_some_time(acme: Commands):
    made = issue(acme)
    acme.done("token", "revoke", "acme", made["id"], "--after", "24h")
    assert caller(acme, made["secret"], later=timedelta(hours=23))
    with pytest.raises(Ended):
        caller(acme, made["secret"], later=timedelta(hours=25))


def test_token_revoke_never_lengthens_a_life(acme: Commands):
    made = issue(acme)
    first = acme.json("token", "revoke", "acme", made["id"])
    assert acme.json("token", "revoke", "acme", made["id"], "--after", "24h") == first


@pytest.mark.parametrize("verb", ["revoke", "rotate"])
@pytest.mark.parametrize("unknown", ["nonsense", "01900000-0000-7000-8000-000000000000"])
def test_token_of_an_unknown_id_is_refused_and_logged(acme: Commands, verb: str, unknown: str):
    assert "`scimserver token list`" in acme.refused("token", verb, "acme", unknown)
    [entry] = acme.log("acme", "--outcome", "failure")
    assert (entry["reason"], entry["personal"]["target.display"]) == ("not_found", unknown)


def test_token_of_another_organisation_cannot_be_revoked(acme: Commands):
    made = issue(acme)
    acme.done("org", "create", "other")
    acme.refused("token", "revoke", "other", made["id"])
    assert caller(acme, made["secret"])


def test_token_rotate_gives_a_successor_alike_and_lets_the_old_one_end(acme: Commands):
    old = issue(acme, "--name", "nightly", "--scope", "scim.read", "--expires-in", "30d")
    new = acme.json("token", "rotate", "acme", old["id"], "--overlap", "12h")
    assert [new[name] for name in ("name", "scopes", "connection")] == ["nightly", ["scim.read"], "Okta"]
    assert when(new["expires"]) - when(new["created"]) == timedelta(days=30)
    assert new["replaces"]["id"] == old["id"]
    assert when(new["replaces"]["revoked"]) - when(new["created"]) == timedelta(hours=12)
    assert caller(acme, new["secret"])
    assert caller(acme, old["secret"], later=timedelta(hours=11))


def test_token_rotate_gives_a_successor_without_end_to_one_without_end(acme: Commands):
    assert acme.json("token", "rotate", "acme", issue(acme)["id"])["expires"] is None


def test_token_rotate_overlaps_by_a_day_when_nothing_is_said(acme: Commands):
    new = acme.json("token", "rotate", "acme", issue(acme)["id"])
    assert when(new["replaces"]["revoked"]) - when(new["created"]) == timedelta(days=1)


def test_token_rotate_tells_people_when_the_old_one_ends(acme: Commands):
    old = issue(acme)
    printed = acme.done("token", "rotate", "acme", old["id"])
    assert f"The old one, {old['id']}, ends at " in printed


def test_token_rotate_logs_both_in_one_request(acme: Commands):
    old = issue(acme)
    new = acme.json("token", "rotate", "acme", old["id"])
    entries = [entry for entry in acme.log("acme", "--outcome", "success") if entry["event"][:6] == "token."]
    by_event = {(entry["event"], entry["target"]["id"]): entry["request"]["id"] for entry in entries[1:]}
    assert by_event.keys() == {("token.issue", new["id"]), ("token.revoke", old["id"])}
    assert len(set(by_event.values())) == 1


def test_token_rotate_refuses_one_that_has_ended(acme: Commands):
    old = issue(acme)
    acme.done("token", "revoke", "acme", old["id"])
    assert "has ended" in acme.refused("token", "rotate", "acme", old["id"])
    assert len(acme.json("token", "list", "acme")) == 1
