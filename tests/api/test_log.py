"""The provisioning log (rule P10): each attempt to change leaves one entry, whatever becomes of it."""

from collections.abc import Callable
from typing import Any

import asyncpg
import pytest

from scimserver.app import TIDYING
from scimserver.audit.store import Logged
from scimserver.db.pool import Database
from scimserver.kernel.ids import INSTALLATION, OrganizationId
from tests import serving
from tests.serving import ENTERPRISE, PATCH_OP, Answer, Installation, ScimClient, add, remove, replace

UNKNOWN = "0190b4f0-0000-7000-8000-000000000000"


def changes(logged: Logged) -> dict[str, tuple[Any, Any]]:
    """Old and new value of each path, as the personal values tell them."""
    return {
        change["path"]: (
            logged.personal.get(f"changes.{index}.old"),
            logged.personal.get(f"changes.{index}.new"),
        )
        for index, change in enumerate(logged.entry.get("changes", []))
    }


async def entries_of(installation: Installation, answer: Answer, organization: OrganizationId) -> list[Logged]:
    """What one request left, found by its id."""
    return await installation.log(organization, request_id=answer.headers["X-Request-Id"])


class Attempts:
    """Makes the user and the group that attempts are aimed at."""

    def __init__(self, scim: ScimClient, user: Answer, group: Answer) -> None:
        self.scim = scim
        self.user, self.group = f"/Users/{user.id}", f"/Groups/{group.id}"
        self.member = user.id

    async def patch_users(self, *operations: dict[str, Any]) -> Answer:
        return await self.scim.patch(self.user, *operations)

    async def patch_groups(self, *operations: dict[str, Any]) -> Answer:
        return await self.scim.patch(self.group, *operations)


@pytest.fixture
def attempts() -> Callable[[ScimClient], Any]:
    """Makes the targets of attempts."""

    async def made(scim: ScimClient) -> Attempts:
        user = await scim.make_user("anna@example.com", title="Agent")
        return Attempts(scim, user, await scim.make_group("Support", user.id))

    return made


Row = tuple[str, str, str, str | None, str, str]
"""Method, path (`U` and `G` are the targets), body, reason, event, outcome."""

DONE: list[tuple[str, str, Any, str]] = [
    ("POST", "/Users", {"userName": "bo@example.com"}, "user.create"),
    ("PUT", "U", {"userName": "anna@example.com", "title": "Lead"}, "user.update"),
    ("PATCH", "U", [replace("title", "Lead")], "user.update"),
    ("PATCH", "U", [replace("active", False)], "user.deactivate"),
    ("POST", "/Groups", {"displayName": "Sales"}, "group.create"),
    ("PUT", "G", {"displayName": "Sales"}, "group.update"),
    ("PATCH", "G", [remove("members")], "group.update"),
    ("DELETE", "G", None, "group.delete"),
]
UNCHANGED: list[tuple[str, str, Any, str]] = [
    ("PUT", "U", {"userName": "anna@example.com", "title": "Agent"}, "user.update"),
    ("PATCH", "U", [replace("title", "Agent")], "user.update"),
    ("PATCH", "G", [replace("displayName", "Support")], "group.update"),
]
REFUSED: list[tuple[str, str, Any, str, str, int]] = [
    ("POST", "/Users", {"userName": "anna@example.com"}, "user.create", "already_taken", 409),
    ("POST", "/Users", {"userName": "bo@elsewhere.test"}, "user.create", "domain_not_allowed", 400),
    ("POST", "/Users", {"title": "x"}, "user.create", "invalidValue", 400),
    ("POST", "/Users", "not an object", "user.create", "invalidSyntax", 400),
    ("PUT", "U", {"userName": ""}, "user.update", "invalidValue", 400),
    ("PATCH", "U", [replace("timezone", "Mars")], "user.update", "invalid_value", 400),
    ("PATCH", "U", [replace("id", "x")], "user.update", "mutability", 400),
    ("PATCH", f"/Users/{UNKNOWN}", [replace("title", "x")], "user.update", "not_found", 404),
    ("DELETE", f"/Users/{UNKNOWN}", None, "user.delete", "not_found", 404),
    ("POST", "/Groups", {"displayName": "S", "members": [{"value": "x"}]}, "group.create", "invalid_value", 400),
    ("PATCH", "G", [add("members", [{"value": UNKNOWN}])], "group.update", "invalid_value", 400),
    ("PUT", f"/Groups/{UNKNOWN}", {"displayName": "S"}, "group.update", "not_found", 404),
    ("DELETE", f"/Groups/{UNKNOWN}", None, "group.delete", "not_found", 404),
    ("DELETE", "/Users", None, "user.delete", "http_405", 405),
    ("POST", "/Nothing", {}, "request.refuse", "http_404", 404),
    ("POST", "/Me", {}, "request.refuse", "http_403", 403),
    ("POST", "/Bulk", {}, "request.refuse", "http_501", 501),
]


