"""Laws of normalising: it ends after one pass, changes nothing in place, and no correct body's meaning."""

from collections.abc import Callable
from copy import deepcopy
from typing import Any

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from pydantic import ValidationError
from scim2_models import SCIMException

from scimserver.scim.models import CASE_SCHEMA, ENTERPRISE_SCHEMA, GROUP_SCHEMA, USER_SCHEMA
from scimserver.scim.normalise import normalise_patch, normalise_resource
from tests.bodies import Body, created, message, op, patched

MANAGER = f"{ENTERPRISE_SCHEMA}:manager"
RESOURCE_TYPES = st.sampled_from(["User", "Group", "Case"])

# --- Anything -------------------------------------------------------------------------------------

PLAIN_NAMES = """
    id meta schemas groups externalId userName name givenName title active emails value primary type
    display roles addresses postalCode members $ref displayName manager Manager manager.value emails.value
    name.x employeeNumber department op path Value Operations emails[ ][ costume
"""
NAMES = st.sampled_from(
    [
        *PLAIN_NAMES.split(),
        *(USER_SCHEMA, GROUP_SCHEMA, ENTERPRISE_SCHEMA, ENTERPRISE_SCHEMA.upper()),
        *(MANAGER, f"{MANAGER}.value", f"{USER_SCHEMA}:emails", 'emails[type eq "work"].value'),
        *('members[value eq "u1"]', ""),
    ]
)
SCALARS = st.sampled_from(
    [
        *(None, True, False, 0, 7, 2**64, 1.5, "", "True", "false", "m1", "https://example.com/Users/m1/"),
        *("{", "{}", '{"value":"Agent","displayName":7}', '{"value":"Agent"}', '{"value":"{}"}', "add"),
    ]
)
ANYTHING: st.SearchStrategy[Any] = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=4),
    max_leaves=12,
)
OBJECTS: st.SearchStrategy[Body] = st.dictionaries(NAMES, ANYTHING, max_size=5)
OPERATIONS: st.SearchStrategy[Body] = st.fixed_dictionaries(
    {"op": st.sampled_from(["add", "Replace", "REMOVE"])},
    optional={"path": NAMES | SCALARS, "value": ANYTHING, "Note": ANYTHING},
)
PATCHES = st.builds(message, st.lists(OPERATIONS, max_size=3))

# --- What the strict service accepts --------------------------------------------------------------

WORDS = st.text("abÄz09 .@-'\"]%", min_size=1, max_size=6)
FLAGS = st.booleans()
ENTRIES: st.SearchStrategy[list[Body]] = st.lists(
    st.fixed_dictionaries(
        {"value": WORDS}, optional={"type": WORDS, "display": WORDS, "primary": st.just(False)}
    ),
    max_size=3,
)
PLACES: st.SearchStrategy[list[Body]] = st.lists(
    st.fixed_dictionaries({}, optional={"postalCode": WORDS, "type": WORDS, "primary": st.just(False)}),
    max_size=2,
)
PEOPLE: st.SearchStrategy[list[Body]] = st.lists(
    st.fixed_dictionaries({"value": WORDS}, optional={"$ref": st.none(), "type": st.just("User")}),
    max_size=3,
    unique_by=lambda member: member["value"],
)
NAME_PARTS: st.SearchStrategy[Body] = st.fixed_dictionaries(
    {}, optional={"givenName": WORDS, "familyName": st.none() | WORDS}
)
MANAGERS: st.SearchStrategy[Body] = st.fixed_dictionaries(
    {"value": WORDS}, optional={"$ref": st.just("https://example.com/Users/m9")}
)
ENTERPRISE: st.SearchStrategy[Body] = st.fixed_dictionaries(
    {}, optional={"department": st.none() | WORDS, "employeeNumber": WORDS, "manager": st.none() | MANAGERS}
)
USER_ATTRIBUTES: dict[str, st.SearchStrategy[Any]] = {
    "externalId": WORDS,
    "title": st.none() | WORDS | st.just(""),
    "active": FLAGS,
    "name": NAME_PARTS,
    "emails": st.none() | ENTRIES,
    "roles": ENTRIES,
    "addresses": PLACES,
    ENTERPRISE_SCHEMA: ENTERPRISE,
}
GROUP_ATTRIBUTES: dict[str, st.SearchStrategy[Any]] = {
    "externalId": WORDS,
    "members": st.none() | PEOPLE,
}
OWNERS = st.none() | MANAGERS
CASE_ATTRIBUTES: dict[str, st.SearchStrategy[Any]] = {
    "externalId": WORDS,
    "status": WORDS | st.just("open"),
    "owner": OWNERS,
}
PATHS: dict[str, dict[str, st.SearchStrategy[Any]]] = {
    "User": {
        **USER_ATTRIBUTES,
        "userName": WORDS,
        "name.givenName": WORDS,
        'emails[type eq "home"].value': WORDS,
        'emails[type eq "home"]': st.fixed_dictionaries({"value": WORDS}),
        "emails.display": WORDS,
        MANAGER: MANAGERS,
        f"{MANAGER}.value": WORDS,
        f"{ENTERPRISE_SCHEMA}:department": st.none() | WORDS,
        f"{USER_SCHEMA}:title": WORDS,
    },
    "Group": {**GROUP_ATTRIBUTES, "displayName": WORDS, f"{GROUP_SCHEMA}:displayName": WORDS},
    "Case": {**CASE_ATTRIBUTES, "subject": WORDS, "owner.value": WORDS, f"{CASE_SCHEMA}:owner": OWNERS},
}
REMOVABLE = {
    "User": [
        "title",
        "name",
        "name.givenName",
        "emails",
        'emails[type eq "home"]',
        MANAGER,
        ENTERPRISE_SCHEMA,
    ],
    "Group": ["externalId", "members", 'members[value eq "u1"]'],
    "Case": ["externalId", "status", "owner", "owner.value"],
}


