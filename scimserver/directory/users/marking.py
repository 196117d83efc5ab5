"""Who is SAML-managed (rule P8): marked, by the organisation's policy or one by one, and what a mark does.

Whoever is marked has no password here, nor anything by which one could be had; that ends in the same
transaction. Who is not marked any more is mailed an invitation to set one.
Proven by tests/api/test_saml_managed.py.
"""

from enum import Enum, auto
from typing import Final, TypeAlias

from scimserver.directory import password_resets, passwords, sessions
from scimserver.directory.mailboxes import mailbox
from scimserver.directory.organizations import Addresses
from scimserver.directory.users import store
from scimserver.directory.users.model import User
from scimserver.directory.users.store import WritingContext
from scimserver.kernel.errors import Immutable, InvalidValue
from scimserver.kernel.facts import Change
from scimserver.kernel.providers import IdentityProvider
from scimserver.work import Work

ATTRIBUTE: Final = "samlManaged"


class Mark(Enum):
    """What somebody wants of a user's mark."""

    AS_IS = auto()
    """Nothing: it stays, or a new user gets the one of the domain."""

    ON = auto()
    OFF = auto()

    UNSAID = auto()
    """Off, as if nobody had ever said anything."""

    AGAIN = auto()
    """A user comes back who was SAML-managed: on, if any identity provider is in use."""


WantedMark: TypeAlias = Mark | IdentityProvider
"""What is wanted of a user's mark; an identity provider makes a user known whom it signs in."""


def marked(
    wanted: WantedMark, previous: User | None, context: WritingContext, *, moved: bool
) -> tuple[IdentityProvider | None, bool | None]:
    """By what a user signs in from now on, and what a client said of it.

    `moved` says that the address is another one than before. Where user names are free, a mark is kept as it
    comes, like roles and time zones.
    Whoever has a recovery account is never SAML-managed, wherever the address is.
    Raises `InvalidValue` where there is no identity provider, or such an account; `Immutable` where the
    domain decides otherwise.
    """
    current, said = (previous.provider, previous.mark) if previous else (None, None)
    if previous is not None and previous.recovers:
        return None, _said_of_recovery(wanted, said)
    match wanted:
        case IdentityProvider():
            if context.enforced is not None and context.enforced.id != wanted.id:
                raise Immutable(
                    f"Everybody whose address is in this Email Domain signs in by '{context.enforced.name}'.",
                    attribute=ATTRIBUTE,
                )
            return wanted, None
        case Mark.AS_IS:
            return (context.enforced if moved and context.enforced is not None else current), said
        case Mark.AGAIN:
            return context.enforced or context.in_use, None
        case Mark.ON:
            provider = current or context.enforced or context.in_use
            if provider is None and context.addresses is Addresses.REQUIRED:
                raise InvalidValue(
                    "The organisation has no SAML connection that is active: set one up first"
                    " (`scimserver saml create`), or leave samlManaged false.",
                    attribute=ATTRIBUTE,
                )
            return provider, True
        case Mark.OFF | Mark.UNSAID:
            if context.enforced is not None:
                raise Immutable(
                    "Everybody whose address is in this Email Domain signs in by the identity provider"
                    f" '{context.enforced.name}': samlManaged stays true until that ends.",
                    attribute=ATTRIBUTE,
                )
            return None, False if wanted is Mark.OFF else None


def _said_of_recovery(wanted: WantedMark, said: bool | None) -> bool | None:
    match wanted:
        case Mark.ON | Mark.AGAIN | IdentityProvider():
            raise InvalidValue(
                "This user has a recovery account, which gets in when the identity provider lets nobody in:"
                " withdraw it first (`scimserver recovery withdraw`), or leave samlManaged false.",
                attribute=ATTRIBUTE,
            )
        case Mark.OFF:
            return False
        case Mark.UNSAID:
            return None
        case Mark.AS_IS:
            return said


def changes_of(old: User | None, new: User) -> tuple[Change, ...]:
    """What the log says of a mark that changes: the connection by its id, too."""
    before, after = old.provider if old else None, new.provider
    said = Change(path=ATTRIBUTE, old=old.saml_managed if old else None, new=new.saml_managed)
    by = Change(
        path="identityProvider",
        old=str(before.id) if before else None,
        new=str(after.id) if after else None,
    )
    return tuple(change for change in (said, by) if change.old != change.new)


async def carry_out(work: Work, old: User, new: User) -> None:
    """End what does not go with a user's mark, where it changes. The user's next version is staged before."""
    before, after = old.provider, new.provider
    if (before and before.id) == (after and after.id):
        return
    if before is not None:
        await sessions.end_every(work, new.id)
        await work.run(store.UNLINK, work.actor.organization, new.id)
    if after is not None:
        await passwords.give_up(work, new)
    elif new.active and mailbox(new.user_name, new.document) is not None:
        password_resets.invite(work, new)
