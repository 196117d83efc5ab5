"""Requiring SAML of an Email Domain: what it takes, whom it marks, what ends with a mark, and what stays."""

import asyncio
from collections.abc import Callable, Coroutine
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from scimserver.directory import domains, enforcing, recovery, roles, saml, users
from scimserver.directory.saml import Provider, SamlConnection, State, Wanted
from scimserver.directory.users import User, store
from scimserver.kernel.errors import Conflicted, NotFound, NotReady, SamlEnforced
from scimserver.work import Work
from tests.importing import ORIGIN, Acme
from tests.recovering import CODES, code_of, enrolled

DOMAIN = "acme.example"
OWNERS: list[dict[str, str]] = [{"value": "Admin Role"}]
PROVIDER = Provider(entity_id="urn:okta", sso_url="https://idp.example.com/sso", certificates=())
PASSWORD = """
    INSERT INTO credentials (org_id, user_id, password_hash, changed)
    SELECT org_id, id, '$argon2id$', now() FROM users WHERE id = $1
"""
SESSION = """
    INSERT INTO sessions (org_id, digest, id, user_id, method, created, last_used, expires, network, agent)
    SELECT org_id, sha256($2), gen_random_uuid(), id, 'password', now(), now(), now() + interval '1 hour', '',
           ''
    FROM users WHERE id = $1
"""
LINK = """
    INSERT INTO password_resets (org_id, user_id, digest, purpose, user_name_key, issued, expires)
    SELECT org_id, id, sha256('x'), 'invitation', user_name_key, now(), now() + interval '1 hour'
    FROM users WHERE id = $1
"""
LETTERS = """
    INSERT INTO mail_jobs (org_id, id, user_id, kind, request_id, created, due, until)
    SELECT org_id, gen_random_uuid(), id, kind, 'r-1', now(), now(), now() + interval '1 hour'
    FROM users, unnest(ARRAY['link.invitation', 'notice.password_changed']) AS kind WHERE id = $1
"""
DEVICE = "INSERT INTO known_devices SELECT org_id, id, sha256('d'), now() FROM users WHERE id = $1"
MANY = """
    INSERT INTO users (org_id, id, user_name, user_name_key, mail_domain, active, role_id, mail_stand_in,
                       version, created, last_modified, document, shadow)
    SELECT o.id, gen_random_uuid(), n || '@acme.example', n || '@acme.example', 'acme.example', true, r.id,
           true, 1, now(), now(), '{}', '{}'
    FROM organizations AS o JOIN roles AS r ON r.org_id = o.id AND r.name_key = 'minimal permissions'
    CROSS JOIN generate_series(1, $1::int) AS n
"""


@dataclass
class Ready:
    """An organisation that can enforce SAML: an owner has a recovery account, the connection was tried."""

    office: Acme
    owner: User
    connection: SamlConnection
    secret: str

    def work(self, *, lock: bool = False) -> Work:
        return self.office.room.open(self.office.operator, ORIGIN, lock=lock)

    async def enforce(self, domain: str = DOMAIN) -> int:
        async with self.work() as work:
            return await enforcing.enforce(work, domain, self.connection)

    async def release(self) -> None:
        async with self.work() as work:
            await enforcing.release(work, DOMAIN)

    async def user(self, user_name: str = "bob@acme.example", **attributes: Any) -> User:
        # Looked at anew: what is remembered of the rules may be out of date, which is tried again elsewhere.
        async with self.work(lock=True) as work:
            return await users.create(work, {"userName": user_name, **attributes})

    async def provider(self, user: User) -> UUID | None:
        return await self.fetchval("SELECT saml_connection_id FROM users WHERE id = $1", user.id)

    async def fetchval(self, query: str, *arguments: object) -> Any:
        return await self.office.rows.fetchval(query, *arguments)

    async def execute(self, query: str, *arguments: object) -> None:
        await self.office.rows.execute(query, *arguments)

    async def events(self, user: User) -> list[str]:
        rows = await self.office.rows.fetch(
            "SELECT event FROM log_entries WHERE target_id = $1 ORDER BY id", user.id
        )
        return [row["event"] for row in rows]


