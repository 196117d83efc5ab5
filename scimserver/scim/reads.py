"""What clients read: resources and pages of them, from stored bytes, in one statement each."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, cast
from uuid import UUID

from scim2_models import InvalidCursorException, ResourceType, SearchRequest

from scimserver.db.pool import Database
from scimserver.directory import domains, views
from scimserver.directory.views import View, view_of
from scimserver.kernel.facts import Json
from scimserver.kernel.ids import OrganizationId
from scimserver.scim.columns import CASES, GROUPS, ROLES, USERS
from scimserver.scim.models import DIRECTORY_USER_SCHEMA, ENTERPRISE_SCHEMA
from scimserver.scim.page_sql import RowColumns
from scimserver.scim.projection import Projector
from scimserver.scim.search_sql import Page, Row, Search, SearchStatement, statement


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """A page of resources, each with the name of its type; positions are for cursors."""

    views: Sequence[tuple[str, View]]
    total: int | None
    next: Any = None
    previous: Any = None


_WHOLE: Final = {
    "User": views.VIEW_USER,
    "Group": views.VIEW_GROUP,
    "Role": views.VIEW_ROLE,
    "Case": views.VIEW_CASE,
}
_PLAIN: Final = {
    "User": views.VIEW_USER_PLAIN,
    "Group": views.VIEW_GROUP_PLAIN,
    "Role": views.VIEW_ROLE,
    "Case": views.VIEW_CASE_PLAIN,
}

WHOLE_ROWS: Final = {
    "User": RowColumns(table=USERS, select=views.USER_DERIVED_COLUMNS, joins=views.USER_DERIVED_JOINS),
    "Group": RowColumns(table=GROUPS, select=views.GROUP_DERIVED_COLUMNS, joins=views.GROUP_DERIVED_JOINS),
    "Role": RowColumns(table=ROLES, select=views.ROLE_COLUMNS),
    "Case": RowColumns(table=CASES, select=views.CASE_DERIVED_COLUMNS, joins=views.CASE_DERIVED_JOINS),
}
"""What a page holds of each resource that is answered whole."""

PLAIN_ROWS: Final = {
    "User": RowColumns(table=USERS, select=views.USER_COLUMNS),
    "Group": RowColumns(table=GROUPS, select=views.GROUP_COLUMNS),
    "Role": RowColumns(table=ROLES, select=views.ROLE_COLUMNS),
    "Case": RowColumns(table=CASES, select=views.CASE_COLUMNS),
}
"""The same where the answer carries nothing that derives from elsewhere."""

_SUBJECT: Final = f"{DIRECTORY_USER_SCHEMA}:samlSubject"
_SUBJECT_ROWS: Final = RowColumns(
    table=USERS, select=views.USER_SUBJECT_COLUMNS, joins=views.USER_DERIVED_JOINS
)
"""The same for users where somebody asks as whom their identity provider knows them."""

_DERIVED: Final = {"Group": "members", "Case": "owner"}
"""The one attribute that derives from elsewhere, of the types beside users that have one."""


class Reads:
    """Reads of one database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def one(
        self, organization: OrganizationId, kind: str, resource: UUID | str, projector: Projector
    ) -> View | None:
        """A resource of a type, or None; what the answer does not carry is not read.

        An id that is known to be a UUID may come as text: the driver reads it faster than Python does.
        """
        query = (_WHOLE if _needs_derived(kind, projector) else _PLAIN)[kind]
        if _needs_subject(kind, projector):
            query = views.VIEW_USER_SUBJECT
        row = await self._database.fetchrow(query, organization, resource)
        return view_of(row) if row else None

    async def may_have_passwords(self, organization: OrganizationId) -> bool:
        """Whether anybody of an organisation may have a password here, as its policy is."""
        return not await domains.all_enforced(self._database, organization)

    async def search(
        self,
        organization: OrganizationId,
        types: Sequence[ResourceType],
        search: SearchRequest[Any],
        position: Any,
        projectors: Mapping[str, Projector] | None = None,
    ) -> Found:
        """A page of the resources that match, of one or several types.

        Raises `InvalidFilterException`, `InvalidCursorException`, `TooMany`.
        """
        asked = Search.of(search, _own(position, organization))
        kinds = [str(kind.name) for kind in types]
        return await self.run(self.plan(organization, kinds, asked, projectors))

    def plan(
        self,
        organization: OrganizationId,
        kinds: Sequence[str],
        asked: Search,
        projectors: Mapping[str, Projector] | None = None,
    ) -> SearchStatement:
        """What would be run for a search of ours over resource types. Raises as `search` does."""
        rows = [_rows(kind, projectors) for kind in kinds]
        return statement(asked, *rows, organization=organization)

    async def run(self, planned: SearchStatement) -> Found:
        """A page by what was planned. Raises `TooMany`."""
        page = Page(rows=(), total=None)
        if planned.query is not None:
            run = self._database.fetch if planned.hot else self._database.search
            rows = await run(planned.query, *planned.arguments)
            page = planned.page(cast(Sequence[Row], rows))
        total = page.total
        if total is None and (not planned.search.by_cursor or planned.query is None):
            [counted] = await self._database.search(planned.count, *planned.count_arguments)
            total = counted["total"]
        organization = planned.organization
        return Found(
            views=[(row["kind"], view_of(row)) for row in page.rows],
            total=total,
            next=_bound(page.next, organization),
            previous=_bound(page.previous, organization),
        )


def _rows(name: str, projectors: Mapping[str, Projector] | None) -> RowColumns:
    if projectors is not None and _needs_subject(name, projectors[name]):
        return _SUBJECT_ROWS
    whole = projectors is None or _needs_derived(name, projectors[name])
    return (WHOLE_ROWS if whole else PLAIN_ROWS)[name]


def _needs_derived(name: str, projector: Projector) -> bool:
    if projector.is_identity:
        return True
    if name != "User":
        return name in _DERIVED and projector.needs(_DERIVED[name])
    return any(map(projector.needs, ("groups", ENTERPRISE_SCHEMA, DIRECTORY_USER_SCHEMA)))


def _needs_subject(name: str, projector: Projector) -> bool:
    return name == "User" and projector.needs(_SUBJECT)


def _bound(position: Json, organization: OrganizationId) -> Json:
    """A position that only its organisation can come back to."""
    return None if position is None else {"o": str(organization), "p": position}


def _own(position: Any, organization: OrganizationId) -> Any:
    """The position inside, where it is the organisation's own. Raises `InvalidCursorException`."""
    match position:
        case None:
            return None
        case {"o": str(owner), "p": inner} if owner == str(organization):
            return inner
        case _:
            raise InvalidCursorException
