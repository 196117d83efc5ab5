"""The doors by which somebody stops being one who may manage users (P5): none lets the last one through."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Final

from scimserver.kernel.facts import RoleAssigned, RoleDeleted, RoleUpdated, UserDeleted, UserUpdated
from tests.doors import FORMS, Told, imported, ran, told
from tests.leaving import DEACTIVATING, DELETING, Door, House
from tests.serving import Answer, add, remove, replace

ROLE_SCHEMA: Final = "urn:ietf:params:scim:schemas:scimserver:2.0:Role"
MANAGER: Final = "Manager"
"""The one role that lets its users manage users, but for that of administrators."""
LEAST: Final = [{"value": "Minimal Permissions"}]


@dataclass(frozen=True, slots=True)
class Loss:
    """A way to take from somebody, whose role is *Manager*, what it takes to manage users."""

    name: str
    call: Callable[[House, Answer, Answer], Awaitable[bool | Told]]
    """With the user and the role."""
    event: str

    def __str__(self) -> str:
        return self.name


def _leaving(door: Door) -> Loss:
    async def call(house: House, user: Answer, role: Answer) -> bool:
        return await door(house, user.id)

    facts = {door.__name__: UserDeleted for door in DELETING}
    fact = facts.get(door.__name__, UserUpdated)
    event = "user.deactivate" if door.__name__ == "deactivated_by_command" else fact.attempt
    return Loss(door.__name__.replace("_", " "), call, event)


def _patched(name: str, operation: dict[str, Any]) -> Loss:
    async def call(house: House, user: Answer, role: Answer) -> Told:
        return told(await house.scim.patch(f"/Users/{user.id}", operation))

    return Loss(f"PATCH {name}", call, UserUpdated.attempt)


def _role_patched(name: str, operation: dict[str, Any]) -> Loss:
    async def call(house: House, user: Answer, role: Answer) -> Told:
        return told(await house.scim.patch(f"/Roles/{role.id}", operation))

    return Loss(f"PATCH of the role, {name}", call, RoleUpdated.attempt)


async def _put(house: House, user: Answer, role: Answer) -> Told:
    return told(await house.scim.put(f"/Users/{user.id}", {**user.json, "roles": LEAST}))


async def _role_put(house: House, user: Answer, role: Answer) -> Told:
    body = {"schemas": [ROLE_SCHEMA], "displayName": MANAGER}
    return told(await house.scim.put(f"/Roles/{role.id}", body))


async def _role_deleted(house: House, user: Answer, role: Answer) -> Told:
    return told(await house.scim.delete(f"/Roles/{role.id}"))


def _command(name: str, event: str, *arguments: str) -> Loss:
    async def call(house: House, user: Answer, role: Answer) -> Told:
        filled = [user.json["userName"] if each == "USER" else each for each in arguments]
        return ran(await house.ran(*filled))

    return Loss(name, call, event)


async def _imported(house: House, user: Answer, role: Answer) -> Told:
    return await imported(house, {"id": user.id, "role": "Minimal Permissions"}, "jsonl")


LOSSES: Final = (
    *map(_leaving, (*DELETING, *DEACTIVATING)),
    *(_patched(f"{name} of roles", form("roles", LEAST)) for name, form in FORMS.items()),
    _patched("remove of roles", remove("roles")),
    _patched("remove of the entry", remove(f'roles[value eq "{MANAGER}"]')),
    _patched("replace in the entry", replace(f'roles[value eq "{MANAGER}"].value', LEAST[0]["value"])),
    _patched("add beside the entry", add("roles", LEAST)),
    Loss("PUT of another role", _put, UserUpdated.attempt),
    _role_patched("remove of a permission", remove('permissions[value eq "users.update"]')),
    _role_patched("remove of all permissions", remove("permissions")),
    _role_patched("replace of permissions", replace("permissions", [{"value": "users.read"}])),
    _role_patched("replace without a path", {"op": "replace", "value": {"permissions": []}}),
    Loss("PUT of the role", _role_put, RoleUpdated.attempt),
    Loss("DELETE of the role", _role_deleted, RoleDeleted.attempt),
    _command("role assign", RoleAssigned.attempt, "role", "assign", "Minimal Permissions", "USER"),
    _command("role update", RoleUpdated.attempt, "role", "update", MANAGER, "--deny", "users.update"),
    _command("role delete", RoleDeleted.attempt, "role", "delete", MANAGER, "--yes"),
    Loss("import of another role", _imported, UserUpdated.attempt),
)


async def manager(house: House) -> tuple[Answer, Answer]:
    """Somebody who manages users, and the role by which."""
    body = {
        "schemas": [ROLE_SCHEMA],
        "displayName": MANAGER,
        "permissions": [{"value": "users.read"}, {"value": "users.update"}],
    }
    made = await house.scim.post("/Roles", body)
    assert made.status == 201, made.text
    return await house.scim.make_user("last@example.com", roles=[{"value": MANAGER}]), made
