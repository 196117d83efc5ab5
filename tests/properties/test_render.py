"""Rendering from stored bytes against its oracle: what scim2-models dumps for the whole resource.

The store keeps what a document's own row determines; groups, members, the manager and `meta` come
from other rows and are spliced in without parsing.
"""

from collections.abc import Sequence
from copy import deepcopy
from datetime import datetime
from typing import Any
from uuid import UUID

import orjson
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from scim2_models import Context, Resource

from scimserver.access.saml.place import addresses_of
from scimserver.directory.cases import model as cases
from scimserver.directory.groups import model as groups
from scimserver.directory.users import model as users
from scimserver.directory.views import Reference, View
from scimserver.kernel.ids import CaseId, GroupId, UserId
from scimserver.scim.models import DIRECTORY_USER_SCHEMA
from scimserver.scim.render import Rendered, Renderer
from tests.providers import OKTA
from tests.searched import World, signing_of, worlds

BASE_URL = "https://scim.test/scim/v2"
RENDERER = Renderer(BASE_URL)

GENERATED = settings(
    max_examples=40,
    deadline=None,
    # No shrinking: a world takes too long to make, and the message shows what differs.
    phases=[Phase.explicit, Phase.reuse, Phase.generate],
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.large_base_example],
)

small_worlds = worlds(users=5, groups=3)
versions = st.integers(1, 2**40)


def reference(value: str, display: str) -> Reference:
    return Reference(id=UUID(value), name=display)


def manager_of(user: Any) -> Any:
    return user.EnterpriseUser and user.EnterpriseUser.manager


def manager_in(world: World, user: Any) -> Reference | None:
    """Who the manager is, where the organisation has such a user."""
    manager = manager_of(user)
    known = {str(one.id) for one in world.users}
    return reference(manager.value, manager.display_name) if manager and manager.value in known else None


def view(resource: Any, stored: bytes, version: int, related: Sequence[Any], **more: Any) -> View:
    return View(
        id=UUID(resource.id),
        version=version,
        created=resource.meta.created,
        last_modified=resource.meta.last_modified,
        stored=stored,
        related=[reference(one.value, one.display) for one in related],
        **more,
    )


def rendered_user(world: World, user: Any, version: int) -> Rendered:
    kept = {name: value for name, value in user.model_dump().items() if name != DIRECTORY_USER_SCHEMA}
    document = users.arranged(kept, UserId(UUID(user.id)))
    manager = manager_in(world, user)
    stored = users.encoded(document)
    connection, mark = signing_of(user)
    provider = OKTA if connection else None
    more = {"manager": manager, "provider": provider, "mark": mark}
    return RENDERER.user(view(user, stored, version, user.groups or [], **more))


def rendered_group(group: Any, version: int) -> Rendered:
    document = groups.arranged(group.model_dump(), GroupId(UUID(group.id)))
    return RENDERER.group(view(group, groups.encoded(document), version, group.members or []))


def rendered_case(case: Any, version: int) -> Rendered:
    document = cases.arranged(case.model_dump(), CaseId(UUID(case.id)))
    return RENDERER.case(view(case, cases.encoded(document), version, [case.owner] if case.owner else []))


def dumped(resource: Resource[Any], rendered: Rendered, endpoint: str) -> Any:
    """What the library answers for the whole resource, once it knows of our URLs and tag."""
    whole: Any = deepcopy(resource)
    whole.meta.location = f"{BASE_URL}/{endpoint}/{whole.id}"
    whole.meta.version = rendered.etag
    return with_instants(whole.model_dump(scim_ctx=Context.RESOURCE_QUERY_RESPONSE))


def answered(rendered: Rendered) -> Any:
    return with_instants(orjson.loads(rendered.body))


def with_instants(body: Any) -> Any:
    """The body with its times as instants: we write milliseconds, the library only where there are any."""
    times = {name: datetime.fromisoformat(body["meta"][name]) for name in ("created", "lastModified")}
    return body | {"meta": body["meta"] | times}


def with_references(entries: Sequence[Any] | None, endpoint: str) -> None:
    for entry in entries or ():
        entry.ref = f"{BASE_URL}/{endpoint}/{entry.value}"


@GENERATED
@given(world=small_worlds, version=versions)
def test_rendered_user_is_what_the_library_dumps(world: World, version: int) -> None:
    for user in world.users:
        rendered = rendered_user(world, user, version)
        whole: Any = deepcopy(user)
        with_references(whole.groups, "Groups")
        if manager_in(world, user):
            with_references([manager_of(whole)], "Users")
        if signing_of(user)[0]:
            ours = addresses_of("https://scim.test", OKTA.organization, OKTA.id)
            whole.DirectoryUser.identity_provider.ref = ours.entity_id
        assert answered(rendered) == dumped(whole, rendered, "Users")


@GENERATED
@given(world=small_worlds, version=versions)
def test_rendered_group_is_what_the_library_dumps(world: World, version: int) -> None:
    for group in world.groups:
        rendered = rendered_group(group, version)
        whole: Any = deepcopy(group)
        with_references(whole.members, "Users")
        assert answered(rendered) == dumped(whole, rendered, "Groups")


@GENERATED
@given(world=small_worlds, version=versions)
def test_rendered_case_is_what_the_library_dumps(world: World, version: int) -> None:
    for case in world.cases:
        rendered = rendered_case(case, version)
        whole: Any = deepcopy(case)
        with_references([whole.owner] if whole.owner else [], "Users")
        assert answered(rendered) == dumped(whole, rendered, "Cases")
