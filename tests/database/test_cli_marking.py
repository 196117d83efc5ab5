"""`scimserver user mark` and `unmark`: how a user signs in, and what no command gives whoever is marked."""

import asyncio
import json
from uuid import UUID

import asyncpg
import pytest

from tests.commands import Commands, put_user

ADA = UUID(int=7)
NAME = "ada@acme.example"
PASSWORD = "seventeen blue socks"

CONNECT = """
INSERT INTO saml_connections (org_id, id, name, state, idp_entity_id, sso_url, certificates, reset_uri,
                              allow_unsolicited, authenticated_within, contact, created, last_modified)
SELECT id, gen_random_uuid(), 'Okta', 'active', 'urn:okta', 'https://acme.okta.example/sso', '{}',
       'https://acme.okta.example/settings', false, '1 hour', 'it@acme.example', now(), now()
FROM organizations WHERE name = 'acme'"""


@pytest.fixture
def staffed(acme: Commands) -> Commands:
    """`acme` with a user, an active SAML connection `Okta`, and a password."""

    async def connect() -> None:
        connection = await asyncpg.connect(acme.dsn)
        await connection.execute(CONNECT)
        await connection.close()

    put_user(acme.dsn, "acme", ADA, NAME)
    acme.done("user", "password", "acme", NAME, "--set", answer=PASSWORD)
    asyncio.run(connect())
    return acme


@pytest.fixture
def marked(staffed: Commands) -> Commands:
    """The same where the user is SAML-managed."""
    staffed.done("user", "mark", "acme", NAME)
    return staffed


def shown(commands: Commands) -> tuple[str | None, object]:
    told = commands.json("user", "show", "acme", NAME)
    return told["identityProvider"], told["password"]


@pytest.mark.parametrize("named", [NAME, "ADA@acme.example", str(ADA)])
def test_mark_takes_the_password_away(staffed: Commands, named: str):
    assert shown(staffed)[0] is None
    said = staffed.done("user", "mark", "acme", named)
    assert said == f'"{NAME}" signs in by "Okta", and has no password here.\n'
    assert shown(staffed) == ("Okta", None)
    assert "signs in by" in staffed.done("user", "show", "acme", NAME)


def test_mark_is_on_record_with_the_end_of_the_password(marked: Commands):
    events = [entry["event"] for entry in marked.log("acme")]
    assert {"user.update", "password.clear"} <= set(events[-3:])


def test_mark_of_whoever_is_marked_changes_nothing(marked: Commands):
    marked.done("user", "mark", "acme", NAME)
    assert marked.log("acme")[-1]["outcome"] == "noop"


def test_mark_takes_an_active_connection(acme: Commands):
    put_user(acme.dsn, "acme", ADA, NAME)
    assert "no SAML connection that is active" in acme.refused("user", "mark", "acme", NAME)
    [entry] = [each for each in acme.log("acme") if each["outcome"] == "failure"]
    assert (entry["event"], entry["reason"]) == ("user.update", "invalid_value")


def test_unmark_mails_an_invitation(marked: Commands):
    said = marked.json("user", "unmark", "acme", NAME)
    assert said == {"id": str(ADA), "userName": NAME, "identityProvider": None}
    assert "password.mail_link" in [entry["event"] for entry in marked.log("acme")]


REFUSED = {
    "set": ("password", "--set"),
    "generate": ("password", "--generate"),
    "mail a link": ("reset-link",),
    "invite": ("reset-link", "--invite"),
}


@pytest.mark.parametrize("command,option", [(each[0], each[1:]) for each in REFUSED.values()], ids=REFUSED)
def test_password_of_a_managed_user_is_no_command_s_to_give(
    marked: Commands, command: str, option: tuple[str, ...]
):
    result = marked("user", command, "acme", NAME, *option, answer=f"{PASSWORD}\n")
    assert result.exit_code == 1
    assert "managed by the identity provider 'Okta' (acme.okta.example)" in result.stderr
    assert "ask it@acme.example" in result.stderr
    assert shown(marked) == ("Okta", None)
    assert marked.log("acme")[-1]["reason"] == "password_managed_by_identity_provider"


FILE = f"userName,title,password\n{NAME},Dr,{PASSWORD}\n"


def test_password_in_a_file_is_ignored_with_a_warning_on_the_row(marked: Commands):
    told = marked.done("import", "acme", "-", "--format", "csv", answer=FILE)
    warning = "The password was ignored: it is managed by the identity provider 'Okta' (acme.okta.example)."
    assert f"row 2: updated  {NAME}  {warning}" in told
    assert "with a warning 1" in told
    assert shown(marked) == ("Okta", None)
    assert marked.json("user", "show", "acme", NAME)["title"] == "Dr"


def test_password_in_a_file_is_on_record_as_ignored(marked: Commands):
    marked.done("import", "acme", "-", "--format", "csv", answer=FILE)
    [entry] = marked.log("acme", "--event", "password.set_by_import")
    assert (entry["outcome"], entry["target"]["id"]) == ("noop", str(ADA))
    assert PASSWORD not in marked.done("audit", "list", "acme", "--json")


def test_warning_stands_also_where_the_row_changes_nothing(marked: Commands):
    marked.done("import", "acme", "-", "--format", "csv", answer=FILE)
    printed = marked.done("import", "acme", "-", "--format", "csv", "--json", answer=FILE)
    row, counts = [json.loads(line) for line in printed.splitlines()]
    assert row["outcome"] == "unchanged"
    assert "managed by the identity provider" in row["warning"]
    assert counts["warnings"] == 1


def test_dry_run_warns_and_leaves_nothing_on_record(marked: Commands):
    told = marked.done("import", "acme", "-", "--format", "csv", "--dry-run", answer=FILE)
    assert "The password was ignored" in told
    assert marked.log("acme", "--event", "password.set_by_import") == []


def test_password_in_a_file_of_whoever_signs_in_here_refuses_the_row(staffed: Commands):
    other = "userName,title,password\nbo@acme.example,Dr,\n"
    result = staffed("import", "acme", "-", "--format", "csv", answer=f"{other}{FILE.splitlines()[1]}\n")
    assert result.exit_code == 4
    assert "row 2: created  bo@acme.example\n" in result.stdout
    assert "Passwords never come by file" in result.stdout
    assert staffed.json("user", "show", "acme", NAME)["title"] == "Agent"
