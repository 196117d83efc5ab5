"""Every endpoint and every verb: what is theirs answers like what never existed (RFC 7644, section 6).

The endpoints are those of the router, the protocol core's routes and the resource types, the verbs
all that HTTP has, the bodies made from `/Schemas`: what is added later is walked over too.
"""

from itertools import product
from typing import Any

import asyncpg
import pytest
from aiohttp import web

from scimserver.console.render import STATIC, Styles
from scimserver.scim.face import BASE_PATH
from tests.houses import METHODS, PATHS, THEIRS, Houses, questions_at, referring, said
from tests.houses import houses as houses
from tests.serving import BASE_URL, ENTERPRISE, Installation
from tests.twins import rows_of

OF_NOBODY = {"/healthz", "/readyz", "/metrics"}
"""What the application answers without a token: tests/api/test_isolation_records.py looks at it."""

OF_PEOPLE = {
    *("/signin", "/signout", "/recovery", "/forgot", "/reset", "/sessions"),
    *("/password", "/password/managed", "/help/passwords"),
    STATIC + Styles().name,
}
"""What people see: tests/console looks at it."""

OF_SAML = {f"/saml/{{connection}}/{name}" for name in ("metadata", "login", "try", "acs")}
"""Where identity providers send people: tests/console/test_saml_trial.py and test_saml_sign_in.py look."""

OF_PROGRAMS = {"/session", "/session/introspect"}
"""What the product's programs ask: tests/api/test_session_api.py looks at it."""


async def test_application_serves_what_is_walked_over(installation: Installation):
    app = installation.http.app
    assert isinstance(app, web.Application)
    served = {resource.canonical for resource in app.router.resources()}
    assert served == {BASE_PATH + "{tail}"} | OF_NOBODY | OF_PEOPLE | OF_SAML | OF_PROGRAMS


@pytest.mark.parametrize("path", PATHS)
async def test_theirs_answers_like_nobodys_and_stays_as_it_is(
    houses: Houses, connection: asyncpg.Connection, path: str
):
    before = await rows_of(connection, houses.theirs.organization)
    questions = list(questions_at(path, houses.kinds))
    assert {question.method for question in questions} == set(METHODS)
    assert await houses.differing(*questions) == []
    assert await rows_of(connection, houses.theirs.organization) == before


SEARCHED = [
    {"filter": 'id eq "<User>"'},
    {"filter": 'userName eq "<word>-userName"'},
    {"filter": 'emails[type eq "<word>-type"].value eq "<word>-value"'},
    {"filter": 'groups.value eq "<Group>"'},
    {"filter": 'members.value eq "<User>"'},
    {"filter": 'owner.value eq "<User>"'},
    {"filter": 'owner.display eq "<word>-displayName"'},
    {"filter": "userName pr or displayName pr"},
    {"count": "0"},
    {"attributes": "userName", "sortBy": "userName"},
]


@pytest.mark.parametrize("params", SEARCHED, ids=str)
async def test_searches_answer_for_theirs_as_for_nobodys(houses: Houses, params: dict[str, str]):
    told = [
        [
            (await scim.get(path, **aim.at(params))).text
            for aim, path, scim in product([aim], ("/", "/Users", "/Groups", "/Cases"), houses.ours)
        ]
        for aim in houses.aims
    ]
    assert told[0] == told[1]


@pytest.mark.parametrize("how", range(3), ids=["tolerant", "strict", "reviving"])
async def test_documents_of_theirs_may_be_ours_too(houses: Houses, how: int):
    for kind in houses.kinds:
        told = [
            await houses.ours[how].post(kind.endpoint, aim.at(kind.filled("<word>"))) for aim in houses.aims
        ]
        assert [answer.status for answer in told] == [201, 201]
        assert said(houses.aims[0], told[0]) == said(houses.aims[1], told[1])


async def test_former_user_of_theirs_is_not_revived(houses: Houses):
    made = await houses.ours[2].post("/Users", {"userName": f"{THEIRS}-gone"})
    assert made.status == 201
    [theirs] = (await houses.theirs.find(f'userName eq "{THEIRS}-gone"')).json["Resources"]
    assert (theirs["active"], theirs["id"] == made.id) == (False, False)


async def test_former_user_of_ours_is_revived_whoever_theirs_have(houses: Houses):
    former = await houses.ours[2].make_user(f"{THEIRS}-gone", active=False)
    revived = await houses.ours[2].post("/Users", {"userName": f"{THEIRS}-gone"})
    assert (revived.status, revived.json.get("id")) == (201, former.id)


PATCHES: list[dict[str, Any]] = [
    {"op": "add", "path": "members", "value": [{"value": "<User>"}]},
    {"op": "replace", "path": "members", "value": [{"value": "<User>"}]},
    {"op": "remove", "path": 'members[value eq "<User>"]'},
    {"op": "remove", "path": "members", "value": [{"value": "<User>"}]},
    {"op": "add", "value": {"members": [{"$ref": f"{BASE_URL}/Users/<User>"}]}},
    {"op": "replace", "path": f"{ENTERPRISE}:manager", "value": {"value": "<User>"}},
    {"op": "add", "path": f"{ENTERPRISE}:manager.value", "value": "<User>"},
    {"op": "replace", "value": {ENTERPRISE: {"manager": {"$ref": f"{BASE_URL}/Users/<User>"}}}},
    {"op": "replace", "path": "owner", "value": {"value": "<User>"}},
    {"op": "add", "path": "owner.value", "value": "<User>"},
    {"op": "replace", "path": "owner.$ref", "value": f"{BASE_URL}/Users/<User>"},
    {"op": "replace", "value": {"owner": {"$ref": f"{BASE_URL}/Users/<User>"}}},
]


def patched_by(patch: dict[str, Any]) -> tuple[str, str]:
    """The endpoint of what a patch is for, and the attribute that has to be there."""
    if "members" in str(patch):
        return "/Groups", "displayName"
    return ("/Cases", "subject") if "owner" in str(patch) else ("/Users", "userName")


async def test_patches_try_every_attribute_that_refers(houses: Houses):
    paths = {path for kind in houses.kinds for path, _ in referring(kind)}
    assert [path for path in paths if path.rpartition(":")[2] not in str(PATCHES)] == []


@pytest.mark.parametrize("patch", PATCHES, ids=str)
async def test_reference_to_theirs_is_patched_like_one_to_nobody(houses: Houses, patch: dict[str, Any]):
    endpoint, name = patched_by(patch)
    for scim in houses.ours:
        told: list[list[object]] = []
        for aim in houses.aims:
            mine = await scim.post(endpoint, {name: f"mine-{aim.word}"})
            answers = [await scim.patch(f"{endpoint}/{mine.id}", aim.at(patch))]
            answers.append(await scim.get(f"{endpoint}/{mine.id}"))
            told.append([said(aim, answer) for answer in answers])
            await scim.delete(f"{endpoint}/{mine.id}")
        assert told[0] == told[1]
