"""Bodies of POST, PUT and PATCH, and what the strict and the tolerant service make of them."""

from typing import Any

from scim2_models import Context, PatchOp, Resource

from scimserver.scim.models import CASE_SCHEMA, ENTERPRISE_SCHEMA, GROUP_SCHEMA, USER_SCHEMA
from scimserver.scim.normalise import normalise_patch, normalise_resource
from scimserver.scim.provider import provider

Body = dict[str, Any]

MINIMAL: dict[str, Body] = {
    "User": {"schemas": [USER_SCHEMA], "userName": "anna@example.com"},
    "Group": {"schemas": [GROUP_SCHEMA], "displayName": "Support"},
    "Case": {"schemas": [CASE_SCHEMA], "subject": "Broken link"},
}
STORED: dict[str, Body] = {
    "User": {
        "schemas": [USER_SCHEMA, ENTERPRISE_SCHEMA],
        "userName": "anna@example.com",
        "externalId": "00u1",
        "title": "Engineer",
        "active": True,
        "emails": [
            {"value": "anna@home.example", "type": "home"},
            {"value": "anna@old.example", "type": "other"},
        ],
        "roles": [{"value": "Agent", "display": "Agent"}],
        ENTERPRISE_SCHEMA: {"department": "Tours", "manager": {"value": "m0"}},
    },
    "Group": {
        "schemas": [GROUP_SCHEMA],
        "displayName": "Support",
        "members": [{"value": "u1", "display": "Anna"}, {"value": "u2"}],
    },
    "Case": {
        "schemas": [CASE_SCHEMA],
        "externalId": "T-1",
        "subject": "Broken link",
        "status": "open",
        "owner": {"value": "u1"},
    },
}


def enterprise(**attributes: Any) -> Body:
    return {ENTERPRISE_SCHEMA: attributes}


def op(verb: str, path: str | None = None, *value: Any) -> Body:
    given: Body = {"op": verb}
    if path is not None:
        given["path"] = path
    return {**given, "value": value[0]} if value else given


def model_of(resource_type: str) -> type[Resource[Any]]:
    model = provider(strict=False).model_for(resource_type)
    assert model is not None
    assert issubclass(model, Resource)
    return model


def message(operations: list[Body]) -> Body:
    return {"schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"], "Operations": [*operations]}


def created(resource_type: str, body: Body, *, strict: bool, normal: bool) -> dict[str, Any]:
    """The resource that a POST makes. Raises ValidationError if it is refused."""
    body = normalise_resource(resource_type, body) if normal else body
    resource = model_of(resource_type).model_validate(
        body, scim_ctx=Context.RESOURCE_CREATION_REQUEST, scim_policy=provider(strict=strict).policy
    )
    return resource.model_dump()


def patched(resource_type: str, body: Body, *, strict: bool, normal: bool) -> dict[str, Any]:
    """What a PATCH makes of the stored resource. Raises ValidationError or SCIMException."""
    body = normalise_patch(resource_type, body) if normal else body
    model, policy = model_of(resource_type), provider(strict=strict).policy
    resource = model.model_validate(STORED[resource_type])
    patch_op: Any = PatchOp.__class_getitem__(model)
    request = patch_op.model_validate(body, scim_ctx=Context.RESOURCE_PATCH_REQUEST, scim_policy=policy)
    request.patch(resource, scim_policy=policy)
    return resource.model_dump()