def recased(body: Body, seed: int) -> Body:
    """The body with some of its own names in another case."""
    spellings: list[Callable[[str], str]] = [str, str.upper, str.lower]
    return {spellings[(seed + place) % 3](name): item for place, (name, item) in enumerate(body.items())}


def all_resources() -> st.SearchStrategy[tuple[str, Body]]:
    users = st.fixed_dictionaries(
        {"schemas": st.just([USER_SCHEMA]), "userName": WORDS}, optional=USER_ATTRIBUTES
    )
    groups = st.fixed_dictionaries(
        {"schemas": st.just([GROUP_SCHEMA]), "displayName": WORDS}, optional=GROUP_ATTRIBUTES
    )
    cases = st.fixed_dictionaries(
        {"schemas": st.just([CASE_SCHEMA]), "subject": WORDS}, optional=CASE_ATTRIBUTES
    )
    seeds = st.integers(0, 2)
    return st.one_of(
        [
            st.tuples(st.just(kind), st.builds(recased, resources, seeds))
            for kind, resources in (("User", users), ("Group", groups), ("Case", cases))
        ]
    )


def operations_on(resource_type: str) -> st.SearchStrategy[Body]:
    verbs = st.sampled_from(["add", "replace", "Replace"])
    paths = PATHS[resource_type]
    with_path = st.one_of([st.builds(op, verbs, st.just(path), value) for path, value in paths.items()])
    objects = st.fixed_dictionaries(
        {}, optional={path: value for path, value in paths.items() if "[" not in path}
    )
    without_path = st.builds(op, verbs, st.none(), objects)
    removals = st.builds(op, st.just("remove"), st.sampled_from(REMOVABLE[resource_type]))
    return with_path | without_path | removals


def patches() -> st.SearchStrategy[tuple[str, Body]]:
    return RESOURCE_TYPES.flatmap(
        lambda kind: st.tuples(
            st.just(kind), st.builds(message, st.lists(operations_on(kind), min_size=1, max_size=3))
        )
    )


def accepted(
    act: Callable[..., Body], resource_type: str, body: Body, *, strict: bool, normal: bool
) -> Body | None:
    try:
        return act(resource_type, body, strict=strict, normal=normal)
    except (ValidationError, SCIMException):
        return None


@given(resource_type=RESOURCE_TYPES, body=OBJECTS)
def test_normalising_a_resource_twice_is_normalising_it_once(resource_type: str, body: Body) -> None:
    once = normalise_resource(resource_type, body)
    assert normalise_resource(resource_type, once) == once


@given(resource_type=RESOURCE_TYPES, body=PATCHES)
def test_normalising_a_patch_twice_is_normalising_it_once(resource_type: str, body: Body) -> None:
    once = normalise_patch(resource_type, body)
    assert normalise_patch(resource_type, once) == once


@pytest.mark.parametrize("normalise", [normalise_resource, normalise_patch])
@given(resource_type=RESOURCE_TYPES, body=OBJECTS | PATCHES)
def test_normalising_changes_nothing_in_place(
    normalise: Callable[[str, Body], Body], resource_type: str, body: Body
) -> None:
    before = deepcopy(body)
    normalise(resource_type, body)
    assert body == before


@settings(deadline=None)
@given(resource=all_resources())
def test_correct_resource_means_the_same_after_normalising(resource: tuple[str, Body]) -> None:
    strictly = accepted(created, *resource, strict=True, normal=False)
    assume(strictly is not None)
    assert created(*resource, strict=False, normal=False) == strictly
    assert created(*resource, strict=False, normal=True) == strictly


@settings(deadline=None)
@given(patch=patches())
def test_correct_patch_means_the_same_after_normalising(patch: tuple[str, Body]) -> None:
    strictly = accepted(patched, *patch, strict=True, normal=False)
    assume(strictly is not None)
    assert patched(*patch, strict=False, normal=False) == strictly
    assert patched(*patch, strict=False, normal=True) == strictly