@pytest.fixture
async def ready(office: Acme) -> Ready:
    owner = await office.user("owner@acme.example", roles=OWNERS)
    organization = office.operator.organization
    secret = await enrolled(office.rows, organization, owner.id, office.room.clock())
    async with office.room.open(office.operator, ORIGIN) as work:
        connection = await saml.create(work, Wanted(name="Okta"), PROVIDER)
    for state in (State.TESTING, State.ACTIVE):
        async with office.room.open(office.operator, ORIGIN) as work:
            connection = await saml.switch(work, connection, state)
    await office.rows.execute("UPDATE saml_connections SET tried = now()")
    await office.rows.execute("UPDATE email_domains SET verified_at = now()")
    return Ready(office, owner, connection, secret)


# -- what it takes -------------------------------------------------------------------------------


MISSING = {
    "UPDATE email_domains SET verified_at = NULL": "domain verify",
    "UPDATE saml_connections SET state = 'testing'": "is not active",
    "UPDATE saml_connections SET tried = NULL": "was not tried out",
    "DELETE FROM recovery_accounts": "recovery enrol",
    "UPDATE recovery_accounts SET confirmed = NULL": "recovery enrol",
    "DELETE FROM credentials": "recovery enrol",
    "UPDATE credentials SET expires = now() + interval '1 day'": "recovery enrol",
    "UPDATE users SET active = false": "recovery enrol",
    "UPDATE roles SET permissions = array_remove(permissions, 'saml.manage')": "recovery enrol",
    "UPDATE roles SET permissions = array_remove(permissions, 'users.update')": "recovery enrol",
}


@pytest.mark.parametrize("undone", MISSING)
async def test_enforcing_is_refused_while_something_is_missing(ready: Ready, undone: str):
    bob = await ready.user()
    await ready.execute(undone)
    with pytest.raises(NotReady, match=MISSING[undone]):
        await ready.enforce()
    assert await ready.provider(bob) is None
    assert await ready.fetchval("SELECT saml_connection_id FROM email_domains") is None


async def test_enforcing_says_all_that_is_missing_at_once(ready: Ready):
    for undone in ("UPDATE email_domains SET verified_at = NULL", "DELETE FROM recovery_accounts"):
        await ready.execute(undone)
    with pytest.raises(NotReady, match=r"domain verify.*recovery enrol"):
        await ready.enforce()


async def test_enforcing_is_refused_in_a_domain_that_is_not_in_the_list(ready: Ready):
    with pytest.raises(NotFound):
        await ready.enforce("elsewhere.example")


# -- whom it marks -------------------------------------------------------------------------------


async def test_enforcing_marks_everybody_of_the_domain_but_recovery_accounts(ready: Ready):
    bob, eve = await ready.user(), await ready.user("eve@acme.example", active=False)
    assert await ready.enforce() == 2
    providers = [await ready.provider(user) for user in (bob, eve, ready.owner)]
    assert providers == [ready.connection.id, ready.connection.id, None]


async def test_enforcing_leaves_other_domains_alone(ready: Ready):
    async with ready.work() as work:
        await domains.add(work, "other.example")
    ann = await ready.user("ann@other.example")
    assert await ready.enforce() == 0
    assert await ready.provider(ann) is None


@pytest.mark.parametrize("subdomains", [True, False])
async def test_enforcing_goes_for_sub_domains_where_the_entry_does(ready: Ready, subdomains: bool):
    async with ready.work() as work:
        await domains.add(work, "corp.example", subdomains=subdomains)
        await domains.add(work, "de.corp.example")
    await ready.execute("UPDATE email_domains SET verified_at = now()")
    ann = await ready.user("ann@de.corp.example")
    assert await ready.enforce("corp.example") == int(subdomains)
    assert await ready.provider(ann) == (ready.connection.id if subdomains else None)


async def test_enforcing_leaves_a_longer_domain_to_its_own_connection(ready: Ready):
    async with ready.work() as work:
        await domains.add(work, "corp.example", subdomains=True)
        await domains.add(work, "de.corp.example")
        entra = await saml.create(
            work, Wanted(name="Entra"), Provider(entity_id="urn:e", sso_url="https://e", certificates=())
        )
    await ready.execute("UPDATE email_domains SET verified_at = now()")
    await ready.execute(
        "UPDATE email_domains SET saml_connection_id = $1 WHERE domain = 'de.corp.example'", entra.id
    )
    await ready.execute("UPDATE organizations SET rules = gen_random_uuid()")
    ann = await ready.user("ann@de.corp.example")
    assert await ready.enforce("corp.example") == 0
    assert await ready.provider(ann) == entra.id