async def attempted(targets: Attempts, method: str, path: str, body: Any) -> Answer:
    """Make the attempt of a row."""
    path = {"U": targets.user, "G": targets.group}.get(path, path)
    if method == "PATCH":
        body = {"schemas": [PATCH_OP], "Operations": body}
    return await targets.scim.request(method, path, body)


@pytest.mark.parametrize("method,path,body,event", DONE)
async def test_success_leaves_one_entry(
    installation: Installation, scim: ScimClient, attempts: Any, method: str, path: str, body: Any, event: str
):
    answer = await attempted(await attempts(scim), method, path, body)
    assert answer.status < 300, answer.text
    [logged] = await entries_of(installation, answer, scim.organization)
    assert (logged.entry["event"], logged.entry["outcome"]) == (event, "success")
    assert "reason" not in logged.entry


@pytest.mark.parametrize("method,path,body,event", UNCHANGED)
async def test_attempt_without_effect_leaves_one_entry(
    installation: Installation, scim: ScimClient, attempts: Any, method: str, path: str, body: Any, event: str
):
    answer = await attempted(await attempts(scim), method, path, body)
    assert answer.status < 300, answer.text
    [logged] = await entries_of(installation, answer, scim.organization)
    assert (logged.entry["event"], logged.entry["outcome"]) == (event, "noop")
    assert changes(logged) == {}


@pytest.mark.parametrize("method,path,body,event,reason,status", REFUSED)
async def test_refusal_leaves_one_entry_with_its_reason(
    installation: Installation,
    scim: ScimClient,
    attempts: Any,
    method: str,
    path: str,
    body: Any,
    event: str,
    reason: str,
    status: int,
):
    answer = await attempted(await attempts(scim), method, path, body)
    [logged] = await entries_of(installation, answer, scim.organization)
    entry = logged.entry
    assert (entry["event"], entry["outcome"], entry["reason"]) == (event, "failure", reason)
    assert entry["status"] == answer.status == status
    assert logged.personal["detail"] == answer.json["detail"]


async def test_deleting_a_user_leaves_an_entry_for_each_thing_that_changed(
    installation: Installation, scim: ScimClient, attempts: Any
):
    targets = await attempts(scim)
    answer = await scim.delete(targets.user)
    logged = await entries_of(installation, answer, scim.organization)
    assert {entry.entry["event"]: entry.entry["target"]["id"] for entry in logged} == {
        "group.update": targets.group.rpartition("/")[2],
        "user.delete": targets.member,
    }


@pytest.mark.parametrize("path", ["/Users", "/Groups", "/Schemas", "/Users/.search", "U", "/Nothing"])
async def test_reads_leave_no_entry(
    installation: Installation, scim: ScimClient, attempts: Any, path: str
):
    method = "POST" if path.endswith(".search") else "GET"
    answer = await attempted(await attempts(scim), method, path, {} if method == "POST" else None)
    assert await entries_of(installation, answer, scim.organization) == []


async def test_entry_says_who_and_with_which_credential(installation: Installation, scim: ScimClient):
    answer = await scim.make_user()
    [logged] = await entries_of(installation, answer, scim.organization)
    tokens = await installation.database.fetch(_query("SELECT id FROM api_tokens"))
    assert logged.entry["actor"] == {
        "kind": "connection",
        "name": scim.connection.name,
        "connection": str(scim.connection.id),
        "credential": str(tokens[0]["id"]),
    }


