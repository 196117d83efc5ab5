"""Trying a SAML connection out: what is asserted is shown, and nobody is signed in by it."""

import base64
import socket
import time
import zlib
from collections.abc import AsyncGenerator, Generator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import pytest_asyncio
from lxml import etree

from scimserver.access.saml.metadata import parse_metadata
from scimserver.access.saml.place import addresses_of
from scimserver.directory import saml
from scimserver.directory.roles import ADMIN_ROLE
from scimserver.directory.saml import AnsweredAlready, SamlConnection, State, Wanted
from tests.metadata import metadata
from tests.people import Browser, Reception, Shown
from tests.responses import hostile
from tests.responses.hostile import HOSTILE
from tests.responses.provider import IDP, SSO, assertion_of, meant_for, sent, sign, signed, told

CROSS_SITE = {"Origin": "https://idp.example.com", "Sec-Fetch-Site": "cross-site"}
ADMINISTRATOR: list[dict[str, str]] = [{"value": ADMIN_ROLE}]


@dataclass(slots=True)
class Trial:
    """A connection that is tried out, by Ada in her browser."""

    front: Reception
    connection: SamlConnection
    browser: Browser

    @property
    def base(self) -> str:
        """Where the connection is, as identity providers know it."""
        ours = addresses_of("https://scim.test", self.front.organization, self.connection.id)
        return ours.acs_url.removesuffix("/acs")

    def path(self, name: str) -> str:
        return f"{urlsplit(self.base).path}/{name}"

    async def begin(self) -> str:
        """The id of a request with which Ada is sent to the identity provider."""
        sent_there = await self.browser.get(self.path("try?go"))
        assert sent_there.status == 303, sent_there.main
        [request] = parse_qs(urlsplit(sent_there.location).query)["SAMLRequest"]
        # Deflated without a header (SAML 2.0 Bindings, 3.4.4.1).
        return str(etree.fromstring(zlib.decompress(base64.b64decode(request), -15)).get("ID"))

    async def answer(self, response: str, browser: Browser | None = None, **fields: str) -> Shown:
        """What becomes of a response that the identity provider has the browser send."""
        form = {"SAMLResponse": response, "RelayState": "x", **fields}
        return await (browser or self.browser).post(self.path("acs"), form, **CROSS_SITE)

    def good(self, request: str, **different: Any) -> str:
        """A response as it should be."""
        with meant_for(self.base, request):
            return sent(signed(told(**different)))

    async def sessions(self) -> int:
        return await self.front.connection.fetchval("SELECT count(*) FROM sessions")


@pytest_asyncio.fixture(loop_scope="session")
async def trial(front: Reception) -> AsyncGenerator[Trial]:
    """Ada, who manages SAML, is signed in; the connection is being tried out. It is now: libraries say so."""
    front.hands.now = datetime.now(UTC)
    await front.person(roles=ADMINISTRATOR)
    provider = parse_metadata(metadata(entity_id=IDP, location=SSO).encode(), front.hands.now)
    async with front.work() as work:
        made = await saml.create(work, Wanted(name="Okta"), provider)
    async with front.work() as work:
        made = await saml.switch(work, made, State.TESTING)
    browser = front.browser()
    await browser.sign_in()
    yield Trial(front, made, browser)


# -- what an identity provider has to know ----------------------------------------------


async def test_metadata_says_who_we_are_and_where_responses_go(trial: Trial):
    shown = await trial.front.browser().get(trial.path("metadata"))
    assert shown.headers["Content-Type"].startswith("application/samlmetadata+xml")
    root = etree.fromstring(shown.text.encode())
    [service] = root.iter("{*}AssertionConsumerService")
    assert (root.get("entityID"), service.get("Location")) == (f"{trial.base}/metadata", f"{trial.base}/acs")
    until = datetime.fromisoformat(root.get("validUntil") or "")
    assert until - trial.front.hands.now > timedelta(days=364)
    assert root.get("cacheDuration") == "PT86400S"
    assert [each.get("WantAssertionsSigned") for each in root.iter("{*}SPSSODescriptor")] == ["true"]


