"""`scimserver user`: an operator clones, deactivates, deletes and restores users."""

import asyncio
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import asyncpg
import pytest

from scimserver.cli import show
from tests.commands import Commands, put_user

ADA = UUID(int=7)


@pytest.fixture
def staffed(acme: Commands) -> Commands:
    """`acme` with a user."""
    put_user(acme.dsn, "acme", ADA, "ada@acme.example")
    return acme


@pytest.mark.parametrize("named", ["ada@acme.example", "ADA@acme.example", str(ADA)])
def test_user_clone_makes_the_next_copy(staffed: Commands, named: str):
    made = staffed.json("user", "clone", "acme", named)
    assert (made["userName"], made["clonedFrom"]) == ("ada@acme.example (Copy 1)", str(ADA))
    assert staffed.done("user", "clone", "acme", named) == (
        f'Cloned "{named}" as "ada@acme.example (Copy 2)".\n'
    )


def test_user_clone_takes_an_address(staffed: Commands):
    made = staffed.json("user", "clone", "acme", "ada@acme.example", "--user-name", "eve@acme.example")
    assert made["userName"] == "eve@acme.example"


@pytest.mark.parametrize(
    "arguments,why",
    [
        (("acme", "eve@acme.example"), 'no user "eve@acme.example"'),
        (("acme", "ada@acme.example", "--user-name", "eve@elsewhere.test"), '"elsewhere.test"'),
        (("nobody", "ada@acme.example"), 'no organisation called "nobody"'),
    ],
)
def test_user_clone_says_why_not(staffed: Commands, arguments: tuple[str, ...], why: str):
    assert why in staffed.refused("user", "clone", *arguments)


def test_command_that_is_refused_is_on_record_with_how_far_it_came(staffed: Commands):
    staffed.refused("user", "clone", "acme", "ada@acme.example", "--user-name", "eve@elsewhere.test")
    [refused] = staffed.log("acme", "--outcome", "failure")
    assert [step[:2] for step in refused["steps"]] == [["rules", "failure"]]


def test_user_clone_is_logged_done_and_refused(staffed: Commands):
    staffed.done("user", "clone", "acme", "ada@acme.example")
    staffed.refused("user", "clone", "acme", "ada@acme.example", "--user-name", "eve@elsewhere.test")
    entries = staffed.log("acme", "--event", "user.clone")
    assert [entry["outcome"] for entry in entries] == ["success", "failure"]
    assert entries[1]["reason"] == "domain_not_allowed"
    assert entries[1]["personal"]["target.display"] == "ada@acme.example"


@pytest.mark.parametrize(
    "arguments",
    [
        ("clone", "acme", "ada@acme.example", "--user-name", "eve@elsewhere.test"),
        ("deactivate", "acme", "ada@acme.example"),
        ("delete", "acme", "ada@acme.example", "--yes"),
        ("reset-link", "acme", "ada@acme.example (Copy 1)"),
    ],
)
def test_refused_command_is_found_by_whom_it_was_about(staffed: Commands, arguments: tuple[str, ...]):
    copy = staffed.json("user", "clone", "acme", "ada@acme.example")["id"]
    staffed.done("role", "assign", "acme", "Admin Role", "ada@acme.example")
    staffed.refused("user", *arguments)
    [refused] = staffed.log("acme", "--outcome", "failure")
    assert refused["target"]["id"] == (copy if arguments[0] == "reset-link" else str(ADA))


# -- sessions ----------------------------------------------------------------------


_SESSION = """
    INSERT INTO sessions (org_id, digest, id, user_id, method, created, last_used, expires, network, agent)
    SELECT org_id, $1, $2, id, 'password', $3::timestamptz, $3, $3 + interval '12 hours', '192.0.2.0/24', $4
    FROM users
"""