async def test_entry_says_which_request_it_was(installation: Installation, scim: ScimClient):
    answer = await scim.request(
        "POST",
        "/Users",
        {"userName": "anna@example.com"},
        headers={"X-Request-Id": "request-0001", "User-Agent": "Okta SCIM Client 1.0.0"},
    )
    assert answer.headers["X-Request-Id"] == "request-0001"
    [logged] = await entries_of(installation, answer, scim.organization)
    request = logged.entry["request"]
    assert request["id"] == "request-0001"
    assert request["user_agent"] == "Okta SCIM Client 1.0.0"
    assert (request["method"], request["path"]) == ("POST", "/Users")
    assert logged.personal["client"] == "127.0.0.1"


@pytest.mark.parametrize("sent", ["short", "has spaces in it", "a" * 129, "ä-request-id"])
async def test_request_id_that_is_not_sound_is_replaced(scim: ScimClient, sent: str):
    answer = await scim.request("GET", "/Users", headers={"X-Request-Id": sent})
    assert answer.headers["X-Request-Id"] != sent


@pytest.mark.parametrize("outcome", ["success", "failure", "noop"])
async def test_entry_says_what_was_gone_through_and_how_long_it_took(
    installation: Installation, scim: ScimClient, attempts: Any, outcome: str
):
    targets = await attempts(scim)
    value = {"success": "Asia/Tokyo", "failure": "Mars", "noop": "Europe/Berlin"}[outcome]
    answer = await targets.patch_users(replace("timezone", value))
    [logged] = await entries_of(installation, answer, scim.organization)
    steps = logged.entry["steps"]
    assert [step[0] for step in steps] == [
        "authenticate",
        "receive",
        "authorize",
        "read",
        "match",
        "apply",
        "rules",
    ]
    assert [step[1] for step in steps[:-1]] == ["success"] * 6
    assert steps[-1][1] == ("failure" if outcome == "failure" else "success")
    assert logged.entry["microseconds"] >= sum(step[2] for step in steps) >= 0


async def test_entry_names_its_target(installation: Installation, scim: ScimClient, attempts: Any):
    targets = await attempts(scim)
    answer = await targets.patch_users(replace("title", "Lead"))
    [logged] = await entries_of(installation, answer, scim.organization)
    assert (logged.entry["target"]["kind"], logged.entry["target"]["id"]) == ("User", targets.member)
    assert logged.personal["target.display"] == "anna@example.com"


async def test_refused_attempt_names_its_target(
    installation: Installation, scim: ScimClient, attempts: Any
):
    targets = await attempts(scim)
    answer = await targets.patch_users(replace("id", "x"))
    [logged] = await entries_of(installation, answer, scim.organization)
    assert logged.entry["target"] == {"kind": "User", "id": targets.member}


CHANGED: list[tuple[dict[str, Any], dict[str, tuple[Any, Any]]]] = [
    (replace("title", "Lead"), {"title": ("Agent", "Lead")}),
    (remove("title"), {"title": ("Agent", None)}),
    (add("name", {"givenName": "Anna"}), {"name.givenName": (None, "Anna")}),
    (replace("active", False), {"active": (True, False)}),
    (add(f"{ENTERPRISE}:department", "Care"), {f"{ENTERPRISE}:department": (None, "Care")}),
    (
        add("phoneNumbers", [{"value": "1"}]),
        {"phoneNumbers": (None, [{"value": "1"}])},
    ),
]


@pytest.mark.parametrize("operation,expected", CHANGED)
async def test_entry_says_what_changed_from_what_to_what(
    installation: Installation,
    scim: ScimClient,
    attempts: Any,
    operation: dict[str, Any],
    expected: dict[str, tuple[Any, Any]],
):
    answer = await (await attempts(scim)).patch_users(operation)
    [logged] = await entries_of(installation, answer, scim.organization)
    assert changes(logged) == expected


@pytest.mark.parametrize(
    "operations,old,new",
    [
        ([add("members", "more")], None, "more"),
        ([remove("members")], "anna", None),
        ([replace("members", "more")], "anna", "more"),
    ],
)
async def test_entry_of_a_group_says_who_joined_and_left(
    installation: Installation,
    scim: ScimClient,
    attempts: Any,
    operations: list[dict[str, Any]],
    old: str | None,
    new: str | None,
):
    targets = await attempts(scim)
    ids = {"anna": targets.member, "more": (await scim.make_user()).id}
    sent = [
        {**operation, "value": [{"value": ids["more"]}]} if "value" in operation else operation
        for operation in operations
    ]
    answer = await targets.patch_groups(*sent)
    [logged] = await entries_of(installation, answer, scim.organization)
    said = [change for change in changes(logged).items()]
    listed = [(path, before, after) for path, (before, after) in said]
    assert all(path == "members" for path, _, _ in listed)
    assert [before for _, before, _ in listed if before] == ([[{"value": ids[old]}]] if old else [])
    assert [after for _, _, after in listed if after] == ([[{"value": ids[new]}]] if new else [])