async def test_enforcing_ends_passwords_links_sessions_and_devices(ready: Ready):
    bob = await ready.user()
    for each in (PASSWORD, LINK, LETTERS, DEVICE):
        await ready.execute(each, bob.id)
    await ready.execute(SESSION, bob.id, b"1")
    await ready.enforce()
    tables = ("credentials", "sessions", "password_resets", "known_devices")
    left = [await ready.fetchval(f"SELECT count(*) FROM {t} WHERE user_id = $1", bob.id) for t in tables]
    assert left == [0, 0, 0, 0]
    assert await ready.fetchval("SELECT string_agg(kind, ',') FROM mail_jobs") == "notice.password_changed"


async def test_enforcing_leaves_the_password_of_a_recovery_account(ready: Ready):
    await ready.enforce()
    assert await ready.fetchval("SELECT count(*) FROM credentials") == 1


async def test_enforcing_ends_sessions_of_a_recovery_account_that_a_password_alone_began(ready: Ready):
    async with ready.work() as work:
        await domains.add(work, "other.example")
    ann = await ready.user("ann@other.example", roles=OWNERS)
    await enrolled(ready.office.rows, ready.office.operator.organization, ann.id, ready.office.room.clock())
    for user, secret in ((ready.owner, b"1"), (ann, b"2")):
        await ready.execute(SESSION, user.id, secret)
    await ready.enforce()
    assert await ready.fetchval("SELECT array_agg(user_id) FROM sessions") == [ann.id]
    assert (await ready.events(ready.owner))[-1] == "session.end_all"


async def test_enforcing_raises_the_version_and_puts_each_user_on_record(ready: Ready):
    bob = await ready.user()
    await ready.execute(PASSWORD, bob.id)
    await ready.execute(SESSION, bob.id, b"1")
    await ready.enforce()
    assert await ready.fetchval("SELECT version FROM users WHERE id = $1", bob.id) == bob.version + 1
    assert await ready.events(bob) == ["user.create", "session.end_all", "password.clear", "user.update"]


async def test_enforcing_works_with_more_users_than_a_statement_takes(ready: Ready):
    many = 2 * enforcing.MOST_AT_ONCE + 1
    await ready.execute(MANY, many)
    before = await ready.fetchval("SELECT count(*) FROM log_entries")
    assert await ready.enforce() == many
    assert await ready.fetchval("SELECT count(*) FROM users WHERE saml_connection_id IS NULL") == 1
    # One of each user, and one of the domain.
    assert await ready.fetchval("SELECT count(*) FROM log_entries") == before + many + 1


async def test_enforcing_again_changes_nothing(ready: Ready):
    bob = await ready.user()
    await ready.enforce()
    version = await ready.fetchval("SELECT version FROM users WHERE id = $1", bob.id)
    assert await ready.enforce() == 0
    assert await ready.fetchval("SELECT version FROM users WHERE id = $1", bob.id) == version
    assert await ready.fetchval("SELECT count(*) FROM log_entries WHERE outcome = 'noop'") == 1


async def test_enforcing_again_marks_whose_recovery_account_was_withdrawn(ready: Ready):
    other = await ready.user("other@acme.example", roles=OWNERS)
    await enrolled(ready.office.rows, ready.office.operator.organization, other.id, ready.office.room.clock())
    await ready.enforce()
    async with ready.work() as work:
        await recovery.withdraw(work, await users.get(work, other.id))
    assert await ready.enforce() == 1
    assert await ready.provider(other) == ready.connection.id


# -- while it lasts, and after ---------------------------------------------------------------------


async def test_domain_cannot_be_removed_while_it_is_enforced(ready: Ready):
    await ready.enforce()
    with pytest.raises(SamlEnforced, match="domain release"):
        async with ready.work() as work:
            await domains.remove(work, DOMAIN)
    await ready.release()
    async with ready.work() as work:
        assert await domains.remove(work, DOMAIN) == 1


