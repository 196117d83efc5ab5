"""`scimserver domain`: Email Domains are added and removed, and nobody is deleted with one."""

import asyncio
from uuid import UUID

import asyncpg
import pytest

from tests.commands import Commands

_USER = """
    INSERT INTO users (org_id, id, user_name, user_name_key, mail_domain, active, role_id, mail_stand_in,
                       version, created, last_modified, document, shadow)
    SELECT o.id, $1, $2, $2, split_part($2, '@', 2), true, r.id, false, 1, now(), now(), '{}', '{}'
    FROM organizations AS o JOIN roles AS r ON r.org_id = o.id AND r.name_key = 'minimal permissions'
    WHERE o.name = 'acme'
"""


async def _put_users(dsn: str, addresses: tuple[str, ...]) -> None:
    connection = await asyncpg.connect(dsn)
    await connection.executemany(
        _USER, [(UUID(int=number), address) for number, address in enumerate(addresses)]
    )
    await connection.close()


async def _count_users(dsn: str) -> int:
    connection = await asyncpg.connect(dsn)
    try:
        return await connection.fetchval("SELECT count(*) FROM users")
    finally:
        await connection.close()


@pytest.fixture
def staffed(acme: Commands) -> Commands:
    """`acme` with two users in acme.example and one in a domain that is not listed."""
    addresses = ("ada@acme.example", "bob@acme.example", "eve@elsewhere.example")
    asyncio.run(_put_users(acme.dsn, addresses))
    return acme


def names(commands: Commands, org: str = "acme") -> list[str]:
    return [entry["domain"] for entry in commands.json("domain", "list", org)]


def test_domain_add_puts_the_canonical_form_into_the_list(acme: Commands):
    added = acme.json("domain", "add", "acme", "BÜCHER.example", "--subdomains")
    assert added == {"domain": "xn--bcher-kva.example", "subdomains": True, "public_override": False}
    assert acme.json("domain", "list", "acme")[1].items() >= added.items()


def test_domain_add_says_what_is_allowed_now(acme: Commands):
    assert acme.done("domain", "add", "acme", "corp.example", "--subdomains") == (
        '"corp.example" and its sub-domains may be used in "acme" now.\n'
    )


def test_domain_add_refuses_a_public_mail_service_unless_it_is_wanted(acme: Commands):
    assert "--allow-public" in acme.refused("domain", "add", "acme", "gmail.com")
    assert acme.json("domain", "add", "acme", "gmail.com", "--allow-public")["public_override"] is True


@pytest.mark.parametrize("org,why", [("acme", "already"), ("other", "another organisation")])
def test_domain_add_refuses_what_is_taken(acme: Commands, org: str, why: str):
    acme.done("org", "create", "other")
    assert why in acme.refused("domain", "add", org, "acme.example")


def test_domain_add_is_logged_done_and_refused(acme: Commands):
    acme.done("domain", "add", "acme", "corp.example")
    acme.refused("domain", "add", "acme", "gmail.com")
    entries = acme.log("acme", "--event", "domain.add")
    assert [(entry["personal"]["target.display"], entry["outcome"]) for entry in entries] == [
        ("acme.example", "success"),
        ("corp.example", "success"),
        ("gmail.com", "failure"),
    ]


def test_domain_list_shows_names_as_people_read_them(acme: Commands):
    acme.done("domain", "add", "acme", "xn--bcher-kva.example")
    assert "bücher.example" in acme.done("domain", "list", "acme")


def test_domain_list_refuses_an_unknown_organisation(commands: Commands):
    assert "no organisation" in commands.refused("domain", "list", "none")


def test_domain_remove_asks_first_and_tells_how_many_users_it_strands(staffed: Commands):
    result = staffed("domain", "remove", "acme", "acme.example", answer="n\n")
    assert (result.exit_code, result.stdout) == (1, "")
    assert "Users whose address only this domain allows: 2." in result.stderr
    assert names(staffed) == ["acme.example"]


@pytest.mark.parametrize("arguments,answer", [((), "y\n"), (("--yes",), None)], ids=["asked", "unasked"])
def test_domain_remove_deletes_nobody(staffed: Commands, arguments: tuple[str, ...], answer: str | None):
    printed = staffed.done("domain", "remove", "acme", "ACME.example", *arguments, answer=answer)
    assert printed == 'Removed "acme.example"; users it strands: 2.\n'
    assert names(staffed) == []
    assert asyncio.run(_count_users(staffed.dsn)) == 3


def test_domain_remove_prints_one_document_even_when_it_asks(staffed: Commands):
    printed = staffed.done("domain", "remove", "acme", "acme.example", "--json", answer="y\n")
    assert printed == '{\n  "domain": "acme.example",\n  "stranded_users": 2\n}\n'


def test_domain_remove_refuses_an_unlisted_domain_without_asking(acme: Commands):
    said = acme.refused("domain", "remove", "acme", "corp.example")
    assert said == '"corp.example" is not in the organisation\'s Email Domains.\n'


def test_domain_remove_is_logged_with_the_number_of_stranded_users(staffed: Commands):
    staffed.done("domain", "remove", "acme", "acme.example", "--yes")
    [entry] = staffed.log("acme", "--event", "domain.remove")
    assert entry["changes"][1]["path"] == "stranded_users"
    assert entry["personal"]["changes.1.new"] == 2


def test_domain_remove_leaves_no_trace_when_the_operator_says_no(acme: Commands):
    acme("domain", "remove", "acme", "acme.example", answer="n\n")
    assert acme.log("acme", "--event", "domain.remove") == []