async def test_refused_address_is_on_record_beside_the_old_one(
    installation: Installation, scim: ScimClient, attempts: Any
):
    answer = await (await attempts(scim)).patch_users(replace("userName", "anna@elsewhere.test"))
    [logged] = await entries_of(installation, answer, scim.organization)
    assert changes(logged)["userName"] == ("anna@example.com", "anna@elsewhere.test")


@pytest.mark.parametrize("body", [{"displayName": "Sales", "members": [{"value": UNKNOWN}]}])
async def test_refused_group_is_on_record_with_what_was_asked(
    installation: Installation, scim: ScimClient, body: dict[str, Any]
):
    answer = await scim.post("/Groups", body)
    [logged] = await entries_of(installation, answer, scim.organization)
    assert logged.personal["target.display"] == "Sales"
    assert changes(logged)["displayName"] == (None, "Sales")


@pytest.mark.parametrize(
    "trusted,forwarded,client",
    [
        ("", "203.0.113.7", "127.0.0.1"),
        ("10.0.0.0/8", "203.0.113.7", "127.0.0.1"),
        ("127.0.0.0/8", "203.0.113.7", "203.0.113.7"),
        ("127.0.0.0/8", "198.51.100.1, 203.0.113.7", "203.0.113.7"),
        ("127.0.0.0/8,203.0.113.0/24", "198.51.100.1, 203.0.113.7", "198.51.100.1"),
        ("127.0.0.0/8", "2001:db8::7", "2001:db8::7"),
        ("127.0.0.0/8", "", "127.0.0.1"),
        ("127.0.0.0/8", "<script>", None),
    ],
)
async def test_client_address_is_taken_from_trusted_proxies_only(
    database: Database, trusted: str, forwarded: str, client: str | None
):
    async with serving.running(database, trusted_proxies=trusted) as installation:
        scim = await installation.client(await installation.organization())
        answer = await scim.request(
            "POST",
            "/Users",
            {"userName": "anna@example.com"},
            headers={"X-Forwarded-For": forwarded} if forwarded else {},
        )
        [logged] = await entries_of(installation, answer, scim.organization)
    assert logged.personal.get("client") == client


async def test_refused_credentials_are_listed_once_and_then_counted(
    installation: Installation, scim: ScimClient
):
    for _ in range(50):
        assert (await scim.request("GET", "/Users", headers={"Authorization": "Bearer wrong"})).status == 401
    [first] = await installation.log(INSTALLATION)
    await installation.http.app[TIDYING].once(last=True)
    [_, rest] = await installation.log(INSTALLATION)
    assert (first.entry["event"], first.entry["outcome"]) == ("credential.refuse", "failure")
    assert (first.entry["count"], rest.entry["count"]) == (1, 49)


async def test_refused_credential_names_no_organization(installation: Installation, scim: ScimClient):
    answer = await scim.request("POST", "/Users", {}, headers={"Authorization": "Bearer wrong"})
    assert await installation.log(scim.organization) == []
    [logged] = await installation.log(INSTALLATION, request_id=answer.headers["X-Request-Id"])
    assert logged.entry["actor"]["kind"] == "nobody"


async def test_personal_data_stands_apart_from_the_entries(
    installation: Installation, scim: ScimClient, attempts: Any
):
    targets = await attempts(scim)
    await targets.patch_users(replace("displayName", "Anna Berg"), replace("userName", "anna@elsewhere.test"))
    await targets.patch_users(replace("displayName", "Anna Berg"))
    await scim.delete(targets.user)
    rows = await installation.database.fetch(_query("SELECT entry FROM log_entries"))
    text = "\n".join(row["entry"] for row in rows)
    for personal in ("anna@", "Anna", "Agent", "127.0.0.1", "elsewhere"):
        assert personal not in text


def _query(text: Any) -> Any:
    from scimserver.db.queries import Query  # noqa: PLC0415 - placeholder

    return Query("tests", "For a test.", text)
