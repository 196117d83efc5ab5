"""The page where people sign in (rule P4): what it lets in, where it leads, what it leaves in the browser."""

import asyncpg
import pytest

from scimserver.access import sessions
from scimserver.directory.organizations import Addresses
from scimserver.kernel.permissions import Permission
from tests.people import ADA, OTHER, PASSWORD, Browser, Reception

SESSION, DEVICE = "__Host-session", "__Host-device"


async def test_right_password_leads_to_ones_sessions(front: Reception):
    await front.person()
    browser = front.browser()
    answer = await browser.sign_in()
    assert (answer.status, answer.location) == (303, "/sessions")
    page = await browser.follow(answer)
    assert page.status == 200
    assert ADA in page.all("header")[0].text


@pytest.mark.parametrize("typed", ["ADA@EXAMPLE.COM", f"  {ADA} ", "ada@example\uff0ecom"])
async def test_address_is_compared_as_everywhere(front: Reception, typed: str):
    await front.person()
    assert (await front.browser().sign_in(typed)).status == 303


async def test_password_is_compared_in_one_spelling(front: Reception):
    await front.person(password="nine large Ångström storks")
    assert (await front.browser().sign_in(password="nine large A\u030angstro\u0308m storks")).status == 303


async def test_cookies_belong_to_this_host_and_no_script(front: Reception):
    await front.person()
    browser = front.browser()
    await browser.sign_in()
    assert browser.attributes[SESSION] == "HttpOnly; Path=/; SameSite=Lax; Secure"
    assert browser.attributes[DEVICE] == "HttpOnly; Max-Age=7776000; Path=/; SameSite=Lax; Secure"
    assert set(browser.cookies) == {SESSION, DEVICE}


async def test_every_sign_in_is_another_session(front: Reception):
    await front.person()
    one, other = front.browser(), front.browser()
    await one.sign_in()
    await other.sign_in()
    assert one.cookies[SESSION] != other.cookies[SESSION]
    assert await one.is_signed_in()
    assert await other.is_signed_in()


async def test_session_of_before_ends_where_somebody_signs_in_anew(front: Reception):
    await front.person()
    await front.person("bob@example.com", OTHER)
    browser = front.browser()
    await browser.sign_in()
    left = Browser(browser.http, cookies={SESSION: browser.cookies[SESSION]})
    page = await browser.get("/sessions")
    fields = {"token": page.field("token")["value"], "address": "bob@example.com", "password": OTHER}
    assert (await browser.post("/signin", fields)).status == 303
    assert "bob@example.com" in (await browser.get("/sessions")).text
    assert not await left.is_signed_in()


async def test_session_that_somebody_planted_is_not_taken_over(front: Reception):
    await front.person()
    browser = front.browser(cookies={SESSION: "x" * 64})
    await browser.sign_in()
    assert browser.cookies[SESSION] != "x" * 64


async def test_whoever_is_signed_in_is_sent_on(front: Reception):
    await front.person()
    browser = front.browser()
    await browser.sign_in()
    assert (await browser.get("/signin")).location == "/sessions"
    assert (await browser.get("/signin?next=/password")).location == "/password"


async def test_page_that_needs_a_session_leads_here_and_back(front: Reception):
    await front.person()
    browser = front.browser()
    page = await browser.follow(await browser.get("/password"))
    assert page.field("next")["value"] == "/password"
    fields = {name: page.field(name)["value"] for name in ("token", "next")}
    answer = await browser.post("/signin", {**fields, "address": ADA, "password": PASSWORD})
    assert answer.location == "/password"


@pytest.mark.parametrize(
    "wanted",
    [
        "https://attacker.test/",
        "//attacker.test",
        "/\\attacker.test",
        "/%2f/attacker.test",
        "/sessions?x=1",
        "javascript:alert(1)",
        "/a b",
        "/a\r\nSet-Cookie: x=y",
        "sessions",
        "",
        "/",
    ],
)
async def test_nobody_is_sent_elsewhere(front: Reception, wanted: str):
    await front.person()
    browser = front.browser()
    token = (await browser.get("/signin")).field("token")["value"]
    fields = {"token": token, "next": wanted, "address": ADA, "password": PASSWORD}
    assert (await browser.post("/signin", fields)).location == "/sessions"


@pytest.mark.parametrize(
    "fields,errors",
    [
        ({"password": PASSWORD}, {"address": "Enter your e-mail address."}),
        ({"address": ADA}, {"password": "Enter your password."}),
        ({"address": "  ", "password": PASSWORD}, {"address": "Enter your e-mail address."}),
    ],
)
async def test_what_is_missing_is_named_beside_its_field(
    front: Reception, connection: asyncpg.Connection, fields: dict[str, str], errors: dict[str, str]
):
    browser = front.browser()
    page = await browser.submit("/signin", **fields)
    assert (page.status, page.errors) == (422, errors)
    assert page.title.startswith("Error: ")
    for name in errors:
        field = page.field(name)
        assert (field["aria-invalid"], f"{name}-error" in field["aria-describedby"]) == ("true", True)
    assert await connection.fetchval("SELECT count(*) FROM sign_in_sources") == 0


async def test_form_that_is_refused_keeps_what_was_typed_but_the_password(front: Reception):
    await front.person()
    page = await front.browser().sign_in(password=OTHER, organization="acme", next="/password")
    assert page.status == 422
    kept = [page.field(name)["value"] for name in ("address", "organization", "next")]
    assert kept == [ADA, "acme", "/password"]
    assert OTHER not in page.text
    assert page.field("password")["value"] == ""


