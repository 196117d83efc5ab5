"""The server without its provisioning log: facts are noted and never written, nothing else differs.

A user is written by the statement that inserts the user, without the half that records. It exists to
be compared with, and takes creates only. Run as `python -m tests.bench.silent serve`.
"""

from functools import cache
from unittest.mock import patch

from scimserver.audit import store
from scimserver.cli import main
from scimserver.db.queries import ChangeClause, Query, RecordClause, alone
from scimserver.work import work


def _nothing(*_: object) -> store.Appending:
    return store.Appending(store.APPEND_ONE, ())


@cache
def _unrecorded(change: ChangeClause, _: RecordClause) -> Query:
    return alone(change)


if __name__ == "__main__":
    with (
        patch.object(work, "recorded", _unrecorded),
        patch.object(work.Work, "_record", _nothing),
    ):
        main()
