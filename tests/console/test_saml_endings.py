"""What ends the sessions that a SAML connection began: its use, its keys, and the people themselves.

And those that a password began whose owners it signs in from now on.
"""

import asyncio
from functools import partial
from typing import Any

import pytest
import pytest_asyncio

from scimserver.access import sessions
from scimserver.access.saml.metadata import parse_metadata
from scimserver.audit import store
from scimserver.audit.store import Filter
from scimserver.directory import saml, users
from scimserver.directory.roles import ADMIN_ROLE
from scimserver.directory.saml import State
from scimserver.directory.users import Mark
from scimserver.kernel.actor import Origin, operator
from tests.federation import Federation, federation
from tests.metadata import key, metadata
from tests.people import ADA, Browser, Reception
from tests.responses.provider import IDP, SSO, signer

WAITING = """
SELECT EXISTS (SELECT FROM pg_stat_activity
               WHERE wait_event_type = 'Lock' AND datname = current_database())"""


@pytest_asyncio.fixture(loop_scope="session")
async def okta(front: Reception) -> Federation:
    """A connection in use with two keys, Ada who is signed in by it, and Bob who is by a password."""
    made = await federation(front)
    await made.managed()
    await front.person("bob@example.com")
    await refreshed(made, "idp", "next")
    return made


@pytest_asyncio.fixture(loop_scope="session")
async def ada(okta: Federation) -> Browser:
    browser = okta.front.browser()
    shown = await okta.arrive(browser)
    assert shown.status == 303, (shown.main, await okta.reasons())
    return browser


@pytest_asyncio.fixture(loop_scope="session")
async def bob(okta: Federation) -> Browser:
    browser = okta.front.browser()
    await browser.sign_in("bob@example.com")
    assert await browser.is_signed_in()
    return browser


async def refreshed(okta: Federation, *signers: str, entity_id: str = IDP) -> None:
    """Give the connection metadata with these keys."""
    keys = "".join(key(signer(name).certificate) for name in signers)
    text = metadata(entity_id=entity_id, location=SSO, keys=keys).encode()
    async with okta.front.work() as work:
        current = await saml.get(okta.front.installation.database, okta.organization, okta.connection.id)
        assert current is not None
        provider = parse_metadata(text, okta.front.hands.now)
        okta.connection = await saml.update(work, current, current.wanted, provider)


async def held_again(okta: Federation) -> None:
    """Hold the connection as a sign-in does that others were faster than."""
    who = operator("tests", okta.organization)
    async with okta.front.installation.room.open(who, Origin(request_id="tests"), lock=True) as work:
        assert await saml.hold(work, okta.connection)


async def ended(okta: Federation, event: str) -> bool:
    """Whether the last entry of an event says that sessions ended."""
    narrow = Filter(events=[event])
    database = okta.front.installation.database
    last = (await store.page(database, okta.organization, narrow, after=store.OLDEST, count=100))[-1]
    return "sessions" in [change["path"] for change in last.entry["changes"]]


@pytest.mark.parametrize("state", [State.TESTING, State.DISABLED])
async def test_sessions_end_when_the_connection_is_taken_out_of_use(
    okta: Federation, ada: Browser, bob: Browser, state: State
):
    await okta.switched(state)
    assert (await ada.is_signed_in(), await bob.is_signed_in()) == (False, True)
    assert await okta.sessions() == 1
    assert await ended(okta, "saml_connection.switch")


async def test_sessions_end_when_a_certificate_is_taken_away(okta: Federation, ada: Browser, bob: Browser):
    await refreshed(okta, "idp")
    assert (await ada.is_signed_in(), await bob.is_signed_in()) == (False, True)
    assert await ended(okta, "saml_connection.update")


async def test_sessions_end_when_it_becomes_another_identity_provider(okta: Federation, ada: Browser):
    await refreshed(okta, "idp", "next", entity_id="urn:other")
    assert not await ada.is_signed_in()


async def test_names_of_another_identity_provider_mean_nobody_yet(okta: Federation, ada: Browser):
    """What one of them calls 1001 may be somebody else at the next."""
    await refreshed(okta, "idp", "next", "third")
    assert await okta.links() == [(ADA, ADA)]
    await refreshed(okta, "idp", "next", "third", entity_id="urn:other")
    assert await okta.links() == []


