"""What an assertion has to say before anybody is let in by it. Pure.

The signature is verified by then. The library takes a missing word for a yes, a prefix or a part of an
address for the address, and one of several audiences for all of them: here all is required, and equal.
Sources: SAML 2.0 Profiles, section 4.1.4; SAML 2.0 Core, sections 2.4 and 2.5.
Proven by tests/unit/test_saml_hostile.py.
"""

import unicodedata
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from scimserver.access.saml.asserted import Asserted, Confirmation
from scimserver.access.saml.refusal import Why
from scimserver.kernel.domains import hidden_character

SKEW: Final = timedelta(minutes=2)
"""By how much clocks may differ."""

FRESH: Final = timedelta(minutes=10)
"""How long after it was made an assertion is taken."""

REMEMBERED: Final = FRESH + 2 * SKEW
"""How long an assertion that was used may still be shown by a clock that goes wrong twice."""

MAX_NAME_ID: Final = 256
MAX_ID: Final = 256

TRANSIENT: Final = "urn:oasis:names:tc:SAML:2.0:nameid-format:transient"
"""A name that is another one the next time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Expected:
    """What a response is expected to be."""

    entity_id: str
    acs_url: str
    idp_entity_id: str
    request: str | None
    """The id of the request that it answers; None where nobody asked, and nobody had to."""
    authenticated_within: timedelta
    """How long ago somebody may have proved to the identity provider who they are."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One of the checks, by what it is about."""

    why: Why
    says: str
    """What is so where the check passes."""
    holds: Callable[[Asserted, Expected, datetime], bool]


def _is_confirmed(confirmation: Confirmation, expected: Expected, now: datetime) -> bool:
    return (
        confirmation.recipient == expected.acs_url
        and confirmation.not_on_or_after is not None
        and now < confirmation.not_on_or_after + SKEW
        # A bearer's confirmation has no beginning (SAML 2.0 Profiles, section 4.1.4.2).
        and confirmation.not_before is None
        and confirmation.in_response_to == expected.request
    )


def _is_for_us(asserted: Asserted, expected: Expected) -> bool:
    return bool(asserted.audiences) and all(expected.entity_id in named for named in asserted.audiences)


def _is_good_now(asserted: Asserted, now: datetime) -> bool:
    begins, ends = asserted.not_before, asserted.not_on_or_after
    return ends is not None and now < ends + SKEW and (begins is None or begins - SKEW <= now)


def _is_name(name_id: str) -> bool:
    return (
        0 < len(name_id) <= MAX_NAME_ID
        and name_id == name_id.strip()
        and unicodedata.is_normalized("NFC", name_id)
        and hidden_character(name_id) is None
    )


CHECKS: Final = (
    Check(
        why=Why.ISSUER,
        says="the connection's identity provider issued the assertion.",
        holds=lambda asserted, expected, now: asserted.issuer == expected.idp_entity_id,
    ),
    Check(
        why=Why.DESTINATION,
        says="the response is meant for this address.",
        holds=lambda asserted, expected, now: asserted.destination == expected.acs_url,
    ),
    Check(
        why=Why.REQUEST,
        says="the response answers the request that was made.",
        holds=lambda asserted, expected, now: asserted.in_response_to == expected.request,
    ),
    Check(
        why=Why.CONFIRMATION,
        says="each bearer's confirmation is for this address and this request, and in time.",
        holds=lambda asserted, expected, now: (
            bool(asserted.confirmations)
            and all(_is_confirmed(each, expected, now) for each in asserted.confirmations)
        ),
    ),
    Check(
        why=Why.TIME,
        says="the assertion is good now, and says until when.",
        holds=lambda asserted, expected, now: _is_good_now(asserted, now),
    ),
    Check(
        why=Why.AUDIENCE,
        says="each restriction of its audience names this service.",
        holds=lambda asserted, expected, now: _is_for_us(asserted, expected),
    ),
    Check(
        why=Why.TIME,
        says="the assertion was made a moment ago.",
        holds=lambda asserted, expected, now: now - FRESH - SKEW <= asserted.issued <= now + SKEW,
    ),
    Check(
        why=Why.TIME,
        says="the person proved who they are not too long ago.",
        holds=lambda asserted, expected, now: (
            now - expected.authenticated_within - SKEW <= asserted.authenticated <= now + SKEW
        ),
    ),
    Check(
        why=Why.TIME,
        says="the identity provider's session goes on.",
        holds=lambda asserted, expected, now: asserted.session_ends is None or now < asserted.session_ends,
    ),
    Check(
        why=Why.SUBJECT,
        says="the name is one that can be kept, of at most 256 characters that can be seen.",
        holds=lambda asserted, expected, now: (
            _is_name(asserted.name_id) and asserted.name_id_format != TRANSIENT
        ),
    ),
    Check(
        why=Why.REPLAY,
        says="the assertion has an id by which it is known when it comes again.",
        holds=lambda asserted, expected, now: 0 < len(asserted.id) <= MAX_ID,
    ),
)
"""In the order in which they are made, and shown to administrators who try a connection out."""
