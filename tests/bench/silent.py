"""The server without its provisioning log: facts are noted and never written, nothing else differs.

A user is written by the statement that inserts the user, without the half that records. It exists to
be compared with, and takes creates only. Run as `python -m tests.bench.silent serve`.
"""

from functools import cache
from unittest.mock import patch

from scimserver.cli import main
from scimserver.db.queries import alone
from scimserver.work import work


def _nothing(_: work.Work) -> tuple[object, ...]:
    return ()


if __name__ == "__main__":
    with (
        patch.object(work, "_recorded", cache(alone)),
        patch.object(work.Work, "_record_arguments", _nothing),
    ):
        main()