@pytest.mark.parametrize("name", ["metadata", "acs", "try"])
async def test_connection_that_there_is_not_is_not_found(trial: Trial, name: str):
    path = trial.path(name).replace("/saml/", "/saml/A", 1)
    shown = await (trial.browser.post(path, {}) if name == "acs" else trial.browser.get(path))
    assert shown.status == 404


async def test_connection_that_is_disabled_is_not_found(trial: Trial):
    async with trial.front.work() as work:
        await saml.switch(work, trial.connection, State.DISABLED)
    assert (await trial.browser.get(trial.path("metadata"))).status == 404
    assert (await trial.answer("x")).status == 404


# -- going there ------------------------------------------------------------------------


async def test_trial_begins_with_a_link(trial: Trial):
    """A form that leads to another site by a redirect is stopped by the page's own policy."""
    shown = await trial.browser.get(trial.path("try"))
    assert (shown.status, "__Host-saml" in trial.browser.cookies) == (200, False)
    assert [each["href"] for each in shown.all("a") if each.text == "Go there"] == ["?go"]
    assert SSO in shown.main


async def test_trial_goes_to_the_identity_provider(trial: Trial):
    shown = await trial.browser.get(trial.path("try?go"))
    assert (shown.status, shown.location.partition("?")[0]) == (303, SSO)
    query = parse_qs(urlsplit(shown.location).query)
    assert set(query) == {"SAMLRequest", "RelayState"}
    assert trial.browser.attributes["__Host-saml"] == "HttpOnly; Max-Age=600; Path=/; SameSite=None; Secure"
    [row] = await trial.front.connection.fetch("SELECT * FROM saml_requests")
    assert trial.browser.cookies["__Host-saml"] not in str(dict(row))


@pytest.mark.parametrize("site", ["cross-site", "same-site"])
async def test_other_site_begins_no_trial(trial: Trial, site: str):
    shown = await trial.browser.get(trial.path("try?go"), **{"Sec-Fetch-Site": site})
    assert (shown.status, "__Host-saml" in trial.browser.cookies) == (403, False)
    assert await trial.front.connection.fetchval("SELECT count(*) FROM saml_requests") == 0


async def test_trial_that_another_site_wants_is_on_record(trial: Trial):
    await trial.browser.get(trial.path("try?go"), **{"Sec-Fetch-Site": "cross-site"})
    assert await trial.front.reasons(trial.front.organization) == [("saml_connection.try", "foreign_form", 1)]


async def test_link_of_another_site_leads_to_the_page_from_which_a_trial_begins(trial: Trial):
    shown = await trial.browser.get(trial.path("try"), **{"Sec-Fetch-Site": "cross-site"})
    assert (shown.status, "Go there" in shown.main) == (200, True)


@pytest.mark.parametrize("said", [{"Sec-Fetch-Site": "same-origin"}, {"Sec-Fetch-Site": "none"}, {}], ids=str)
async def test_trial_begins_where_no_other_site_is_named(trial: Trial, said: dict[str, str]):
    shown = await trial.browser.get(trial.path("try?go"), **said)
    assert (shown.status, shown.location.partition("?")[0]) == (303, SSO)


async def test_whoever_is_not_signed_in_signs_in_first(trial: Trial):
    shown = await trial.front.browser().get(trial.path("try"))
    assert shown.location == f"/signin?next={trial.path('try')}"


async def test_whoever_does_not_manage_saml_tries_nothing_out(trial: Trial):
    await trial.front.person("bob@example.com")
    browser = trial.front.browser()
    await browser.sign_in("bob@example.com")
    assert (await browser.get(trial.path("try?go"))).status == 403
    assert await trial.front.reasons(trial.front.organization) == [
        ("saml_connection.try", "not_permitted", 1)
    ]


async def test_connection_of_another_organisation_is_tried_out_by_nobody_here(trial: Trial):
    other = await trial.front.installation.organization("other", domain="other.example")
    provider = parse_metadata(metadata().encode(), trial.front.hands.now)
    async with trial.front.work(other) as work:
        theirs = await saml.create(work, Wanted(name="Theirs"), provider)
    path = urlsplit(addresses_of("https://scim.test", other, theirs.id).login_url).path
    assert (await trial.browser.get(path.replace("/login", "/try"))).status == 404