@pytest.mark.parametrize("state", [State.TESTING, State.DISABLED])
async def test_connection_cannot_be_switched_off_while_it_is_enforced(ready: Ready, state: State):
    await ready.enforce()
    with pytest.raises(SamlEnforced, match=r"acme\.example.*domain release"):
        async with ready.work() as work:
            await saml.switch(work, ready.connection, state)
    await ready.release()
    async with ready.work() as work:
        assert (await saml.switch(work, ready.connection, state)).state is state


async def test_releasing_leaves_who_is_managed_so_and_marks_nobody_new(ready: Ready):
    bob = await ready.user()
    await ready.enforce()
    await ready.release()
    eve = await ready.user("eve@acme.example")
    assert [await ready.provider(user) for user in (bob, eve)] == [ready.connection.id, None]


async def test_releasing_what_is_not_enforced_changes_nothing(ready: Ready):
    await ready.release()
    assert await ready.fetchval("SELECT outcome FROM log_entries WHERE event = 'domain.release'") == "noop"


# -- at the same time ----------------------------------------------------------------------------


async def waiting(ready: Ready) -> None:
    """Come back when somebody waits for a lock."""
    query = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'"
    while not await ready.fetchval(query):  # noqa: ASYNC110 - nobody tells when PostgreSQL waits
        await asyncio.sleep(0.01)


async def _added(ready: Ready) -> User:
    async with ready.work() as work:
        return await users.create(work, {"userName": "late@acme.example"})


async def _moved(ready: Ready) -> User:
    async with ready.work() as work:
        current = await users.find(work, "ann@other.example")
        return await users.update(work, current, {**current.document, "userName": "late@acme.example"})


@pytest.mark.parametrize("write", [_added, _moved])
async def test_user_who_is_written_while_saml_is_enforced_is_not_left_out(
    ready: Ready, write: Callable[[Ready], Coroutine[Any, Any, User]]
):
    async with ready.work() as work:
        await domains.add(work, "other.example")
    await ready.user("ann@other.example")
    async with ready.work() as work:
        await enforcing.enforce(work, DOMAIN, ready.connection)
        # By rules that were looked at before, it waits; when it goes on, they are others.
        writing = asyncio.create_task(write(ready))
        await asyncio.wait_for(waiting(ready), 10)
    with suppress(Conflicted):
        await writing
    left_out = "SELECT count(*) FROM users WHERE mail_domain = $1 AND saml_connection_id IS NULL"
    assert await ready.fetchval(left_out, DOMAIN) == 1


async def test_enforcing_waits_for_a_user_who_is_being_added(ready: Ready):
    async with ready.work() as work:
        await work.begin()
        made = await users.create(work, {"userName": "late@acme.example"})
        (staged,) = work._staged  # Held open before its end.
        await work.run(staged.clause, *staged.arguments)
        work._staged.clear()
        enforcing_ = asyncio.create_task(ready.enforce())
        await asyncio.wait_for(waiting(ready), 10)
    assert await enforcing_ == 1
    assert await ready.provider(made) == ready.connection.id


async def test_enforcing_and_withdrawing_the_account_it_rests_on_do_not_both_succeed(ready: Ready):
    async def withdraw() -> None:
        async with ready.work() as work:
            await recovery.withdraw(work, await users.get(work, ready.owner.id))

    ends = await asyncio.gather(ready.enforce(), withdraw(), return_exceptions=True)
    assert len([end for end in ends if isinstance(end, Exception)]) == 1
    enforced = await ready.fetchval("SELECT count(saml_connection_id) FROM email_domains")
    assert enforced == await ready.fetchval("SELECT count(*) FROM recovery_accounts")


async def test_enforcing_and_switching_its_connection_off_do_not_both_succeed(ready: Ready):
    async def switch() -> None:
        async with ready.work() as work:
            await saml.switch(work, ready.connection, State.DISABLED)

    ends = await asyncio.gather(ready.enforce(), switch(), return_exceptions=True)
    assert len([end for end in ends if isinstance(end, Exception)]) == 1


async def _deleted(ready: Ready, user: User) -> None:
    async with ready.work() as work:
        await users.delete(work, await users.get(work, user.id))


