"""Users on their way out of the directory: on record first, then page by page, never all at once."""

from collections.abc import AsyncGenerator
from typing import Final

from scimserver.db.pool import Database
from scimserver.directory.transfer import store
from scimserver.kernel.facts import Change, Json, UsersExported
from scimserver.kernel.ids import OrganizationId
from scimserver.kernel.permissions import Permission
from scimserver.work import Work

PAGE: Final = 500
"""Users who are read at once."""


async def begin(work: Work, display: str) -> int:
    """Put on record that the organisation's users are exported; how many there are."""
    work.require(Permission.USERS_EXPORT)
    users = await store.count(work)
    changes = (Change(path="users", new=users),)
    work.note(UsersExported(target=work.actor.organization, display=display, changes=changes))
    return users


async def users(
    database: Database, organization: OrganizationId, *, at_once: int = PAGE
) -> AsyncGenerator[dict[str, Json]]:
    """What each user has in each column, in the order of creation; each page as it is when it is read."""
    after = store.FIRST
    while found := await store.page(database, organization, after, at_once):
        for _, values in found:
            yield values
        after = found[-1][0]
