"""Walking through all users, page by page, as an identity provider does when it imports."""

import json
from contextlib import closing
from http.client import HTTPConnection
from typing import Any, Final

from tests.bench.database import Organization

_PATIENCE_S: Final = 60.0


def walk(port: int, organization: Organization, *, count: int, pages: int) -> int:
    """Read users by cursor, to the last one or for so many pages; how many there were."""
    users, cursor = 0, ""
    with closing(HTTPConnection("127.0.0.1", port, timeout=_PATIENCE_S)) as connection:
        for _ in range(pages):
            page = _page(connection, organization, cursor, count)
            users, cursor = users + len(page["Resources"]), page.get("nextCursor")
            if cursor is None:
                break
    return users


def cursor_of(port: int, organization: Organization, number: int, *, count: int) -> str:
    """The cursor of a page, found as a client finds it: a cursor belongs to the `count` it began with."""
    cursor = ""
    with closing(HTTPConnection("127.0.0.1", port, timeout=_PATIENCE_S)) as connection:
        for _ in range(number - 1):
            cursor = _page(connection, organization, cursor, count)["nextCursor"]
    return cursor


def _page(connection: HTTPConnection, organization: Organization, cursor: str, count: int) -> dict[str, Any]:
    connection.request(
        "GET",
        f"/scim/v2/Users?cursor={cursor}&count={count}",
        headers={"Authorization": f"Bearer {organization.token}"},
    )
    answer = connection.getresponse()
    body = answer.read()
    assert answer.status == 200, body[:2000]
    return json.loads(body)
