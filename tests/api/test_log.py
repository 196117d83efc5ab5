"""The provisioning log (rule P10): each attempt to change leaves one entry, whatever becomes of it."""

from dataclasses import dataclass
from typing import Any

import pytest
import pytest_asyncio

from scimserver.audit.store import Logged
from tests.serving import ENTERPRISE, PATCH_OP, Answer, Installation, ScimClient, add, remove, replace

UNKNOWN = "0190b4f0-0000-7000-8000-000000000000"
MANY = [{"value": UNKNOWN}]

Attempt = tuple[str, str, Any]
"""A method, a path (`U` and `G` are the targets), and a body or the operations of a PATCH."""

DONE: list[tuple[Attempt, str]] = [
    (("POST", "/Users", {"userName": "bo@example.com"}), "user.create"),
    (("PUT", "U", {"userName": "anna@example.com", "title": "Lead"}), "user.update"),
    (("PATCH", "U", [replace("title", "Lead")]), "user.update"),
    (("PATCH", "U", [replace("active", False)]), "user.deactivate"),
    (("POST", "/Groups", {"displayName": "Sales"}), "group.create"),
    (("PUT", "G", {"displayName": "Sales"}), "group.update"),
    (("PATCH", "G", [remove("members")]), "group.update"),
    (("DELETE", "G", None), "group.delete"),
]
UNCHANGED: list[tuple[Attempt, str]] = [
    (("PUT", "U", {"userName": "anna@example.com", "title": "Agent"}), "user.update"),
    (("PATCH", "U", [replace("title", "Agent")]), "user.update"),
    (("PATCH", "G", [replace("displayName", "Support")]), "group.update"),
]
REFUSED: list[tuple[Attempt, str, str, int]] = [
    (("POST", "/Users", {"userName": "anna@example.com"}), "user.create", "already_taken", 409),
    (("POST", "/Users", {"userName": "bo@elsewhere.test"}), "user.create", "domain_not_allowed", 400),
    (("POST", "/Users", {"title": "x"}), "user.create", "invalid_value", 400),
    (("POST", "/Users", "not an object"), "user.create", "invalid_syntax", 400),
    (("PUT", "U", {"userName": ""}), "user.update", "invalid_value", 400),
    (("PATCH", "U", [replace("timezone", "Mars")]), "user.update", "invalid_value", 400),
    (("PATCH", "U", [replace("id", "x")]), "user.update", "mutability", 400),
    (("PATCH", "U", [replace("userName", "bo@elsewhere.test")]), "user.update", "domain_not_allowed", 400),
    (("PATCH", f"/Users/{UNKNOWN}", [replace("title", "x")]), "user.update", "not_found", 404),
    (("PUT", f"/Users/{UNKNOWN}", {"userName": "a@example.com"}), "user.update", "not_found", 404),
    (("DELETE", f"/Users/{UNKNOWN}", None), "user.delete", "not_found", 404),
    (("POST", "/Groups", {"displayName": "S", "members": MANY}), "group.create", "invalid_value", 400),
    (("PATCH", "G", [add("members", MANY)]), "group.update", "invalid_value", 400),
    (("PUT", f"/Groups/{UNKNOWN}", {"displayName": "S"}), "group.update", "not_found", 404),
    (("DELETE", f"/Groups/{UNKNOWN}", None), "group.delete", "not_found", 404),
    (("DELETE", "/Users", None), "user.delete", "http_405", 405),
    (("POST", "/Nothing", {}), "request.refuse", "http_404", 404),
    (("POST", "/Me", {}), "request.refuse", "http_403", 403),
    (("POST", "/Bulk", {}), "request.refuse", "http_501", 501),
]


@dataclass(frozen=True, slots=True)
class Targets:
    """A user in a group, what is attempted with them, and what that leaves in the log."""

    installation: Installation
    scim: ScimClient
    user: Answer
    group: Answer

    async def attempt(self, method: str, path: str, body: Any = None) -> Answer:
        """Make an attempt."""
        known = {"U": f"/Users/{self.user.id}", "G": f"/Groups/{self.group.id}"}
        if method == "PATCH":
            body = {"schemas": [PATCH_OP], "Operations": body}
        return await self.scim.request(method, known.get(path, path), body)

    async def entries(self, answer: Answer) -> list[Logged]:
        """What the answered request left."""
        return await self.installation.log(self.scim.organization, request_id=answer.headers["X-Request-Id"])

    async def entry(self, method: str, path: str, body: Any = None) -> Logged:
        """Make an attempt: the one entry that it leaves."""
        [logged] = await self.entries(await self.attempt(method, path, body))
        return logged


