"""Rendering by example: what is spliced into stored bytes, and what the tag says of it."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import orjson
import pytest

from scimserver.directory.users.model import ENTERPRISE, Document, arranged, encoded
from scimserver.directory.views import Reference, View
from scimserver.kernel.ids import UserId
from scimserver.scim.render import Renderer, resource_version, timestamp

BASE = "https://scim.test/scim/v2"
ANNA = UUID("0190b4f0-0000-7000-8000-00000000000a")
BOSS = UUID("0190b4f0-0000-7000-8000-00000000000b")
GROUP = UUID("0190b4f0-0000-7000-8000-00000000000c")
NOON = datetime(2026, 1, 2, 12, 0, 0, 5_000, UTC)
RENDERER = Renderer(BASE)
SUPPORT = Reference(id=GROUP, name="Support")
BO = Reference(id=BOSS, name="Bo")


def view(document: Document | None = None, **more: Any) -> View:
    """A user as read."""
    stored = encoded(arranged({"userName": "anna@example.com", **(document or {})}, UserId(ANNA)))
    fields: dict[str, Any] = {
        "id": ANNA,
        "version": 3,
        "created": NOON,
        "last_modified": NOON,
        "stored": stored,
    }
    return View(**(fields | more))


def managed(**extension: Any) -> Document:
    """A document with a manager."""
    return {ENTERPRISE: {"manager": {"value": str(BOSS)}, **extension}}


def test_user_is_answered_with_meta_last():
    body = orjson.loads(RENDERER.user(view()).body)
    assert body["meta"] == {
        "resourceType": "User",
        "created": "2026-01-02T12:00:00.005Z",
        "lastModified": "2026-01-02T12:00:00.005Z",
        "location": f"{BASE}/Users/{ANNA}",
        "version": 'W/"3"',
    }
    assert list(body)[-1] == "meta"


def test_headers_agree_with_meta():
    rendered = RENDERER.user(view(related=(SUPPORT,)))
    meta = orjson.loads(rendered.body)["meta"]
    assert (rendered.etag, rendered.location) == (meta["version"], meta["location"])


def test_user_shows_groups():
    assert orjson.loads(RENDERER.user(view(related=(SUPPORT,))).body)["groups"] == [
        {"value": str(GROUP), "$ref": f"{BASE}/Groups/{GROUP}", "type": "direct", "display": "Support"}
    ]


@pytest.mark.parametrize("extension", [{}, {"department": "}}}"}, {"division": '{"a":{"b":{}}}'}])
def test_user_shows_who_the_manager_is(extension: dict[str, Any]):
    body = orjson.loads(RENDERER.user(view(managed(**extension), manager=BO)).body)
    assert body[ENTERPRISE] == {
        **extension,
        "manager": {"value": str(BOSS), "$ref": f"{BASE}/Users/{BOSS}", "displayName": "Bo"},
    }


def test_manager_without_a_name_is_shown_without():
    body = orjson.loads(RENDERER.user(view(managed(), manager=Reference(id=BOSS, name=None))).body)
    assert body[ENTERPRISE]["manager"] == {"value": str(BOSS), "$ref": f"{BASE}/Users/{BOSS}"}


def test_manager_who_is_nobody_is_shown_as_stored():
    body = orjson.loads(RENDERER.user(view(managed())).body)
    assert body[ENTERPRISE]["manager"] == {"value": str(BOSS)}


def test_group_shows_members():
    rendered = RENDERER.group(view(related=(Reference(id=ANNA, name=None),)))
    assert orjson.loads(rendered.body)["members"] == [
        {"value": str(ANNA), "$ref": f"{BASE}/Users/{ANNA}", "type": "User"}
    ]


@pytest.mark.parametrize("render", [RENDERER.user, RENDERER.group])
def test_nothing_derived_adds_nothing(render: Callable[[View], Any]):
    body = orjson.loads(render(view()).body)
    assert not {"groups", "members"} & body.keys()


CHANGES = [
    {"version": 4},
    {"related": (SUPPORT,)},
    {"related": (Reference(id=GROUP, name="Renamed"),)},
    {"related": (Reference(id=BOSS, name="Support"),)},
    {"manager": BO},
    {"manager": Reference(id=BOSS, name="Renamed")},
]


def test_tag_tells_every_change_apart():
    document = managed()
    tags = {RENDERER.user(view(document, **change)).etag for change in ({}, *CHANGES)}
    assert len(tags) == len(CHANGES) + 1


@pytest.mark.parametrize("change", CHANGES)
def test_same_view_has_the_same_tag(change: dict[str, Any]):
    assert RENDERER.user(view(**change)).etag == RENDERER.user(view(**change)).etag


@pytest.mark.parametrize(
    "tag,version",
    [
        ('W/"12"', "12"),
        ('W/"12-0a1b2c3d"', "12"),
        ('"12"', "12"),
        ("12", "12"),
        ("12-0a1b2c3d", "12"),
        ("", ""),
    ],
)
def test_version_of_a_tag_is_that_of_the_row(tag: str, version: str):
    assert resource_version(tag) == version


@pytest.mark.parametrize(
    "moment,text",
    [
        (datetime(2026, 1, 2, tzinfo=UTC), "2026-01-02T00:00:00.000Z"),
        (datetime(2026, 12, 31, 23, 59, 59, 999_000, UTC), "2026-12-31T23:59:59.999Z"),
    ],
)
def test_timestamp_is_to_the_millisecond_in_utc(moment: datetime, text: str):
    assert timestamp(moment) == text
