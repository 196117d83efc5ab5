"""A stored password: what may be done with it, and what is kept of it."""

from datetime import UTC, datetime, timedelta

import pytest

from scimserver.directory.passwords import Credential, Profile, SetBy, Standing
from scimserver.directory.passwords.model import UNUSED_FOR
from scimserver.directory.passwords.policy import RULES, Rules
from scimserver.kernel.ids import UserId, new_uuid

SET = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
SECOND = timedelta(seconds=1)
DEFAULT, PCI = RULES[Profile.DEFAULT], RULES[Profile.PCI]


def credential(*, must_change: bool = False, expires: datetime | None = None, former: int = 0) -> Credential:
    return Credential(
        user=UserId(new_uuid()),
        phc="secret0",
        changed=SET,
        must_change=must_change,
        expires=expires,
        set_by=SetBy.OWNER,
        former=[f"secret{number + 1}" for number in range(former)],
    )


@pytest.mark.parametrize(
    "stored,rules,after,standing",
    [
        (credential(), DEFAULT, timedelta(days=3650), Standing.VALID),
        (credential(must_change=True), DEFAULT, timedelta(0), Standing.MUST_CHANGE),
        (credential(expires=SET + UNUSED_FOR), DEFAULT, UNUSED_FOR - SECOND, Standing.VALID),
        (credential(expires=SET + UNUSED_FOR), DEFAULT, UNUSED_FOR, Standing.EXPIRED),
        (credential(must_change=True, expires=SET + UNUSED_FOR), DEFAULT, UNUSED_FOR, Standing.EXPIRED),
        (credential(), PCI, timedelta(days=90) - SECOND, Standing.VALID),
        (credential(), PCI, timedelta(days=90), Standing.TOO_OLD),
    ],
)
def test_password_is_good_for_what_it_is(
    stored: Credential, rules: Rules, after: timedelta, standing: Standing
):
    assert stored.standing(rules, SET + after) is standing


def test_password_that_an_administrator_set_waits_for_a_day():
    assert timedelta(hours=24) == UNUSED_FOR


@pytest.mark.parametrize("former,kept", [(0, 1), (1, 2), (3, 3), (7, 3)])
def test_last_four_are_the_current_one_and_three_more(former: int, kept: int):
    assert credential(former=former).remembered(PCI) == tuple(f"secret{number}" for number in range(kept))


def test_nothing_is_kept_where_nobody_looks():
    assert credential(former=3).remembered(DEFAULT) == ()


def test_digests_are_not_shown():
    assert "secret" not in repr(credential(former=2))