@pytest_asyncio.fixture(loop_scope="session")
async def targets(installation: Installation, scim: ScimClient) -> Targets:
    """What attempts are aimed at."""
    user = await scim.make_user("anna@example.com", title="Agent")
    return Targets(installation, scim, user, await scim.make_group("Support", user.id))


def changes(logged: Logged) -> list[tuple[str, Any, Any]]:
    """Each path with its old and new value, as the personal values tell them."""
    return [
        (
            change["path"],
            logged.personal.get(f"changes.{index}.old"),
            logged.personal.get(f"changes.{index}.new"),
        )
        for index, change in enumerate(logged.entry.get("changes", []))
    ]


@pytest.mark.parametrize("attempt,event", DONE)
async def test_success_leaves_one_entry(targets: Targets, attempt: Attempt, event: str):
    entry = (await targets.entry(*attempt)).entry
    assert (entry["event"], entry["outcome"]) == (event, "success")
    assert "reason" not in entry


@pytest.mark.parametrize("attempt,event", UNCHANGED)
async def test_attempt_without_effect_leaves_one_entry(targets: Targets, attempt: Attempt, event: str):
    logged = await targets.entry(*attempt)
    assert (logged.entry["event"], logged.entry["outcome"]) == (event, "noop")
    assert changes(logged) == []


@pytest.mark.parametrize("attempt,event,reason,status", REFUSED)
async def test_refusal_leaves_one_entry_with_its_reason(
    targets: Targets, attempt: Attempt, event: str, reason: str, status: int
):
    answer = await targets.attempt(*attempt)
    [logged] = await targets.entries(answer)
    entry = logged.entry
    assert (entry["event"], entry["outcome"], entry["reason"]) == (event, "failure", reason)
    assert entry["status"] == answer.status == status
    assert logged.personal["detail"] == answer.json["detail"]


async def test_deleting_a_user_leaves_an_entry_for_each_thing_that_changed(targets: Targets):
    logged = await targets.entries(await targets.attempt("DELETE", "U"))
    assert {entry.entry["event"]: entry.entry["target"]["id"] for entry in logged} == {
        "group.update": targets.group.id,
        "user.delete": targets.user.id,
    }


@pytest.mark.parametrize(
    "method,path",
    [
        ("GET", "/Users"),
        ("GET", "U"),
        ("GET", "/Schemas"),
        ("GET", "/Nothing"),
        ("POST", "/Users/.search"),
        ("POST", "/.search"),
    ],
)
async def test_reads_leave_no_entry(targets: Targets, method: str, path: str):
    answer = await targets.attempt(method, path, {} if method == "POST" else None)
    assert await targets.entries(answer) == []


@pytest.mark.parametrize("value,outcome", [("Asia/Tokyo", "success"), ("Mars", "failure")])
async def test_entry_says_what_was_gone_through_and_how_long_it_took(
    targets: Targets, value: str, outcome: str
):
    entry = (await targets.entry("PATCH", "U", [replace("timezone", value)])).entry
    *before, last = [(name, ended) for name, ended, _ in entry["steps"]]
    assert before == [
        (name, "success") for name in ("authenticate", "receive", "authorize", "read", "match", "apply")
    ]
    assert last == ("rules", outcome)
    assert entry["microseconds"] >= sum(took for _, _, took in entry["steps"]) > 0


@pytest.mark.parametrize(
    "attempt,step",
    [
        (("POST", "/Users", "not an object"), "read"),
        (("PATCH", f"/Users/{UNKNOWN}", [replace("title", "x")]), "match"),
        (("DELETE", f"/Users/{UNKNOWN}", None), "match"),
        (("PATCH", "U", [replace("id", "x")]), "read"),
        (("POST", "/Users", {"userName": "bo@elsewhere.test"}), "rules"),
    ],
)
async def test_entry_of_a_refusal_says_at_which_step_it_failed(targets: Targets, attempt: Attempt, step: str):
    entry = (await targets.entry(*attempt)).entry
    assert [name for name, ended, _ in entry["steps"] if ended == "failure"] == [step]