def put_session(dsn: str, *, used: datetime, agent: str = "Firefox on Linux") -> UUID:
    """A session of Ada, past all rules; its id."""
    session = uuid4()

    async def put() -> None:
        connection = await asyncpg.connect(dsn)
        await connection.execute(
            _SESSION,
            session.bytes,
            session,
            used,
            agent,
        )
        await connection.close()

    asyncio.run(put())
    return session


def test_user_sessions_lists_those_that_are_alive(staffed: Commands):
    now = datetime.now(UTC).replace(microsecond=0)
    older = put_session(staffed.dsn, used=now - timedelta(minutes=30), agent="Safari on iPhone")
    newer = put_session(staffed.dsn, used=now)
    put_session(staffed.dsn, used=now - timedelta(hours=2))
    listed = staffed.json("user", "sessions", "acme", "ada@acme.example")
    assert [each["id"] for each in listed] == [str(newer), str(older)]
    assert listed[1] == {
        "id": str(older),
        "method": "password",
        "created": show.stamp(now - timedelta(minutes=30)),
        "last_used": show.stamp(now - timedelta(minutes=30)),
        "ends": show.stamp(now + timedelta(minutes=30)),
        "network": "192.0.2.0/24",
        "agent": "Safari on iPhone",
    }
    table = staffed.done("user", "sessions", "acme", str(ADA))
    assert "Safari on iPhone" in table


def test_user_sessions_says_where_there_are_none(staffed: Commands):
    assert staffed.done("user", "sessions", "acme", "ada@acme.example") == (
        '"ada@acme.example" is signed in nowhere.\n'
    )
    assert staffed.json("user", "sessions", "acme", "ada@acme.example") == []


def test_user_sign_out_ends_all(staffed: Commands):
    for _ in range(2):
        put_session(staffed.dsn, used=datetime.now(UTC))
    told = staffed.json("user", "sign-out", "acme", "ADA@acme.example")
    assert told == {"id": str(ADA), "userName": "ada@acme.example", "ended": 2}
    assert staffed.json("user", "sessions", "acme", "ada@acme.example") == []
    assert staffed.done("user", "sign-out", "acme", "ada@acme.example") == (
        '"ada@acme.example" is signed out; sessions that were ended: 0.\n'
    )


def test_user_sign_out_is_logged_done_without_effect_and_refused(staffed: Commands):
    put_session(staffed.dsn, used=datetime.now(UTC))
    staffed.done("user", "sign-out", "acme", "ada@acme.example")
    staffed.done("user", "sign-out", "acme", "ada@acme.example")
    staffed.refused("user", "sign-out", "acme", "eve@acme.example")
    entries = staffed.log("acme", "--event", "session.end_all")
    assert [entry["outcome"] for entry in entries] == ["success", "noop", "failure"]
    assert [entry["actor"]["kind"] for entry in entries] == ["operator"] * 3
    assert entries[2]["reason"] == "not_found"


@pytest.mark.parametrize("command", ["sessions", "sign-out"])
def test_commands_about_sessions_say_why_not(staffed: Commands, command: str):
    assert 'no user "eve@acme.example"' in staffed.refused("user", command, "acme", "eve@acme.example")
    assert 'no organisation called "nobody"' in staffed.refused("user", command, "nobody", "x")


# -- leaving, and the bin -----------------------------------------------------------


_OWNED = """
    INSERT INTO cases (org_id, id, subject, subject_key, owner_id,
                       version, created, last_modified, document, shadow)
    SELECT org_id, gen_random_uuid(), 'S', 's', id, 1, now(), now(), '{"subject":"S"}', '{}'
    FROM users CROSS JOIN generate_series(1, 2) WHERE id = $1
"""


@pytest.fixture
def owning(staffed: Commands) -> Commands:
    """`acme` with a user who owns two Cases."""

    async def put() -> None:
        connection = await asyncpg.connect(staffed.dsn)
        await connection.execute(_OWNED, ADA)
        await connection.close()

    asyncio.run(put())
    return staffed


