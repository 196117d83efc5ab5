"""Refused credentials: the first of a kind is told at once, the others are counted."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from scimserver.access.refusals import MOST_KINDS, WINDOW, Aim, Refusals
from scimserver.audit.entry import Entry
from scimserver.kernel.actor import NOBODY, Actor, ActorKind, Origin
from scimserver.kernel.facts import Outcome
from scimserver.kernel.ids import INSTALLATION, OrganizationId, TokenId, UserId, new_uuid

NOON = datetime(2026, 1, 2, 12, tzinfo=UTC)
OURS = OrganizationId(UUID(int=1))


def seen(
    refusals: Refusals, address: str = "192.0.2.1", *, actor: Actor = NOBODY, after: float = 0
) -> Entry | None:
    """See one refusal, so many seconds after noon."""
    origin = Origin(request_id="r", client_address=address)
    return refusals.seen(actor, origin, reason="unauthenticated", now=NOON + timedelta(seconds=after))


def ended(token: int) -> Actor:
    """Whose token has ended."""
    return Actor(
        kind=ActorKind.CONNECTION,
        organization=OURS,
        permissions=frozenset(),
        credential=TokenId(UUID(int=token)),
    )


def test_first_refusal_is_told_at_once():
    entry = seen(Refusals())
    assert entry is not None
    assert (entry.event, entry.outcome, entry.reason) == (
        "credential.refuse",
        Outcome.FAILURE,
        "unauthenticated",
    )
    assert (entry.status, entry.count, entry.organization) == (401, 1, INSTALLATION)


def test_like_refusals_are_counted():
    refusals = Refusals()
    assert [seen(refusals) is None for _ in range(5)] == [False, True, True, True, True]
    [counted] = refusals.due(NOON + WINDOW)
    assert (counted.count, counted.occurred) == (4, NOON + WINDOW)


@pytest.mark.parametrize("other", ["198.51.100.1", "2001:db8::1"])
def test_refusals_from_another_address_are_of_another_kind(other: str):
    refusals = Refusals()
    seen(refusals)
    assert seen(refusals, other) is not None


def test_refusals_of_another_token_are_of_another_kind():
    refusals = Refusals()
    assert seen(refusals, actor=ended(1)) is not None
    assert seen(refusals, actor=ended(2)) is not None


@pytest.mark.parametrize(
    "other",
    [{"reason": "too_many_failures", "status": 429}, {"reason": "unauthenticated", "event": "user.create"}],
)
def test_refusals_for_another_reason_or_of_another_attempt_are_of_another_kind(other: dict[str, Any]):
    refusals, origin = Refusals(), Origin(request_id="r", client_address="192.0.2.1")
    seen(refusals)
    assert refusals.seen(NOBODY, origin, now=NOON, **other) is not None
    assert refusals.seen(NOBODY, origin, now=NOON, **other) is None


def test_count_says_what_was_attempted_and_why_it_was_refused():
    refusals, origin = Refusals(), Origin(request_id="r")
    for _ in range(3):
        refusals.seen(ended(1), origin, reason="rate_limited", now=NOON, status=429, event="user.delete")
    [counted] = refusals.due(NOON + WINDOW)
    assert (counted.event, counted.reason, counted.status, counted.count) == (
        "user.delete",
        "rate_limited",
        429,
        2,
    )


def test_refusal_of_a_known_token_belongs_to_its_organization():
    entry = seen(Refusals(), actor=ended(1))
    assert entry is not None
    assert entry.organization == OURS


def test_single_refusal_needs_no_count():
    refusals = Refusals()
    seen(refusals)
    assert refusals.due(NOON + WINDOW) == []


def test_open_window_is_not_due():
    refusals = Refusals()
    seen(refusals)
    seen(refusals)
    assert refusals.due(NOON + WINDOW - timedelta(seconds=1)) == []


def test_open_window_is_told_of_at_the_end():
    refusals = Refusals()
    seen(refusals)
    seen(refusals)
    assert [entry.count for entry in refusals.due(NOON, everything=True)] == [1]


def test_window_is_told_of_once():
    refusals = Refusals()
    seen(refusals)
    seen(refusals)
    refusals.due(NOON + WINDOW)
    assert refusals.due(NOON + WINDOW) == []


def test_window_that_is_over_opens_anew():
    refusals = Refusals()
    seen(refusals)
    refusals.due(NOON + WINDOW)
    assert seen(refusals, after=61) is not None


def test_kinds_beyond_the_bound_fall_together():
    refusals = Refusals()
    entries = [seen(refusals, f"192.0.{n // 256}.{n % 256}") for n in range(MOST_KINDS + 50)]
    told = [entry for entry in entries if entry is not None]
    assert len(told) == MOST_KINDS + 1
    assert [entry.count for entry in refusals.due(NOON + WINDOW)] == [49]


def test_every_refusal_is_told_or_counted():
    refusals = Refusals()
    told = [seen(refusals, f"192.0.{n % 7}.{n % 5}") for n in range(1000)]
    counted = refusals.due(NOON + WINDOW)
    assert sum(entry.count for entry in told if entry) + sum(entry.count for entry in counted) == 1000


def test_entries_have_ids_of_their_own():
    refusals = Refusals()
    first = seen(refusals)
    seen(refusals)
    [counted] = refusals.due(NOON + WINDOW)
    assert first is not None
    assert len({first.id, counted.id, new_uuid()}) == 3


# -- attempts to sign in -----------------------------------------------------------

ADA = UserId(UUID(int=11))


def aimed(refusals: Refusals, account: int, *, user: UserId | None = None, after: float = 0) -> Entry | None:
    """See somebody refused who wanted to be an account's owner."""
    origin = Origin(request_id="r", client_address="192.0.2.1")
    aim = Aim(account=UUID(int=account), user=user, user_name="ada@example.com" if user else "")
    now = NOON + timedelta(seconds=after)
    return refusals.seen(
        NOBODY, origin, reason="wrong", now=now, status=None, event="session.sign_in", aim=aim
    )


def test_refusal_says_whom_somebody_wanted_to_be():
    entry = aimed(Refusals(), 11, user=ADA)
    assert entry is not None
    assert (entry.target_kind, entry.target, entry.display) == ("User", ADA, "ada@example.com")
    assert entry.status is None


def test_refusal_of_nobody_says_nothing_of_whom():
    entry = aimed(Refusals(), 12)
    assert entry is not None
    assert (entry.target_kind, entry.target, entry.display) == (None, None, "")


@pytest.mark.parametrize("user", [ADA, None], ids=["a user", "nobody"])
def test_accounts_are_told_apart_in_the_same_way(user: UserId | None):
    refusals = Refusals()
    told = [aimed(refusals, account, user=user) is not None for account in (11, 11, 12, 11, 12)]
    assert told == [True, False, True, False, False]
    assert [entry.count for entry in refusals.due(NOON + WINDOW)] == [2, 1]


def test_accounts_beyond_the_bound_fall_together_without_a_name():
    refusals = Refusals()
    for account in range(MOST_KINDS):
        assert aimed(refusals, account, user=ADA) is not None
    beyond = aimed(refusals, MOST_KINDS, user=ADA)
    assert beyond is not None
    assert (beyond.target, beyond.display) == (None, "")
    assert aimed(refusals, MOST_KINDS + 1, user=ADA) is None