@pytest.mark.parametrize("value", ["Lead", "Agent"])
async def test_entry_names_its_target(targets: Targets, value: str):
    logged = await targets.entry("PATCH", "U", [replace("title", value)])
    assert (logged.entry["target"]["kind"], logged.entry["target"]["id"]) == ("User", targets.user.id)
    assert logged.personal["target.display"] == "anna@example.com"


async def test_entry_of_a_refused_change_names_its_target(targets: Targets):
    logged = await targets.entry("PATCH", "U", [replace("id", "x")])
    assert logged.entry["target"] == {"kind": "User", "id": targets.user.id}


CHANGED: list[tuple[Attempt, list[tuple[str, Any, Any]]]] = [
    (("PATCH", "U", [replace("title", "Lead")]), [("title", "Agent", "Lead")]),
    (("PATCH", "U", [remove("title")]), [("title", "Agent", None)]),
    (("PATCH", "U", [add("name", {"givenName": "Anna"})]), [("name.givenName", None, "Anna")]),
    (("PATCH", "U", [replace("active", False)]), [("active", True, False)]),
    (
        ("PATCH", "U", [add(f"{ENTERPRISE}:department", "Care")]),
        [(f"{ENTERPRISE}:department", None, "Care")],
    ),
    (
        ("PATCH", "U", [add("phoneNumbers", [{"value": "1"}])]),
        [("phoneNumbers", None, [{"value": "1"}])],
    ),
    (
        ("PATCH", "U", [replace("userName", "anna@elsewhere.test")]),
        [("userName", "anna@example.com", "anna@elsewhere.test")],
    ),
    (("PUT", "G", {"displayName": "Sales", "members": MANY}), [("displayName", "Support", "Sales")]),
    (("PATCH", "G", [replace("displayName", "Sales")]), [("displayName", "Support", "Sales")]),
]


@pytest.mark.parametrize("attempt,expected", CHANGED)
async def test_entry_says_what_changed_or_would_have_from_what_to_what(
    targets: Targets, attempt: Attempt, expected: list[tuple[str, Any, Any]]
):
    said = changes(await targets.entry(*attempt))
    assert [change for change in said if change[0] != "members"] == expected


@pytest.mark.parametrize("verb", ["add", "remove", "replace"])
async def test_entry_of_a_group_says_who_joined_and_who_left(targets: Targets, verb: str):
    other = await targets.scim.make_user()
    operation = {"op": verb, "path": "members"} | (
        {} if verb == "remove" else {"value": [{"value": other.id}]}
    )
    logged = await targets.entry("PATCH", "G", [operation])
    joined = ("members", None, [{"value": other.id}])
    left = ("members", [{"value": targets.user.id}], None)
    assert changes(logged) == {"add": [joined], "remove": [left], "replace": [joined, left]}[verb]


async def test_entry_of_a_refused_member_says_whom(targets: Targets):
    logged = await targets.entry("POST", "/Groups", {"displayName": "Sales", "members": MANY})
    assert changes(logged) == [("displayName", None, "Sales"), ("members", None, MANY)]
    assert logged.personal["target.display"] == "Sales"


async def test_entry_of_a_creation_holds_every_attribute(targets: Targets):
    logged = await targets.entry("POST", "/Users", {"userName": "bo@example.com", "title": "Lead"})
    said = {path: new for path, _, new in changes(logged)}
    assert said == {
        "userName": "bo@example.com",
        "title": "Lead",
        "active": True,
        "timezone": "Europe/Berlin",
        "roles": [{"value": "Minimal Permissions", "primary": True}],
        "emails": [{"value": "bo@example.com", "type": "work", "primary": True}],
    }


async def test_entry_of_a_deletion_holds_what_was_deleted(targets: Targets):
    answer = await targets.attempt("DELETE", "U")
    [deleted] = [entry for entry in await targets.entries(answer) if entry.entry["event"] == "user.delete"]
    assert ("title", "Agent", None) in changes(deleted)
    assert deleted.personal["target.display"] == "anna@example.com"