async def test_form_that_was_refused_can_be_sent_again(front: Reception):
    await front.person()
    browser = front.browser()
    page = await browser.sign_in(password=OTHER)
    token = page.field("token")["value"]
    answer = await browser.post("/signin", {"token": token, "address": ADA, "password": PASSWORD})
    assert answer.status == 303


# -- whose people --------------------------------------------------------------


async def test_address_leads_to_the_organisation_of_its_domain(front: Reception):
    other = await front.installation.organization("globex", domain="example.org", subdomains=True)
    await front.person("ada@eu.example.org", OTHER, organization=other)
    browser = front.browser()
    assert (await browser.sign_in("ada@eu.example.org", OTHER)).status == 303
    assert "globex" in (await browser.get("/sessions")).text


@pytest.mark.parametrize("named", ["globex", " globex "])
async def test_names_without_a_domain_sign_in_where_the_organisation_is_named(front: Reception, named: str):
    free = await front.installation.organization("globex", domain="example.org", addresses=Addresses.FREE)
    await front.person("ada", OTHER, organization=free)
    assert (await front.browser().sign_in("ada", OTHER)).status == 422
    assert (await front.browser().sign_in("ada", OTHER, organization=named)).status == 303


async def test_one_name_in_two_organisations_is_two_people(front: Reception):
    free = await front.installation.organization("globex", domain="example.org", addresses=Addresses.FREE)
    await front.person(ADA, PASSWORD)
    await front.person(ADA, OTHER, organization=free)
    assert (await front.browser().sign_in(ADA, PASSWORD)).status == 303
    assert (await front.browser().sign_in(ADA, OTHER)).status == 422
    assert (await front.browser().sign_in(ADA, OTHER, organization="globex")).status == 303
    assert (await front.browser().sign_in(ADA, PASSWORD, organization="globex")).status == 422


async def test_link_can_name_the_organisation(front: Reception):
    page = await front.browser().get("/signin?organization=globex")
    assert page.field("organization")["value"] == "globex"


# -- passwords that have to be changed -----------------------------------------


async def test_password_that_has_to_be_changed_leads_to_that_page_and_no_other(front: Reception):
    await front.person(must_change=True)
    browser = front.browser()
    await browser.sign_in()
    assert (await browser.get("/sessions")).location == "/password"
    page = await browser.get("/password")
    assert page.status == 200
    assert "Choose another one to go on" in page.main
    assert (await browser.submit("/signout")).status == 303


async def test_whoever_has_to_change_a_password_may_do_nothing_of_their_role(front: Reception):
    await front.person(must_change=True, roles=[{"value": "Admin Role"}])
    browser = front.browser()
    await browser.sign_in()
    may: list[bool] = []
    for _ in range(2):
        found = await sessions.caller(front.installation.database, browser.cookies[SESSION], front.hands())
        assert found is not None
        may.append(Permission.USERS_UPDATE in found.actor.permissions)
        await browser.submit("/password", current=PASSWORD, new=OTHER, again=OTHER)
    assert may == [False, True]


async def test_password_that_was_changed_leads_on(front: Reception):
    await front.person(must_change=True)
    browser = front.browser()
    await browser.sign_in()
    answer = await browser.submit("/password", current=PASSWORD, new=OTHER, again=OTHER)
    assert answer.status == 303
    assert await browser.is_signed_in()
    assert (await front.browser().sign_in(password=OTHER)).location == "/sessions"


async def test_password_that_is_too_old_for_the_profile_has_to_be_changed(
    front: Reception, connection: asyncpg.Connection
):
    await connection.execute("UPDATE organizations SET password_profile = 'pci' WHERE name = 'acme'")
    await front.person(password="seven small grey herons 7")
    front.hands.move(days=89)
    browser = front.browser()
    await browser.sign_in(password="seven small grey herons 7")
    assert await browser.is_signed_in()
    front.hands.move(days=1)
    browser = front.browser()
    await browser.sign_in(password="seven small grey herons 7")
    assert (await browser.get("/sessions")).location == "/password"


async def test_password_of_an_administrator_that_need_not_be_changed_is_used_in_time_once(front: Reception):
    await front.person(must_change=False)
    front.hands.move(hours=23)
    await front.browser().sign_in()
    front.hands.move(days=2)
    assert (await front.browser().sign_in()).status == 303


# -- the log -------------------------------------------------------------------


async def test_signing_in_is_on_record(front: Reception):
    ada = await front.person()
    await front.browser().sign_in()
    [logged] = await front.logged("session.sign_in")
    entry = logged.entry
    assert (entry["outcome"], entry["target"]["id"]) == ("success", str(ada.id))
    assert entry["actor"]["kind"] == "user"
    assert entry["actor"]["user"] == str(ada.id)
    assert [change["path"] for change in entry["changes"]] == ["session", "method"]
    assert logged.personal["changes.0.new"] == entry["actor"]["session"]
    assert (logged.personal["client"], logged.personal["target.display"]) == ("192.0.2.7", ADA)


async def test_secrets_are_in_no_row_in_clear(front: Reception, connection: asyncpg.Connection):
    await front.person()
    browser = front.browser()
    await browser.sign_in()
    tables = await connection.fetch(
        "SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind = 'r'"
    )
    rows = [
        str(row["text"])
        for table in tables
        for row in await connection.fetch(f"SELECT t::text AS text FROM {table['relname']} AS t")
    ]
    secrets = [PASSWORD, browser.cookies[SESSION], browser.cookies[DEVICE]]
    assert [secret for secret in secrets if any(secret in row for row in rows)] == []