# -- coming back ------------------------------------------------------------------------


async def test_what_is_asserted_is_shown_and_nobody_is_signed_in(trial: Trial):
    before = await trial.sessions()
    shown = await trial.answer(trial.good(await trial.begin()))
    assert shown.status == 200
    assert "All is as it should be" in shown.main
    assert "ada@acme.example" in shown.main
    assert "not so" not in shown.main
    assert await trial.sessions() == before
    entries = [each.entry for each in await trial.front.logged("saml_connection.try")]
    assert [(each["outcome"], each["actor"]["kind"]) for each in entries] == [("success", "user")]


async def tried(trial: Trial) -> datetime | None:
    return await trial.front.connection.fetchval("SELECT tried FROM saml_connections")


async def test_trial_that_succeeds_is_remembered(trial: Trial):
    assert await tried(trial) is None
    await trial.answer(trial.good(await trial.begin()))
    database = trial.front.installation.database
    found = await saml.find(database, trial.front.organization, "Okta")
    assert found.tried is not None
    assert found.tried == await tried(trial)


async def test_trial_that_fails_is_not(trial: Trial):
    await trial.answer(trial.good(await trial.begin(), audiences=()))
    assert await tried(trial) is None


@pytest.mark.parametrize(
    "different,kept",
    [
        ({}, True),
        ({"entity_id": "urn:other"}, False),
        ({"sso_url": "https://idp.example.com/other"}, False),
        ({"certificates": ()}, False),
    ],
)
async def test_trial_says_nothing_of_other_metadata(trial: Trial, different: dict[str, Any], kept: bool):
    await trial.answer(trial.good(await trial.begin()))
    provider = replace(trial.connection.provider, **different)
    wanted = replace(trial.connection.wanted, contact="it@acme.example")
    async with trial.front.work() as work:
        changed = await saml.update(work, trial.connection, wanted, provider)
    assert (await tried(trial) is not None) == kept
    assert changed.state is State.TESTING


async def test_check_that_does_not_hold_is_named_to_whoever_tries(trial: Trial):
    shown = await trial.answer(trial.good(await trial.begin(), audiences=(("https://other.example",),)))
    assert shown.status == 422
    assert "is not a valid audience" in shown.main
    shown = await trial.answer(trial.good(await trial.begin(), audiences=()))
    assert "not so each restriction of its audience names this service." in shown.main
    reasons = await trial.front.reasons(trial.front.organization)
    assert [reason for _, reason, _ in reasons] == ["saml_audience", "saml_audience"]


async def test_response_comes_once(trial: Trial):
    response = trial.good(await trial.begin())
    assert (await trial.answer(response)).status == 200
    again = await trial.answer(response)
    assert again.status == 403
    assert (await trial.front.reasons(trial.front.organization))[0][1] == "saml_request"


async def test_trials_in_two_windows_do_not_meet(trial: Trial):
    first, second = await trial.begin(), await trial.begin()
    assert (await trial.answer(trial.good(first))).status == 200
    assert (await trial.answer(trial.good(second))).status == 200


async def test_whoever_may_no_more_is_shown_nothing_by_an_answer(trial: Trial):
    response = trial.good(await trial.begin())
    await trial.front.connection.execute("UPDATE roles SET permissions = '{}' WHERE name = 'Admin Role'")
    shown = await trial.answer(response)
    assert (shown.status, "saml.manage" in shown.main) == (422, True)
    await trial.front.connection.execute("UPDATE users SET active = false")
    assert (await trial.answer(response)).status == 403


async def test_answer_does_not_count_where_the_connection_was_changed_meanwhile(trial: Trial):
    database, now = trial.front.installation.database, trial.front.hands.now
    request, browser = await trial.begin(), trial.browser.cookies["__Host-saml"]
    organization, before = trial.front.organization, trial.connection
    asked = await saml.asked(database, organization, before.id, request, browser, now)
    assert asked is not None
    async with trial.front.work() as work:
        await saml.update(work, before, Wanted(name="Okta", contact="it@example.com"))
    with pytest.raises(AnsweredAlready, match="changed meanwhile"):
        async with trial.front.work() as work:
            await saml.finish_trial(work, before, asked, "_a", now)


