from typing import Any

import pytest

from scimserver.scim.dialects import DEVIATIONS
from scimserver.scim.filter_dialect import normalise_filter
from scimserver.scim.models import ENTERPRISE_SCHEMA

DEVIATION = "manager-in-filter"
MANAGER = f"{ENTERPRISE_SCHEMA}:manager.value"


@pytest.mark.parametrize(
    "sent,meant",
    [
        ('manager eq "2819c223"', f'{MANAGER} eq "2819c223"'),
        ('id eq "1" and Manager eq "2"', f'id eq "1" and {MANAGER} eq "2"'),
        ("not (manager pr)", f"not ({MANAGER} pr)"),
    ],
    ids=["alone", "in another case, beside another", "in parentheses"],
)
def test_manager_in_filter_is_the_extension_s_manager(sent: str, meant: str) -> None:
    assert DEVIATION in {deviation.name for deviation in DEVIATIONS}
    assert normalise_filter(sent) == meant


@pytest.mark.parametrize(
    "sent",
    [
        'title eq "the manager eq nobody"',
        'title eq "a \\" manager eq b"',
        f'{MANAGER} eq "2"',
        f'{ENTERPRISE_SCHEMA}:manager eq "2"',
        'manager.displayName eq "Bo"',
        'managers eq "2"',
        'userName eq "manager"',
        None,
        ["manager eq 1"],
    ],
)
def test_filter_that_needs_no_help_stays_as_it_is(sent: Any) -> None:
    assert normalise_filter(sent) == sent
