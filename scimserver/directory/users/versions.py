"""What a document by the rules makes of a user: the first version, or the next one, and the row of either."""

from dataclasses import replace

from scimserver.directory.limits import require_bounded
from scimserver.directory.users import store
from scimserver.directory.users.model import Document, User, arranged, columns, encoded, manager_of
from scimserver.directory.users.rules import Settled
from scimserver.directory.views import Reference
from scimserver.kernel.ids import UserId
from scimserver.work import Work


async def first_version(work: Work, user: UserId, settled: Settled) -> User:
    """A new user. Raises as `next_version` does."""
    document = arranged(settled.document, user)
    return User(
        id=user,
        active=settled.active,
        role=settled.role,
        permissions=settled.permissions,
        mail_stand_in=settled.mail_stand_in,
        mail_domain=settled.mail_domain,
        version=1,
        created=work.now,
        last_modified=work.now,
        document=document,
        stored=require_bounded(encoded(document)),
        manager=await _manager(work, document, None),
        provider=settled.provider,
        mark=settled.mark,
    )


async def next_version(work: Work, current: User, settled: Settled, document: Document) -> User:
    """The user's next version. Raises `InvalidValue` for a document that is too large."""
    return replace(
        current,
        active=settled.active,
        role=settled.role,
        permissions=settled.permissions,
        mail_stand_in=settled.mail_stand_in,
        mail_domain=settled.mail_domain,
        version=current.version + 1,
        last_modified=work.now,
        document=document,
        stored=require_bounded(encoded(document)),
        manager=await _manager(work, document, current),
        provider=settled.provider,
        mark=settled.mark,
    )


def is_as_settled(current: User, settled: Settled) -> bool:
    """Whether a user is what was settled, the document aside."""
    before = (current.mail_stand_in, current.role, current.provider and current.provider.id, current.mark)
    after = (settled.mail_stand_in, settled.role, settled.provider and settled.provider.id, settled.mark)
    return before == after


def columns_of(user: User) -> tuple[object, ...]:
    """What the row of a user holds beside its identity and version, in the order of the queries."""
    return columns(
        user.document,
        user.stored,
        active=user.active,
        role=user.role,
        mail_stand_in=user.mail_stand_in,
        mail_domain=user.mail_domain,
        provider=user.provider,
        mark=user.mark,
    )


async def _manager(work: Work, document: Document, previous: User | None) -> Reference | None:
    """Who the manager is, asked only when the document names another one than before."""
    manager = manager_of(document)
    if manager is None:
        return None
    if previous is not None and manager == manager_of(previous.document):
        return previous.manager
    return await store.manager(work, UserId(manager))
