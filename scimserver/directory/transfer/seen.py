"""Which users a file has named already: each may stand in it once."""

from scimserver.directory.users import User
from scimserver.kernel.addresses import address_key
from scimserver.kernel.errors import InvalidValue


class Seen:
    """Who was named by the rows so far, old names and new ones. Hashes, because there may be a million."""

    def __init__(self) -> None:
        self._users: set[int] = set()
        self._names: set[int] = set()

    def require_new(self, user_name: str | None, current: User | None) -> None:
        """Raise `InvalidValue` where an earlier row was about the same user, or one of the same name.

        Else the same file would never come to rest, and a rehearsal could not tell how rows follow.
        """
        names = [name for name in (user_name, current.user_name if current else None) if name]
        if any(_mark(name) in self._names for name in names) or (current and hash(current.id) in self._users):
            raise InvalidValue("An earlier row of the file names this user already.", attribute="userName")

    def add(self, user: User) -> None:
        """A row was about this user."""
        self._users.add(hash(user.id))
        self._names.add(_mark(user.user_name))


def _mark(name: str) -> int:
    """A number of 64 bits for a name: that two of a million are alike does not happen."""
    return hash(address_key(name))
