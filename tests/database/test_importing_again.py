"""A file comes to rest: what it says is done by the first import, and the second finds nothing to do."""

from typing import Any

import pytest

from tests.importing import Acme, outcomes

ADA = "ada@acme.example"
NEW = "countess@acme.example"
HOME = {"value": "ada@home.example", "type": "home"}
MADE: list[dict[str, Any]] = [{"value": ADA, "type": "work", "primary": True}]

RENAMED = {
    "e-mails that the file says": ([MADE[0], HOME], f"*work:{ADA};home:ada@home.example", [MADE[0], HOME]),
    "e-mails that follow": ([MADE[0], HOME], None, [{**MADE[0], "value": NEW}, HOME]),
    "e-mails that are cleared": ([MADE[0], HOME], "", None),
    "an e-mail that was made and the file does not say": (None, "", [{**MADE[0], "value": NEW}]),
    "an e-mail that was made and the file says": (None, f"*work:{ADA}", MADE),
    "an e-mail that was made and the file makes anew": (None, f"*work:{NEW}", [{**MADE[0], "value": NEW}]),
}


@pytest.mark.parametrize("case", RENAMED)
async def test_user_who_is_renamed_has_the_emails_of_the_file_after_each_import(office: Acme, case: str):
    before, cell, after = RENAMED[case]
    user = await office.user(ADA, **({"emails": before} if before else {}))
    row = {"id": str(user.id), "userName": NEW, **({} if cell is None else {"emails": cell})}
    assert outcomes(await office.imported(row)) == ["updated"]
    assert (await office.document(NEW)).get("emails") == after
    assert outcomes(await office.imported(row)) == ["unchanged"]
    assert (await office.document(NEW)).get("emails") == after


@pytest.mark.parametrize("role", ["Minimal Permissions;Admin Role", "Admin Role;Minimal Permissions"])
async def test_two_roles_are_refused_each_time(office: Acme, role: str):
    user = await office.user(ADA)
    before = await office.document(ADA)
    row = {"id": str(user.id), "role": role}
    assert outcomes([*await office.imported(row), *await office.imported(row)]) == ["invalid_value"] * 2
    assert await office.document(ADA) == before


ONE, TWO = {"value": "1", "display": "A"}, {"value": "1", "display": "B"}
NONE = {"type": "work", "display": "Desk"}
LISTS = {
    "two entries alike, and a new one": ([ONE, TWO], "1;1;2", [ONE, TWO, {"value": "2"}]),
    "two entries alike, of which one is the primary one now": (
        [ONE, TWO],
        "1;*1",
        [ONE, {**TWO, "primary": True}],
    ),
    "one of two entries alike goes": ([ONE, TWO], "1", [ONE]),
    "an entry without a value, and a new one": ([NONE, ONE], "work:;1;2", [NONE, ONE, {"value": "2"}]),
    "an entry without a value goes": ([NONE, ONE], "1", [ONE]),
}


@pytest.mark.parametrize("case", LISTS)
async def test_list_that_is_edited_keeps_what_a_cell_cannot_say(office: Acme, case: str):
    before, cell, after = LISTS[case]
    await office.user(ADA, phoneNumbers=before)
    row = {"userName": ADA, "phoneNumbers": cell}
    assert outcomes([*await office.imported(row), *await office.imported(row)]) == ["updated", "unchanged"]
    assert (await office.document(ADA))["phoneNumbers"] == after
