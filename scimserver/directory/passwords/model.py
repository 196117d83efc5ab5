"""A user's password as it is stored, and what may be done with it at a moment. Pure.

Proven by tests/unit/test_password_model.py.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import Enum, StrEnum, auto
from typing import Final, Protocol

from scimserver.directory.passwords.policy import Rules
from scimserver.kernel.facts import Json
from scimserver.kernel.ids import UserId
from scimserver.kernel.permissions import Permission
from scimserver.kernel.providers import IdentityProvider

UNUSED_FOR: Final = timedelta(hours=24)
"""How long a password that an administrator set waits to be used."""


class SetBy(StrEnum):
    """Who set a password. Values are stored: never rename one."""

    OWNER = "owner"
    LINK = "link"
    ADMINISTRATOR = "administrator"
    CONNECTION = "connection"


class Standing(Enum):
    """What somebody who knows a password may do with it."""

    VALID = auto()
    """Sign in."""

    MUST_CHANGE = auto()
    """Choose another one, and nothing else: an administrator set it."""

    TOO_OLD = auto()
    """Choose another one, and nothing else: it is older than the organisation's profile allows."""

    EXPIRED = auto()
    """Nothing: it was not used in time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Credential:
    """A user's password as it is stored."""

    user: UserId
    phc: str = field(repr=False)
    changed: datetime
    must_change: bool
    expires: datetime | None
    """When nobody may sign in with it any more, unless it was used; None where it may wait."""
    set_by: SetBy
    former: Sequence[str] = field(repr=False, default=())
    """Digests of the passwords before, the last one first, where the profile looked at them."""

    def standing(self, rules: Rules, now: datetime) -> Standing:
        """What somebody who knows the password may do with it now."""
        if self.expires is not None and now >= self.expires:
            return Standing.EXPIRED
        if self.must_change:
            return Standing.MUST_CHANGE
        if is_too_old(self.changed, rules, now):
            return Standing.TOO_OLD
        return Standing.VALID

    def remembered(self, rules: Rules) -> tuple[str, ...]:
        """The digests that stay when another password takes this one's place."""
        return (self.phc, *self.former)[: max(0, rules.history - 1)]


def is_too_old(changed: datetime, rules: Rules, now: datetime) -> bool:
    """Whether a password that was set at a moment has to be changed because of its age."""
    return rules.max_age is not None and now - changed >= rules.max_age


class Person(Protocol):
    """A user, as far as passwords are concerned."""

    @property
    def id(self) -> UserId:
        """Whose password it is."""
        ...

    @property
    def version(self) -> int:
        """Which version of the user was looked at."""
        ...

    @property
    def user_name(self) -> str:
        """The address."""
        ...

    @property
    def document(self) -> Mapping[str, Json]:
        """What else the user is called."""
        ...

    @property
    def permissions(self) -> frozenset[Permission]:
        """What the user may do."""
        ...

    @property
    def provider(self) -> IdentityProvider | None:
        """Who manages the user's password instead (P8)."""
        ...