def test_user_deactivate_and_activate_say_who_is_what(owning: Commands):
    assert owning.json("user", "deactivate", "acme", "ada@acme.example") == {
        "id": str(ADA),
        "userName": "ada@acme.example",
        "active": False,
        "ownedCases": 2,
    }
    assert owning.json("user", "activate", "acme", str(ADA))["active"] is True
    assert owning.done("user", "activate", "acme", str(ADA)) == '"ada@acme.example" is active.\n'
    owning.done("org", "update", "acme", "--deactivation", "unassign_cases")
    assert owning.done("user", "deactivate", "acme", str(ADA)) == (
        '"ada@acme.example" is deactivated; Cases that stay with them: 0.\n'
    )


@pytest.mark.parametrize("answer", ["n\n", "\n", ""])
def test_user_delete_shows_the_cases_and_deletes_nobody_without_a_yes(owning: Commands, answer: str):
    result = owning("user", "delete", "acme", "ada@acme.example", answer=answer)
    assert result.exit_code == 1
    assert 'Cases that become unassigned: 2. Delete "ada@acme.example"?' in result.stderr
    assert owning.json("user", "permissions", "acme", str(ADA))["userName"] == "ada@acme.example"
    assert owning.log("acme", "--event", "user.delete") == []


def test_user_delete_asks_and_says_how_many_cases_became_unassigned(owning: Commands):
    said = owning.done("user", "delete", "acme", "ada@acme.example", answer="y\n")
    assert said.endswith('Deleted "ada@acme.example"; Cases that became unassigned: 2.\n')
    assert len(owning.log("acme", "--event", "case.unassign")) == 2


def test_user_delete_without_asking_prints_a_document(owning: Commands):
    assert owning.json("user", "delete", "acme", str(ADA), "--yes") == {
        "id": str(ADA),
        "userName": "ada@acme.example",
        "unassignedCases": 2,
    }


def test_user_bin_lists_who_can_be_restored(staffed: Commands):
    assert staffed.done("user", "bin", "acme") == 'The bin of "acme" is empty.\n'
    staffed.done("user", "delete", "acme", str(ADA), "--yes")
    [listed] = staffed.json("user", "bin", "acme")
    assert (listed["id"], listed["userName"]) == (str(ADA), "ada@acme.example")
    assert listed["role"] == "Minimal Permissions"
    assert listed["requestId"] == staffed.log("acme", "--event", "user.delete")[0]["request"]["id"]
    assert listed["deleted"] < listed["until"]
    assert "ada@acme.example" in staffed.done("user", "bin", "acme")


def test_user_restore_brings_somebody_back(staffed: Commands):
    staffed.done("user", "delete", "acme", str(ADA), "--yes")
    assert staffed.done("user", "restore", "acme", "ADA@acme.example") == (
        'Restored "ada@acme.example"; Teams: 0. There is no password.\n'
    )
    staffed.done("user", "delete", "acme", str(ADA), "--yes")
    assert staffed.json("user", "restore", "acme", str(ADA)) == {
        "id": str(ADA),
        "userName": "ada@acme.example",
        "groups": [],
    }


@pytest.mark.parametrize("answer", ["n\n", ""])
def test_user_purge_forgets_nobody_without_a_yes(staffed: Commands, answer: str):
    staffed.done("user", "delete", "acme", str(ADA), "--yes")
    result = staffed("user", "purge", "acme", str(ADA), answer=answer)
    assert result.exit_code == 1
    assert 'Nobody can restore "ada@acme.example" afterwards.' in result.stderr
    assert len(staffed.json("user", "bin", "acme")) == 1


def test_user_purge_forgets_somebody(staffed: Commands):
    for arguments in ((), ("--json",)):
        staffed.done("user", "delete", "acme", str(ADA), "--yes")
        said = staffed.done("user", "purge", "acme", str(ADA), "--yes", *arguments)
        assert str(ADA) in said if arguments else said == 'Purged "ada@acme.example".\n'
        assert staffed.json("user", "bin", "acme") == []
        put_user(staffed.dsn, "acme", ADA, "ada@acme.example")
