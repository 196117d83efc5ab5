"""Every page: sound, accessible markup (WCAG 2.2), nothing from elsewhere, no script, small."""

from collections.abc import AsyncGenerator
from itertools import pairwise

import pytest
import pytest_asyncio

from tests.federation import federation
from tests.people import OTHER, PASSWORD, Reception, Shown

LARGEST_PAGE = 60_000
LARGEST_SHEET = 25_000


@pytest_asyncio.fixture(loop_scope="session")
async def pages(front: Reception) -> AsyncGenerator[dict[str, Shown]]:
    """Each page, and each with errors."""
    managed, okta = front.browser(), await federation(front)
    await okta.managed("grace@example.com")
    await okta.arrive(managed, name_id="grace@example.com")
    ada = await front.person()
    stranger, browser = front.browser(), front.browser()
    await browser.sign_in()
    linked = front.browser()
    link = await linked.get(f"/reset?token={await front.link(ada)}")
    reset = await linked.follow(link)
    token = reset.field("token")["value"]
    yield {
        "sign in": await stranger.get("/signin"),
        "sign in, refused": await stranger.sign_in(password=OTHER),
        "sign in, empty": await stranger.submit("/signin"),
        "sign in, notice": await stranger.get("/signin?done=signed-out"),
        "recovery": await stranger.get("/recovery"),
        "recovery, refused": await stranger.submit("/recovery", address="x", password="y", code="1"),
        "recovery, empty": await stranger.submit("/recovery"),
        "forgot": await stranger.get("/forgot"),
        "forgot, refused": await stranger.submit("/forgot", address="x"),
        "forgot, sent": await stranger.get("/forgot?sent"),
        "reset": reset,
        "reset, refused": await linked.post("/reset", {"token": token, "new": "x", "again": "y"}),
        "dead link": await stranger.get("/reset"),
        "sessions": await browser.get("/sessions"),
        "password": await browser.get("/password"),
        "password, refused": await browser.submit("/password", current="x", new="y", again="z"),
        "password, managed": await managed.get("/password/managed"),
        "help": await stranger.get("/help/passwords"),
        "sign out": await browser.get("/signout"),
        "error": await front.browser(host="elsewhere.test").get("/signin"),
        "error, signed in": await browser.request("PUT", "/sessions"),
    }


async def test_pages_are_all_different(pages: dict[str, Shown]):
    assert {page.headers["Content-Type"] for page in pages.values()} == {"text/html; charset=utf-8"}
    assert len({page.text for page in pages.values()}) == len(pages)


async def test_pages_say_their_language_and_title(pages: dict[str, Shown]):
    for name, page in pages.items():
        assert page.text.startswith("<!doctype html>"), name
        assert page.all("html")[0]["lang"] == "en", name
        [heading] = page.all("h1")
        assert page.title.removeprefix("Error: ") == f"{heading.text} · scimserver", name
        assert ("refused" in name or "empty" in name) == page.title.startswith("Error: "), name


async def test_ids_are_unique_and_references_lead_somewhere(pages: dict[str, Shown]):
    for name, page in pages.items():
        ids = [each["id"] for each in page.elements if "id" in each.attributes]
        assert len(ids) == len(set(ids)), name
        referred = [
            target
            for each in page.elements
            for attribute in ("for", "aria-describedby", "aria-labelledby")
            for target in each[attribute].split()
        ]
        links = [each["href"][1:] for each in page.all("a") if each["href"].startswith("#")]
        assert {*referred, *links} <= set(ids), name


async def test_fields_have_a_label_and_say_what_goes_in(pages: dict[str, Shown]):
    for name, page in pages.items():
        labels = {each["for"]: each.text for each in page.all("label")}
        for field in page.all("input"):
            if field["type"] == "hidden":
                continue
            assert labels[field["id"]].strip(), name
            assert field["autocomplete"] not in ("", "off"), name
            assert ("required" in field.attributes) == ("(required)" in labels[field["id"]]), name
            assert "onpaste" not in field.attributes, name


async def test_buttons_and_links_say_what_they_do(pages: dict[str, Shown]):
    for name, page in pages.items():
        for each in (*page.all("button"), *page.all("a")):
            assert each.text.strip(), name


async def test_buttons_of_one_page_are_told_apart(pages: dict[str, Shown]):
    for name, page in pages.items():
        inside = [each.text for each in page.all("button") if "main" in each.inside]
        assert len(inside) == len(set(inside)), name


async def test_errors_are_summed_up_first_and_get_the_focus(pages: dict[str, Shown]):
    for name, page in pages.items():
        alerts = [each for each in page.elements if each["role"] == "alert"]
        assert len(alerts) == (1 if page.title.startswith("Error: ") else 0), name
        for alert in alerts:
            assert ("autofocus" in alert.attributes, alert["tabindex"]) == (True, "-1"), name
            fields = [page.elements.index(each) for each in page.all("input") if each["type"] != "hidden"]
            assert page.elements.index(alert) < min(fields), name


async def test_headings_step_down_one_by_one(pages: dict[str, Shown]):
    for name, page in pages.items():
        levels = [int(each.tag[1]) for each in page.elements if each.tag in ("h1", "h2", "h3")]
        assert levels[0] == 1, name
        assert all(after <= before + 1 for before, after in pairwise(levels)), name


async def test_pages_have_landmarks_and_a_way_past_them(pages: dict[str, Shown]):
    for name, page in pages.items():
        assert len(page.all("main")) == 1, name
        first = next(each for each in page.elements if each.tag in ("a", "input", "button"))
        assert (first.tag, first["href"]) == ("a", "#main"), name


async def test_pages_hold_no_script_no_style_and_nothing_from_elsewhere(pages: dict[str, Shown]):
    for name, page in pages.items():
        assert page.all("script") + page.all("style") + page.all("iframe") + page.all("object") == [], name
        for each in page.elements:
            assert [key for key in each.attributes if key.startswith("on") or key == "style"] == [], name
            for attribute in ("href", "src", "action"):
                target = each[attribute]
                # A link leads nowhere by itself; one to elsewhere does not say where it was followed.
                if (each.tag, attribute, each["rel"]) == ("a", "href", "noreferrer"):
                    continue
                assert target == "" or target[0] in "/#" or target == "data:,", (name, target)
                assert not target.startswith("//"), name


async def test_forms_are_sent_to_ourselves_with_their_token(pages: dict[str, Shown]):
    for name, page in pages.items():
        forms = page.all("form")
        assert {(each["method"], each["action"][:1]) for each in forms} <= {("post", "/")}, name
        tokens = [each for each in page.all("input") if each["name"] == "token" and each["value"]]
        assert len(tokens) == len(forms), name


async def test_pages_are_small(front: Reception, pages: dict[str, Shown]):
    assert max(len(page.text.encode()) for page in pages.values()) <= LARGEST_PAGE
    sheet = next(each["href"] for each in pages["forgot"].all("link") if each["rel"] == "stylesheet")
    assert len((await front.browser().get(sheet)).text.encode()) <= LARGEST_SHEET


@pytest.mark.parametrize("name", ["sign in, refused", "password, refused", "reset, refused"])
async def test_passwords_are_never_given_back(pages: dict[str, Shown], name: str):
    secrets = [each for each in pages[name].all("input") if each["type"] == "password"]
    assert secrets
    assert [each["value"] for each in secrets if each["value"]] == []
    assert PASSWORD not in pages[name].text
