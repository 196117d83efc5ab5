"""The requests of the fault matrix: every kind that changes something, or tries to, in vain or for nothing.

Each is made by a function that first brings about what it needs. Run by test_faults_matrix.py.
"""

import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace
from typing import Any
from uuid import uuid4

from tests import serving
from tests.faults import Fault
from tests.serving import ENTERPRISE, PATCH_OP, USER, ScimClient, add, fresh_address, remove

NOBODY = "0190b4f0-0000-7000-8000-000000000000"
ADMIN = [{"value": "Admin Role"}]
PASSWORD = "seventeen blue socks"


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """A request that changes something, or tries to."""

    method: str
    path: str
    body: Any = None
    headers: dict[str, str] = field(default_factory=dict[str, str])
    rules_change: bool = False
    """Whether the organisation's rules are others when it is sent than those that the server remembers."""

    def sent(self, scim: ScimClient, request_id: str) -> bytes:
        """The request as bytes."""
        body = b"" if self.body is None else json.dumps(self.body).encode()
        lines = [
            f"{self.method} /scim/v2{self.path} HTTP/1.1",
            "Host: scim.test",
            "Connection: close",
            f"Authorization: Bearer {scim.token}",
            f"X-Request-Id: {request_id}",
            "X-Watched: yes",
            "Content-Type: application/scim+json",
            f"Content-Length: {len(body)}",
            *(f"{name}: {value}" for name, value in self.headers.items()),
        ]
        return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


Arrange = Callable[[ScimClient], Awaitable[Attempt]]


