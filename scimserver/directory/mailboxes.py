"""Where mail to a user goes: to an address that is stored, or nowhere. Pure.

Proven by tests/unit/test_mailboxes.py.
"""

from collections.abc import Mapping, Sequence
from typing import cast

from scimserver.kernel.addresses import parse_address
from scimserver.kernel.errors import InvalidValue
from scimserver.kernel.facts import Json


def primary_mail(document: Mapping[str, Json]) -> str | None:
    """The value of the e-mail that is marked primary, if any."""
    for entry in cast(Sequence[Mapping[str, Json]], document.get("emails") or ()):
        if entry.get("primary") is True:
            return cast("str | None", entry.get("value"))
    return None


def mailbox(user_name: str, document: Mapping[str, Json]) -> str | None:
    """The address for mail to a user, its domain in A-labels; None where there is none.

    It is the `userName` (rule P1); where that is no address, which only an organisation of free user
    names has, the primary e-mail. A clone's placeholder (rule P6) gets no mail, at no address.
    """
    try:
        named = parse_address(user_name)
    except InvalidValue:
        return deliverable(primary_mail(document) or "")
    return None if named.is_placeholder else f"{named.local}@{named.domain}"


def deliverable(text: str) -> str | None:
    """The address as mail servers know it: the local part as written, the domain in A-labels."""
    try:
        address = parse_address(text)
    except InvalidValue:
        return None
    return None if address.is_placeholder else f"{address.local}@{address.domain}"
