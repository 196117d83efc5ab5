"""Each thing that can be done takes a permission of its own, whoever does it (P9)."""

from collections.abc import Awaitable, Callable, Generator
from dataclasses import dataclass, replace
from typing import Any, NoReturn

import pytest

from scimserver.access import connections, tokens
from scimserver.access.connections import Connection
from scimserver.access.tokens import Token
from scimserver.directory import (
    bin,
    cases,
    cloning,
    domains,
    groups,
    organizations,
    password_resets,
    passwords,
    removals,
    roles,
    saml,
    sessions,
    transfer,
    users,
)
from scimserver.directory.cases import Case
from scimserver.directory.groups import Group
from scimserver.directory.password_resets import Purpose
from scimserver.directory.passwords import Blocklist, PasswordDesk, PasswordHasher
from scimserver.directory.roles import Role, Wanted
from scimserver.directory.saml import Provider, SamlConnection, State
from scimserver.directory.saml import Wanted as SamlWanted
from scimserver.directory.users import User
from scimserver.kernel.actor import Actor, ActorKind
from scimserver.kernel.errors import NotPermitted
from scimserver.kernel.ids import UserId, new_uuid
from scimserver.kernel.permissions import Permission, Scope, with_prerequisites
from scimserver.work import Work
from tests.importing import ORIGIN, Acme

PROVIDER = Provider(entity_id="urn:okta", sso_url="https://idp.example.com/sso", certificates=())
_LEAST = frozenset({Scope.SESSIONS_INTROSPECT})
_DESK = PasswordDesk(PasswordHasher(), Blocklist.of(()))


@pytest.fixture(scope="module", autouse=True)
def closed_desk() -> Generator[None]:
    """The desk's threads end with the last test."""
    yield
    _DESK.hasher.close()