async def test_sessions_go_on_when_a_certificate_is_added(okta: Federation, ada: Browser):
    await refreshed(okta, "idp", "next", "third")
    assert await ada.is_signed_in()
    assert not await ended(okta, "saml_connection.update")


async def test_sessions_go_on_when_the_connection_is_treated_differently(okta: Federation, ada: Browser):
    await okta.changed(contact="it@example.com", jit=True)
    assert await ada.is_signed_in()


@pytest.mark.parametrize("act", ["refresh", "update", "switch", "sign in"])
async def test_connection_is_held_after_its_organisation(okta: Federation, act: str):
    """As whoever enforces it holds the organisation, and then looks at the connection."""
    acts = {
        "refresh": partial(refreshed, okta, "idp", entity_id="urn:other"),
        "update": partial(okta.changed, jit=True),
        "switch": partial(okta.switched, State.DISABLED),
        "sign in": partial(held_again, okta),
    }
    connection = okta.front.connection
    async with connection.transaction():
        await connection.execute("SELECT FROM organizations FOR UPDATE")
        changing = asyncio.create_task(acts[act]())
        while not await connection.fetchval(WAITING):
            assert not changing.done()
            await connection.execute("SELECT pg_stat_clear_snapshot()")
        await connection.execute("SELECT FROM saml_connections FOR SHARE NOWAIT")
    await changing


async def test_sessions_of_another_organisation_go_on(okta: Federation, ada: Browser):
    other = await okta.front.installation.organization("other", domain="other.example")
    theirs = await federation(okta.front, other)
    await theirs.switched(State.DISABLED)
    assert await ada.is_signed_in()


@pytest.mark.parametrize("changed", [{"active": False}, {"mark": Mark.UNSAID}], ids=str)
async def test_session_ends_with_what_let_its_owner_in(
    okta: Federation, ada: Browser, changed: dict[str, Any]
):
    wanted = dict(changed)
    mark = wanted.pop("mark", Mark.AS_IS)
    async with okta.front.work() as work:
        user = await users.find(work, ADA)
        await users.update(work, user, {**user.document, **wanted}, mark=mark)
    assert not await ada.is_signed_in()
    assert (await okta.arrive()).status == 403


async def test_session_ends_when_its_owner_is_deactivated_over_scim(okta: Federation, ada: Browser):
    scim = await okta.front.installation.client(okta.organization)
    async with okta.front.work() as work:
        user = await users.find(work, ADA)
    patch = {"op": "replace", "path": "active", "value": False}
    assert (await scim.patch(f"/Users/{user.id}", patch)).status == 200
    assert not await ada.is_signed_in()
    assert await okta.sessions() == 0


async def test_session_ends_when_its_owner_is_deleted_over_scim(okta: Federation, ada: Browser):
    scim = await okta.front.installation.client(okta.organization)
    async with okta.front.work() as work:
        user = await users.find(work, ADA)
    assert (await scim.delete(f"/Users/{user.id}")).status == 204
    assert not await ada.is_signed_in()
    assert (await okta.arrive()).status == 403


async def test_session_by_a_password_ends_when_its_owner_is_marked(okta: Federation, bob: Browser):
    async with okta.front.work() as work:
        await users.mark(work, await users.find(work, "bob@example.com"), managed=True)
    assert not await bob.is_signed_in()


async def test_session_by_a_password_ends_of_whoever_marks_themselves(okta: Federation):
    front = okta.front
    eve = await front.person("eve@example.com", roles=[{"value": ADMIN_ROLE}])
    browser = front.browser()
    await browser.sign_in("eve@example.com")
    secret = browser.cookies["__Host-session"]
    caller = await sessions.caller(front.installation.database, secret, front.hands())
    assert caller is not None
    async with front.installation.room.open(caller.actor, Origin(request_id="r-1")) as work:
        await users.mark(work, await users.get(work, eve.id), managed=True)
    assert not await browser.is_signed_in()


async def test_mark_that_is_taken_back_takes_the_link_along(okta: Federation, ada: Browser):
    async with okta.front.work() as work:
        user = await users.find(work, ADA)
        await users.update(work, user, user.document, mark=Mark.UNSAID)
    assert await okta.links() == []