async def _renamed(ready: Ready, user: User) -> None:
    async with ready.work() as work:
        current = await users.get(work, user.id)
        await users.update(work, current, {**current.document, "userName": "rob@acme.example"})


async def _unmarked(ready: Ready, user: User) -> None:
    async with ready.work() as work:
        await users.mark(work, await users.get(work, user.id), managed=False)


@pytest.mark.parametrize("write", [_deleted, _renamed, _unmarked])
async def test_user_is_written_after_enforcing_and_not_across_it(
    ready: Ready, write: Callable[[Ready, User], Coroutine[Any, Any, None]]
):
    """Whoever holds a user before the organisation breaks enforcing off, or is broken off."""
    bob = await ready.user()
    if write is _unmarked:
        async with ready.work() as work:
            other = Provider(entity_id="urn:e", sso_url="https://e", certificates=())
            entra = await saml.create(work, Wanted(name="Entra"), other)
        await ready.execute("UPDATE users SET saml_connection_id = $2 WHERE id = $1", bob.id, entra.id)
    async with ready.work() as work:
        # The organisation as enforcing holds it, before it comes to Bob.
        await enforcing.release(work, DOMAIN)
        writing = asyncio.create_task(write(ready, bob))
        await asyncio.wait_for(waiting(ready), 10)
        assert await enforcing.enforce(work, DOMAIN, ready.connection) == 1
    with pytest.raises(Conflicted) as changed:
        await writing
    assert "deadlock" not in str(changed.value)


async def test_role_is_given_while_somebody_of_a_recovery_account_is_looked_at(ready: Ready):
    """Those who may manage users are held before the recovery accounts are, whatever is done to them."""
    bob = await ready.user()

    async def give() -> int:
        async with ready.work() as work:
            return await roles.give(work, await roles.find(work, "Minimal Permissions"), [bob.id])

    async with ready.work() as work:
        await store.has_other_administrator(work, ready.owner.id)
        giving = asyncio.create_task(give())
        await asyncio.wait_for(waiting(ready), 10)
        await recovery.require_other(work, ready.owner.id)
    assert await giving == 0


# -- enrolling -----------------------------------------------------------------------------------


async def test_user_who_was_read_before_the_account_was_confirmed_cannot_be_marked_by_what_was_read(
    ready: Ready,
):
    eve = await ready.user("eve@acme.example", roles=OWNERS)
    await ready.execute(PASSWORD, eve.id)
    async with ready.work() as work:
        secret = await recovery.prepare(work, eve, CODES)
    async with ready.work() as work:
        current = await users.get(work, eve.id)
    async with ready.work() as work:
        await recovery.confirm(work, eve, code_of(secret.text, work.now), CODES)
    with pytest.raises(Conflicted):
        async with ready.work() as work:
            await users.update(work, current, current.document, mark=users.Mark.ON)
    assert await ready.provider(eve) is None


async def test_code_by_which_an_account_was_confirmed_counts_no_more(ready: Ready):
    eve = await ready.user("eve@acme.example", roles=OWNERS)
    await ready.execute(PASSWORD, eve.id)
    async with ready.work() as work:
        secret = await recovery.prepare(work, eve, CODES)
        now = work.now
    async with ready.work() as work:
        await recovery.confirm(work, eve, code_of(secret.text, now), CODES)
    step = int(now.timestamp()) // 30
    async with ready.work() as work:
        used = [await recovery.use(work, eve.id, each) for each in (step, step + 1, step + 1)]
    assert used == [False, True, False]


async def test_code_of_another_time_confirms_nothing(ready: Ready):
    eve = await ready.user("eve@acme.example", roles=OWNERS)
    await ready.execute(PASSWORD, eve.id)
    async with ready.work() as work:
        secret = await recovery.prepare(work, eve, CODES)
        late = code_of(secret.text, work.now + timedelta(minutes=5))
    with pytest.raises(Exception, match="not the code of the moment"):
        async with ready.work() as work:
            await recovery.confirm(work, eve, late, CODES)
    assert not await ready.fetchval(
        "SELECT confirmed IS NOT NULL FROM recovery_accounts WHERE user_id = $1", eve.id
    )
