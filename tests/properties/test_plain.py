"""The short way of bodies agrees with the models, wherever it does not leave the body to them."""

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scimserver.scim import shapes
from scimserver.scim.models import CASE_SCHEMA, ENTERPRISE_SCHEMA, GROUP_SCHEMA, USER_SCHEMA
from scimserver.scim.normalise import normalise_patch, normalise_resource
from scimserver.scim.plain import plain_bodies
from tests.bodies import STORED, Body, created, message, op, patched

REQUIRED = {
    "User": (USER_SCHEMA, "userName"),
    "Group": (GROUP_SCHEMA, "displayName"),
    "Case": (CASE_SCHEMA, "subject"),
}
RESOURCE_TYPES = [*REQUIRED]

TEXT = st.text("aÄ @.{\"'", min_size=1, max_size=4) | st.sampled_from(
    ["work", "Work", "WORK", "aim", "x", "open", "Open"]
)
DIRT: st.SearchStrategy[Any] = st.sampled_from(
    ["", None, [], {}, 0, 1.5, "True", "true", [None], [[]], {"a": 1}]
)


def values(shape: shapes.Shape) -> st.SearchStrategy[Any]:
    """Values that an attribute may have."""
    if shape.inner:
        inner: st.SearchStrategy[Any] = objects(shape.inner)
        return st.lists(inner, max_size=2) if shape.many else inner
    return {"boolean": st.booleans(), "string": TEXT}.get(str(shape.type), TEXT)


def objects(known: Any) -> st.SearchStrategy[Body]:
    """Objects of an attribute's sub-attributes, now and then with something else in them."""
    distinct = {shape.name: shape for shape in known.values()}
    clean = {name: values(shape) for name, shape in distinct.items()}
    return st.fixed_dictionaries({}, optional=clean) | st.builds(
        lambda body, name, item: {**body, name: item},
        st.fixed_dictionaries({}, optional=clean),
        st.sampled_from([*distinct, "costume", "USERNAME", "Value", "id", "meta", "schemas"]),
        DIRT | TEXT,
    )


def resources(resource_type: str) -> st.SearchStrategy[Body]:
    """Bodies of POSTs, most of them plain."""
    root = {
        name: shape
        for name, shape in {shape.name: shape for shape in shapes.root(resource_type).values()}.items()
        if not shape.read_only and str(shape.type) != "reference" and name != "x509Certificates"
    }
    main, required = REQUIRED[resource_type]
    schemas = st.sampled_from(
        [
            [main],
            [main, ENTERPRISE_SCHEMA],
            [ENTERPRISE_SCHEMA, main],
            [ENTERPRISE_SCHEMA],
            [main, main],
            main,
        ]
    )
    few = st.sets(st.sampled_from(sorted(root)), max_size=5).flatmap(
        lambda names: objects({name: root[name] for name in names})
    )
    extras = st.sampled_from(
        [
            *({}, {}, {"groups": []}, {"groups": [{"value": "g"}]}),
            *({"meta": {"resourceType": resource_type}}, {"meta": {"created": "x"}}),
            *({"id": "x"}, {"externalId": "x"}, {"password": "p"}),
        ]
    )
    return st.builds(
        lambda body, listed, extra, name: {"schemas": listed, required: name, **extra, **body},
        few,
        schemas,
        extras,
        TEXT,
    )


def without_schemas(document: Any) -> str:
    """The document as bytes would be: order counts."""
    return json.dumps({name: item for name, item in document.items() if name != "schemas"})


@pytest.mark.parametrize("strict", [True, False])
@pytest.mark.parametrize("resource_type", RESOURCE_TYPES)
@settings(deadline=None)
@given(data=st.data())
def test_plain_resource_is_what_the_models_make_of_it(data: st.DataObject, resource_type: str, strict: bool):
    body = data.draw(resources(resource_type))
    sent = body if strict else normalise_resource(resource_type, body)
    plain = plain_bodies(resource_type).document(sent)
    if plain is not None:
        assert without_schemas(plain) == without_schemas(
            created(resource_type, body, strict=strict, normal=not strict)
        )


PATHS = {
    resource_type: sorted({target.path for target in shapes.paths(resource_type).plain.values()})
    for resource_type in RESOURCE_TYPES
}


def patches(resource_type: str) -> st.SearchStrategy[Body]:
    """Bodies of PATCHes, most of them plain."""
    anywhere = [*PATHS[resource_type], "TITLE", "displayname", 'emails[type eq "work"].value', "x", ""]
    paths = st.sampled_from(sorted(plain_bodies(resource_type).writable)) | st.sampled_from(anywhere)
    single = st.builds(
        op, st.sampled_from(["replace", "Replace", "add", "remove"]), paths, TEXT | st.booleans() | DIRT
    )
    many = st.builds(
        lambda verb, value: {"op": verb, "value": value},
        st.sampled_from(["replace", "Add"]),
        st.dictionaries(paths, TEXT | st.booleans() | DIRT, max_size=3),
    )
    return st.builds(message, st.lists(single | many, min_size=1, max_size=3))


@pytest.mark.parametrize("strict", [True, False])
@pytest.mark.parametrize("resource_type", RESOURCE_TYPES)
@settings(deadline=None)
@given(data=st.data())
def test_plain_patch_does_what_the_models_do(data: st.DataObject, resource_type: str, strict: bool):
    body = data.draw(patches(resource_type))
    bodies = plain_bodies(resource_type)
    patch = bodies.patch(body if strict else normalise_patch(resource_type, body), strict=strict)
    # What becomes of members is not told by a document: tests/properties/test_members.py.
    if patch is not None and patch.members is None:
        ours = bodies.applied(STORED[resource_type], patch)
        assert without_schemas(ours) == without_schemas(
            patched(resource_type, body, strict=strict, normal=not strict)
        )


OKTA = {
    "schemas": [USER_SCHEMA, ENTERPRISE_SCHEMA],
    "userName": "ada@example.com",
    "name": {"givenName": "Ada", "familyName": "Byron"},
    "emails": [{"primary": True, "value": "ada@example.com", "type": "work"}],
    "displayName": "Ada Byron",
    "locale": "en-US",
    "externalId": "00u1",
    "groups": [],
    "password": "placeholder",
    "active": True,
    ENTERPRISE_SCHEMA: {"department": "Sales", "manager": {"value": "m1"}},
}
ENTRA = {
    **{name: item for name, item in OKTA.items() if name not in ("groups", "password", "locale")},
    "meta": {"resourceType": "User"},
    "roles": [{"primary": True, "type": "WindowsAzureActiveDirectoryRole", "value": "Agent"}],
}


@pytest.mark.parametrize("body", [OKTA, ENTRA], ids=["okta", "entra"])
def test_users_that_identity_providers_create_are_plain(body: Body):
    assert plain_bodies("User").document(normalise_resource("User", body)) is not None


@pytest.mark.parametrize(
    "operation",
    [
        op("replace", "title", "Countess"),
        op("Replace", "active", "False"),
        op("add", "name.familyName", "Byron"),
        op("replace", f"{ENTERPRISE_SCHEMA}:department", "Sales"),
        {"op": "replace", "value": {"active": False}},
        {"op": "Replace", "value": {"displayName": "Ada", f"{ENTERPRISE_SCHEMA}:division": "D"}},
    ],
)
def test_changes_that_identity_providers_make_are_plain(operation: Body):
    body = normalise_patch("User", message([operation]))
    assert plain_bodies("User").patch(body, strict=False) is not None