EVERYTHING = "SELECT jsonb_agg(to_jsonb(t) ORDER BY t::text) FROM {} AS t"
TABLES = (
    "users",
    "groups",
    "group_members",
    "cases",
    "roles",
    "deleted_users",
    "credentials",
    "mail_jobs",
    "email_domains",
    "connections",
    "saml_connections",
    "api_tokens",
    "organizations",
    "log_entries",
    "outbox",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """An organisation with one of everything, and a user who is nobody's superior."""

    office: Acme
    ada: User
    eve: User
    team: Group
    case: Case
    role: Role
    okta: Connection
    token: Token
    provider: SamlConnection

    async def held(self) -> list[str | None]:
        """All that an action could change."""
        return [await self.office.rows.fetchval(EVERYTHING.format(table)) for table in TABLES]

    def actor(self, kind: ActorKind, permissions: frozenset[Permission]) -> Actor:
        return Actor(
            kind=kind,
            organization=self.office.operator.organization,
            permissions=permissions,
            user=UserId(new_uuid()) if kind is ActorKind.USER else None,
            connection=self.okta.id if kind is ActorKind.CONNECTION else None,
        )


@pytest.fixture
async def scene(office: Acme) -> Scene:
    def work() -> Work:
        return office.room.open(office.operator, ORIGIN)

    ada, eve = await office.user("ada@acme.example"), await office.user("eve@acme.example")
    async with work() as done:
        team = await groups.create(done, {"displayName": "Support"}, [ada.id])
        case = await cases.create(done, {"subject": "Broken link"}, ada.id)
        role = await roles.create(done, Wanted(name="Agent"))
        okta = await connections.create(done, name="Okta")
        provider = await saml.create(done, SamlWanted(name="Okta"), PROVIDER)
    async with work() as done:
        await users.delete(done, await users.get(done, eve.id))
        issued, _ = await tokens.issue(done, okta, scopes=_LEAST)
    token = await tokens.find(office.database, office.operator.organization, issued)
    async with work() as done:
        ada, team = await users.get(done, ada.id), await groups.get(done, team.id)
    return Scene(
        office=office,
        ada=ada,
        eve=eve,
        team=team,
        case=case,
        role=role,
        okta=okta,
        token=token,
        provider=provider,
    )


Act = Callable[[Work, Scene], Awaitable[Any]]


async def _organization_updated(work: Work, scene: Scene) -> None:
    acme = await organizations.find(scene.office.database, "acme")
    await organizations.update(work, acme, title="Acme")


async def _restored(work: Work, scene: Scene) -> None:
    await bin.restore(work, await bin.find(work, str(scene.eve.id)))


async def _purged(work: Work, scene: Scene) -> None:
    await bin.purge(work, await bin.find(work, str(scene.eve.id)))


ACTIONS: dict[str, tuple[Permission, Act]] = {
    "make a SAML connection": (
        Permission.SAML_MANAGE,
        lambda work, _: saml.create(work, SamlWanted(name="Entra"), replace(PROVIDER, entity_id="urn:entra")),
    ),
    "change a SAML connection": (
        Permission.SAML_MANAGE,
        lambda work, scene: saml.update(work, scene.provider, SamlWanted(name="Other")),
    ),
    "switch a SAML connection": (
        Permission.SAML_MANAGE,
        lambda work, scene: saml.switch(work, scene.provider, State.TESTING),
    ),
    "add a user": (
        Permission.USERS_CREATE,
        lambda work, _: users.create(work, {"userName": "new@acme.example"}),
    ),
    "add a user as administrators do": (
        Permission.USERS_CREATE,
        lambda work, _: users.add(
            work,
            {"userName": "new@acme.example", "name": {"givenName": "Grace", "familyName": "Hopper"}},
        ),
    ),
    "change a user": (
        Permission.USERS_UPDATE,
        lambda work, scene: users.update(work, scene.ada, {**scene.ada.document, "title": "Lead"}),
    ),
    "deactivate a user": (Permission.USERS_UPDATE, lambda work, scene: users.deactivate(work, scene.ada)),
    "delete a user": (Permission.USERS_DELETE, lambda work, scene: users.delete(work, scene.ada)),
    "restore a user": (Permission.USERS_DELETE, _restored),
    "purge a user": (Permission.USERS_DELETE, _purged),
    "clone a user": (Permission.USERS_CLONE, lambda work, scene: cloning.clone(work, scene.ada)),
    "add a user with a password": (
        Permission.USERS_SET_PASSWORD,
        lambda work, _: users.create(work, {"userName": "new@acme.example"}, _DESK.take("seven grey herons")),
    ),
    "change a user's password with the user": (
        Permission.USERS_SET_PASSWORD,
        lambda work, scene: users.update(
            work, scene.ada, scene.ada.document, _DESK.take("seven grey herons")
        ),
    ),
    "set a password": (
        Permission.USERS_SET_PASSWORD,
        lambda work, scene: passwords.set_by_administrator(work, scene.ada, _DESK.take("seven grey herons")),
    ),
    "take a password away": (
        Permission.USERS_SET_PASSWORD,
        lambda work, scene: passwords.clear(work, scene.ada),
    ),
    "mail a link": (
        Permission.USERS_MAIL_RESET_LINK,
        lambda work, scene: password_resets.mail_link(work, scene.ada, Purpose.ADMINISTRATOR),
    ),
    "withdraw a link": (
        Permission.USERS_MAIL_RESET_LINK,
        lambda work, scene: password_resets.withdraw(work, scene.ada),
    ),
    "add a user with a role": (
        Permission.USERS_ASSIGN_ROLE,
        lambda work, _: users.create(work, {"userName": "new@acme.example", "roles": [{"value": "Agent"}]}),
    ),
    "give a user another role": (
        Permission.USERS_ASSIGN_ROLE,
        lambda work, scene: users.update(
            work, scene.ada, {**scene.ada.document, "roles": [{"value": "Agent"}]}
        ),
    ),
    "give a role to many": (
        Permission.USERS_ASSIGN_ROLE,
        lambda work, scene: roles.give(work, scene.role, {scene.ada.id}),
    ),
    "export users": (Permission.USERS_EXPORT, lambda work, _: transfer.begin(work, "acme")),
    "add a Team": (
        Permission.GROUPS_WRITE,
        lambda work, _: groups.create(work, {"displayName": "Sales"}, []),
    ),
    "change a Team": (
        Permission.GROUPS_WRITE,
        lambda work, scene: groups.update(work, scene.team, {"displayName": "Sales"}, []),
    ),
    "delete a Team": (Permission.GROUPS_WRITE, lambda work, scene: groups.delete(work, scene.team)),
    "have a user leave a Team": (
        Permission.GROUPS_WRITE,
        lambda work, scene: groups.move(work, scene.ada.id, joining=(), leaving={scene.team.id}),
    ),
    "add a Case": (Permission.CASES_WRITE, lambda work, _: cases.create(work, {"subject": "New"}, None)),
    "change a Case": (
        Permission.CASES_WRITE,
        lambda work, scene: cases.update(work, scene.case, {"subject": "Old"}, None),
    ),
    "delete a Case": (Permission.CASES_WRITE, lambda work, scene: cases.delete(work, scene.case)),
    "add a role": (Permission.ROLES_MANAGE, lambda work, _: roles.create(work, Wanted(name="Lead"))),
    "clone a role": (Permission.ROLES_MANAGE, lambda work, scene: roles.clone(work, scene.role, "Lead")),
    "change a role": (
        Permission.ROLES_MANAGE,
        lambda work, scene: roles.update(work, scene.role, Wanted(name="Lead")),
    ),
    "delete a role": (Permission.ROLES_MANAGE, lambda work, scene: roles.delete(work, scene.role)),
    "add an Email Domain": (Permission.DOMAINS_MANAGE, lambda work, _: domains.add(work, "more.example")),
    "take an Email Domain for proven": (
        Permission.DOMAINS_MANAGE,
        lambda work, _: domains.take_for_proven(work, "acme.example"),
    ),
    "remove an Email Domain": (
        Permission.DOMAINS_MANAGE,
        lambda work, _: domains.remove(work, "acme.example"),
    ),
    "add a connection": (
        Permission.CONNECTIONS_MANAGE,
        lambda work, _: connections.create(work, name="Entra"),
    ),
    "change a connection": (
        Permission.CONNECTIONS_MANAGE,
        lambda work, scene: connections.update(work, scene.okta, strict=True),
    ),
    "let a connection go on": (
        Permission.CONNECTIONS_MANAGE,
        lambda work, scene: removals.resume(work, scene.okta.id, "Okta"),
    ),
    "issue a token": (
        Permission.TOKENS_MANAGE,
        lambda work, scene: tokens.issue(work, scene.okta, scopes=_LEAST),
    ),
    "revoke a token": (Permission.TOKENS_MANAGE, lambda work, scene: tokens.revoke(work, scene.token)),
    "see the sessions of another": (
        Permission.SESSIONS_MANAGE,
        lambda work, scene: sessions.every(work, scene.ada.id),
    ),
    "end the sessions of another": (
        Permission.SESSIONS_MANAGE,
        lambda work, scene: sessions.sign_out(work, scene.ada.id),
    ),
    "add an organisation": (
        Permission.ORGANIZATIONS_MANAGE,
        lambda work, _: organizations.create(work, name="other"),
    ),
    "change an organisation": (Permission.ORGANIZATIONS_MANAGE, _organization_updated),
}
BESIDE = {
    "add a user with a password": Permission.USERS_CREATE,
    "change a user's password with the user": Permission.USERS_UPDATE,
    "add a user with a role": Permission.USERS_CREATE,
    "give a user another role": Permission.USERS_UPDATE,
    # Nobody issues a token that may do more than they.
    "issue a token": Permission.SESSIONS_INTROSPECT,
}
"""What an action takes beside the permission in question."""

ASKED_BY_FACES = {
    Permission.USERS_READ,
    Permission.GROUPS_READ,
    Permission.CASES_READ,
    Permission.ROLES_READ,
    Permission.SESSIONS_INTROSPECT,
    Permission.LOG_READ,
}
"""Those of reading, which is no action of the directory."""


def test_every_permission_is_one_of_an_action():
    assert {permission for permission, _ in ACTIONS.values()} == frozenset(Permission) - ASKED_BY_FACES


class _Undone(Exception):
    """Takes back what was done."""


def undo() -> NoReturn:
    raise _Undone


async def refusal_of(scene: Scene, actor: Actor, act: Act) -> str:
    """Why an action is refused to somebody; "" where it would have been done."""
    try:
        async with scene.office.room.open(actor, ORIGIN) as work:
            await act(work, scene)
            undo()
    except _Undone:
        return ""
    except NotPermitted as refused:
        return refused.detail


@pytest.mark.parametrize("kind", [ActorKind.USER, ActorKind.CONNECTION, ActorKind.SYSTEM])
async def test_actions_are_refused_to_whoever_has_all_other_permissions(scene: Scene, kind: ActorKind):
    before = await scene.held()
    refusals = {
        name: await refusal_of(scene, scene.actor(kind, frozenset(Permission) - {permission}), act)
        for name, (permission, act) in ACTIONS.items()
    }
    assert [name for name, (permission, _) in ACTIONS.items() if permission not in refusals[name]] == []
    assert await scene.held() == before


async def test_actions_take_no_other_permission(scene: Scene):
    refusals: dict[str, str] = {}
    for name, (permission, act) in ACTIONS.items():
        enough = with_prerequisites({permission, *([BESIDE[name]] if name in BESIDE else [])})
        refusals[name] = await refusal_of(scene, scene.actor(ActorKind.USER, enough), act)
    assert {name: refusal for name, refusal in refusals.items() if refusal} == {}
