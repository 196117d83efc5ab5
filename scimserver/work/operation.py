"""One attempt to change something, over all the times that it is tried: exactly one of them counts.

Whatever becomes of the attempt is written as a log entry with the operation's id: the change (in
the statement or transaction that changes), the finding that nothing had to change, or the refusal.
The log's primary key lets one of these be committed. So a try after one whose outcome was not seen
cannot change anything twice, and once a failure is on record the change can not happen any more.
Proven by tests/api/test_faults_matrix.py.
"""

from scimserver.db.violations import ConstraintViolated, ViolationKind
from scimserver.kernel.errors import Unavailable
from scimserver.kernel.ids import EntryId, new_uuid

ENTRY_KEYS = frozenset({"log_entries_pkey", "log_values_pkey"})
"""The constraints that let an operation be decided once; PostgreSQL may meet either first."""


class Operation:
    """What the tries of one attempt have in common."""

    __slots__ = ("_id", "decided", "event", "written")

    def __init__(self) -> None:
        self._id: EntryId | None = None
        self.written = ""
        """The text of the entry that the latest try sent: it tells the tries apart."""
        self.event: str | None = None
        """What is attempted, where only the body of a request says it."""
        self.decided = False
        """Whether there is nothing left to put on record: it is there, or cannot be had."""

    @property
    def id(self) -> EntryId:
        """The id of the operation's first entry, made when it is first needed.

        Entries are followed in the order of their ids: the less time passes until the commit, the better.
        """
        if self._id is None:
            self._id = EntryId(new_uuid())
        return self._id

    def renew(self) -> None:
        """Begin anew, for when no try can have been committed: the next one gets an id in its own order."""
        self._id = None
        self.written = ""


class AlreadyRecorded(ConstraintViolated):
    """The log holds an entry of that id: an earlier try was committed although nobody heard of it."""

    def __init__(self) -> None:
        super().__init__("log_entries_pkey", ViolationKind.UNIQUE)


class OutcomeUnknown(Unavailable):
    """A try may have been committed, and the log could neither be asked nor told."""