def patching(path: str, *operations: Any, **headers: str) -> Attempt:
    """A PATCH."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Attempt(
        method="PATCH", path=path, body={"schemas": [PATCH_OP], "Operations": operations}, headers=named
    )


def posting(**attributes: Any) -> Attempt:
    """A POST of a user."""
    body = {"schemas": [USER], "userName": fresh_address(), **attributes}
    return Attempt(method="POST", path="/Users", body=body)


def posting_group(*members: str) -> Attempt:
    """A POST of a group."""
    body = {"displayName": f"Group {uuid4().hex}", "members": [{"value": member} for member in members]}
    return Attempt(method="POST", path="/Groups", body=body)


async def post_user(scim: ScimClient) -> Attempt:
    return posting(title="Agent")


async def post_user_after_the_rules_changed(scim: ScimClient) -> Attempt:
    return replace(posting(), rules_change=True)


async def put_address_after_the_rules_changed(scim: ScimClient) -> Attempt:
    user = await scim.make_user()
    body = {"schemas": [USER], "userName": fresh_address()}
    return Attempt(method="PUT", path=f"/Users/{user.id}", body=body, rules_change=True)


async def post_user_with_password(scim: ScimClient) -> Attempt:
    return posting(password=PASSWORD)


async def post_user_with_manager(scim: ScimClient) -> Attempt:
    manager = {"manager": {"value": (await scim.make_user()).id}}
    return posting(schemas=[USER, ENTERPRISE], **{ENTERPRISE: manager})


async def post_user_who_was_deactivated(scim: ScimClient) -> Attempt:
    user = await scim.make_user(active=False)
    return posting(userName=user.json["userName"], title="Back")


async def post_user_taken(scim: ScimClient) -> Attempt:
    return posting(userName=(await scim.make_user()).json["userName"])


async def post_user_of_another_domain(scim: ScimClient) -> Attempt:
    return posting(userName=fresh_address("elsewhere.test"))


async def post_nonsense(scim: ScimClient) -> Attempt:
    return Attempt(method="POST", path="/Users", body="not an object")


async def clone_member_of_a_group(scim: ScimClient) -> Attempt:
    user = await scim.make_user()
    await scim.make_group(f"Group {uuid4().hex}", user.id)
    return Attempt(method="POST", path=f"/Users/{user.id}/.clone")


async def clone_with_an_address(scim: ScimClient) -> Attempt:
    body = {"userName": fresh_address()}
    return Attempt(method="POST", path=f"/Users/{(await scim.make_user()).id}/.clone", body=body)


async def clone_nobody(scim: ScimClient) -> Attempt:
    return Attempt(method="POST", path=f"/Users/{NOBODY}/.clone")


async def put_user(scim: ScimClient) -> Attempt:
    user = await scim.make_user(title="Agent")
    body = {"schemas": [USER], "userName": user.json["userName"], "title": "Lead"}
    return Attempt(method="PUT", path=f"/Users/{user.id}", body=body)


async def put_user_as_it_is(scim: ScimClient) -> Attempt:
    user = await scim.make_user(title="Agent")
    return Attempt(method="PUT", path=f"/Users/{user.id}", body=user.json)


async def put_nobody(scim: ScimClient) -> Attempt:
    body = {"schemas": [USER], "userName": fresh_address(), "title": "Lead"}
    return Attempt(method="PUT", path=f"/Users/{NOBODY}", body=body)


async def patch_user(scim: ScimClient) -> Attempt:
    user = await scim.make_user()
    return patching(f"/Users/{user.id}", serving.replace("title", "Lead"))


async def patch_user_as_it_is(scim: ScimClient) -> Attempt:
    user = await scim.make_user(title="Agent")
    return patching(f"/Users/{user.id}", serving.replace("title", "Agent"))


async def patch_password_of_that_version(scim: ScimClient) -> Attempt:
    # Without the version, the same password a second time would be another change.
    user = await scim.make_user()
    tag = user.headers["ETag"]
    return patching(f"/Users/{user.id}", serving.replace("password", PASSWORD), If_Match=tag)


async def set_password(scim: ScimClient) -> Attempt:
    body = {"method": "set", "password": PASSWORD}
    return Attempt(method="POST", path=f"/Users/{(await scim.make_user()).id}/.password", body=body)


async def set_password_of_nobody(scim: ScimClient) -> Attempt:
    body = {"method": "set", "password": PASSWORD}
    return Attempt(method="POST", path=f"/Users/{NOBODY}/.password", body=body)


async def mail_link(scim: ScimClient) -> Attempt:
    return Attempt(
        method="POST", path=f"/Users/{(await scim.make_user()).id}/.password", body={"method": "email"}
    )


async def patch_manager(scim: ScimClient) -> Attempt:
    user, manager = await scim.make_user(), await scim.make_user()
    return patching(f"/Users/{user.id}", add(f"{ENTERPRISE}:manager", {"value": manager.id}))


async def patch_user_of_that_version(scim: ScimClient) -> Attempt:
    user = await scim.make_user()
    tag = user.headers["ETag"]
    return patching(f"/Users/{user.id}", serving.replace("title", "Lead"), If_Match=tag)


async def patch_user_of_another_version(scim: ScimClient) -> Attempt:
    user = await scim.make_user()
    return patching(f"/Users/{user.id}", serving.replace("title", "Lead"), If_Match='W/"7"')


async def patch_administrator_to_inactive(scim: ScimClient) -> Attempt:
    await scim.make_user(roles=ADMIN)
    user = await scim.make_user(roles=ADMIN)
    return patching(f"/Users/{user.id}", serving.replace("active", False))


async def patch_user_to_inactive(scim: ScimClient) -> Attempt:
    return patching(f"/Users/{(await scim.make_user()).id}", serving.replace("active", False))


async def delete_user_without_groups(scim: ScimClient) -> Attempt:
    return Attempt(method="DELETE", path=f"/Users/{(await scim.make_user()).id}")


async def delete_member_of_two_groups(scim: ScimClient) -> Attempt:
    user = await scim.make_user()
    for name in ("Sales", "Support"):
        await scim.make_group(name, user.id)
    return Attempt(method="DELETE", path=f"/Users/{user.id}")


async def delete_nobody(scim: ScimClient) -> Attempt:
    return Attempt(method="DELETE", path=f"/Users/{NOBODY}")


async def delete_last_administrator(scim: ScimClient) -> Attempt:
    found = await scim.find('roles.value eq "Admin Role"')
    user = found.ids[0] if found.ids else (await scim.make_user(roles=ADMIN)).id
    return Attempt(method="DELETE", path=f"/Users/{user}")


async def post_group_without_members(scim: ScimClient) -> Attempt:
    return posting_group()


async def post_group_with_member(scim: ScimClient) -> Attempt:
    return posting_group((await scim.make_user()).id)


async def post_group_with_nobody(scim: ScimClient) -> Attempt:
    return posting_group(NOBODY)


async def put_group_with_other_members(scim: ScimClient) -> Attempt:
    old, new = await scim.make_user(), await scim.make_user()
    group = await scim.make_group("Support", old.id)
    body = {"displayName": "Sales", "members": [{"value": new.id}]}
    return Attempt(method="PUT", path=f"/Groups/{group.id}", body=body)


async def patch_group_adding_a_member(scim: ScimClient) -> Attempt:
    group, user = await scim.make_group("Support"), await scim.make_user()
    return patching(f"/Groups/{group.id}", add("members", [{"value": user.id}]))


async def patch_group_adding_who_is_in_it(scim: ScimClient) -> Attempt:
    user = await scim.make_user()
    group = await scim.make_group("Support", user.id)
    return patching(f"/Groups/{group.id}", add("members", [{"value": user.id}]))


async def patch_group_removing_a_member(scim: ScimClient) -> Attempt:
    user = await scim.make_user()
    group = await scim.make_group("Support", user.id)
    return patching(f"/Groups/{group.id}", remove(f'members[value eq "{user.id}"]'))


async def delete_group_with_member(scim: ScimClient) -> Attempt:
    group = await scim.make_group("Support", (await scim.make_user()).id)
    return Attempt(method="DELETE", path=f"/Groups/{group.id}")


async def delete_no_group(scim: ScimClient) -> Attempt:
    return Attempt(method="DELETE", path=f"/Groups/{NOBODY}")


async def post_role(scim: ScimClient) -> Attempt:
    body = {"displayName": f"Role {uuid4().hex}", "permissions": [{"value": "users.clone"}]}
    return Attempt(method="POST", path="/Roles", body=body)


async def made_role(scim: ScimClient) -> tuple[str, str]:
    """The path of a role that a user has, and its name."""
    attempt = await post_role(scim)
    made = await scim.post("/Roles", attempt.body)
    name = made.json["displayName"]
    await scim.make_user(roles=[{"value": name}])
    return f"/Roles/{made.id}", name


async def patch_name_of_a_role_with_user(scim: ScimClient) -> Attempt:
    path, name = await made_role(scim)
    return patching(path, serving.replace("displayName", f"{name} too"))


async def patch_role_as_it_is(scim: ScimClient) -> Attempt:
    path, name = await made_role(scim)
    return patching(path, serving.replace("displayName", name))


async def delete_role_with_user(scim: ScimClient) -> Attempt:
    path, _ = await made_role(scim)
    return Attempt(method="DELETE", path=path)


async def delete_built_in_role(scim: ScimClient) -> Attempt:
    found = await scim.find('displayName eq "Admin Role"', "/Roles")
    return Attempt(method="DELETE", path=f"/Roles/{found.ids[0]}")


async def post_case_of_a_user(scim: ScimClient) -> Attempt:
    body = {"subject": f"Case {uuid4().hex}", "owner": {"value": (await scim.make_user()).id}}
    return Attempt(method="POST", path="/Cases", body=body)


async def post_case_of_nobody_known(scim: ScimClient) -> Attempt:
    return Attempt(method="POST", path="/Cases", body={"subject": "Case", "owner": {"value": NOBODY}})


async def put_case_as_it_is(scim: ScimClient) -> Attempt:
    case = await scim.make_case(owner=(await scim.make_user()).id)
    return Attempt(method="PUT", path=f"/Cases/{case.id}", body=case.json)


async def patch_case_to_another_owner(scim: ScimClient) -> Attempt:
    case, user = await scim.make_case(owner=(await scim.make_user()).id), await scim.make_user()
    return patching(f"/Cases/{case.id}", serving.replace("owner.value", user.id))


async def delete_case(scim: ScimClient) -> Attempt:
    return Attempt(method="DELETE", path=f"/Cases/{(await scim.make_case()).id}")


async def delete_owner_of_two_cases(scim: ScimClient) -> Attempt:
    user = await scim.make_user()
    for subject in ("One", "Two"):
        await scim.make_case(subject, user.id)
    return Attempt(method="DELETE", path=f"/Users/{user.id}")


SCENARIOS: dict[Arrange, int] = {
    post_user: 201,
    post_user_after_the_rules_changed: 201,
    put_address_after_the_rules_changed: 200,
    post_user_with_password: 201,
    post_user_with_manager: 201,
    post_user_who_was_deactivated: 201,
    post_user_taken: 409,
    post_user_of_another_domain: 400,
    post_nonsense: 400,
    clone_member_of_a_group: 201,
    clone_with_an_address: 201,
    clone_nobody: 404,
    put_user: 200,
    put_user_as_it_is: 200,
    put_nobody: 404,
    patch_user: 200,
    patch_user_as_it_is: 200,
    patch_password_of_that_version: 200,
    set_password: 204,
    set_password_of_nobody: 404,
    mail_link: 202,
    patch_manager: 200,
    patch_user_of_that_version: 200,
    patch_user_of_another_version: 412,
    patch_administrator_to_inactive: 200,
    patch_user_to_inactive: 200,
    delete_user_without_groups: 204,
    delete_member_of_two_groups: 204,
    delete_nobody: 404,
    delete_last_administrator: 403,
    post_group_without_members: 201,
    post_group_with_member: 201,
    post_group_with_nobody: 400,
    put_group_with_other_members: 200,
    patch_group_adding_a_member: 204,
    patch_group_adding_who_is_in_it: 204,
    patch_group_removing_a_member: 204,
    delete_group_with_member: 204,
    delete_no_group: 404,
    post_role: 201,
    patch_name_of_a_role_with_user: 200,
    patch_role_as_it_is: 200,
    delete_role_with_user: 204,
    delete_built_in_role: 400,
    post_case_of_a_user: 201,
    post_case_of_nobody_known: 400,
    put_case_as_it_is: 200,
    patch_case_to_another_owner: 200,
    delete_case: 204,
    delete_owner_of_two_cases: 204,
}
"""What each is answered when nothing fails."""

OF_EACH_KIND: frozenset[Arrange] = frozenset(
    {
        post_user,
        put_user,
        patch_user,
        delete_nobody,
        post_group_with_member,
        put_group_with_other_members,
        patch_group_adding_a_member,
        delete_group_with_member,
        post_case_of_a_user,
        delete_case,
    }
)
"""One for each method and type: until it is known who calls, others cannot be told from these."""

_ENOUGH = frozenset({Fault.LOST_AFTER, Fault.FENCED, Fault.CANCELLED_BEFORE})
SLOW: dict[Arrange, frozenset[Fault]] = {
    post_user_with_password: _ENOUGH,
    patch_password_of_that_version: _ENOUGH,
    set_password: _ENOUGH,
    set_password_of_nobody: _ENOUGH,
}
"""Hashing takes its time, so these are broken in some ways only: their calls are those of others."""