async def test_browser_keeps_its_own_cookies_when_another_site_sends_its_form(trial: Trial):
    browser = trial.front.browser()
    await trial.answer(trial.good("_x"), browser)
    assert browser.cookies == {}


@pytest.mark.parametrize(
    "moment", ["9999-12-31T23:59:59Z", "0001-01-01T00:00:00Z", "2026-01-01T00:00:00+00:00"]
)
async def test_moment_that_nobody_reckons_with_is_a_refusal(trial: Trial, moment: str):
    with meant_for(trial.base, await trial.begin()):
        response = told().element()
        conditions = response.find(".//{*}Conditions")
        assert conditions is not None
        conditions.set("NotOnOrAfter", moment)
        sign(assertion_of(response))
        shown = await trial.answer(sent(response))
    assert shown.status == 422
    [entry] = await trial.front.installation.log(trial.front.organization, outcomes=["failure"])
    assert entry.entry["target"]["id"] == str(trial.connection.id)


async def test_assertion_is_used_once_whatever_it_answers(trial: Trial):
    assert (await trial.answer(trial.good(await trial.begin(), assertion="_same"))).status == 200
    shown = await trial.answer(trial.good(await trial.begin(), assertion="_same"))
    assert shown.status == 422
    assert "used before" in shown.main


async def test_response_in_another_browser_is_refused_with_a_number_alone(trial: Trial):
    response = trial.good(await trial.begin())
    shown = await trial.answer(response, trial.front.browser())
    assert shown.status == 403
    [entry] = await trial.front.installation.log(trial.front.organization, outcomes=["failure"])
    assert entry.entry["reason"] == "saml_request"
    assert entry.entry["request"]["id"] in shown.main
    assert "browser" not in shown.main


async def test_request_waits_for_ten_minutes(trial: Trial):
    response = trial.good(await trial.begin())
    trial.front.hands.move(minutes=10)
    assert (await trial.answer(response)).status == 403


@pytest.mark.parametrize(
    "form", [{}, {"RelayState": "x"}, {"SAMLResponse": ""}, {"SAMLResponse": "%%%"}, {"SAMLResponse": "AAAA"}]
)
async def test_form_without_a_response_is_refused(trial: Trial, form: dict[str, str]):
    shown = await trial.browser.post(trial.path("acs"), form, **CROSS_SITE)
    assert shown.status == 400


async def test_two_responses_at_once_are_refused(trial: Trial):
    both = [("SAMLResponse", "AAAA"), ("SAMLResponse", "AAAA")]
    assert (await trial.browser.post(trial.path("acs"), both, **CROSS_SITE)).status == 400


async def test_response_that_is_too_large_is_refused(trial: Trial):
    assert (await trial.answer("A" * 600_000)).status == 413


async def test_response_by_its_address_is_no_response(trial: Trial):
    assert (await trial.browser.get(f"{trial.path('acs')}?SAMLResponse=AAAA")).status == 405


# -- hostile ----------------------------------------------------------------------------


@pytest.fixture
def canary() -> Generator[socket.socket]:
    """A server that nobody may ask for anything."""
    with hostile.canary() as listening:
        yield listening


async def test_no_hostile_response_gets_anything(trial: Trial, canary: socket.socket):
    before, port = await trial.sessions(), canary.getsockname()[1]
    wrong: list[str] = []
    spent = 0.0
    for number, (name, make) in enumerate(HOSTILE.items()):
        request = await trial.begin()
        with meant_for(trial.base, request):
            response = hostile.watched(make(), port)
        began = time.process_time()
        shown = await trial.answer(response)
        took = time.process_time() - began
        spent += took
        # What takes long on purpose takes seconds.
        if shown.status not in (400, 403, 413, 422) or took > 2 or "Traceback" in shown.text:
            wrong.append(f"{name}: {shown.status} after {took:.2f} s")
        if number % 25 == 0:
            good = await trial.answer(trial.good(await trial.begin()))
            assert good.status == 200, good.main
    assert wrong == []
    assert spent < 0.2 * len(HOSTILE)
    assert await trial.sessions() == before
    with pytest.raises(BlockingIOError):
        canary.accept()
