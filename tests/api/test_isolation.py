"""Two organisations in one installation: neither learns anything of the other (RFC 7644, section 6).

Here is what people would try first; test_isolation_endpoints.py, _reads, _writes, _values and
_records walk over everything there is, tests/database/test_cli_isolation.py over the commands.
"""

from tests.houses import THEIRS, Houses
from tests.houses import houses as houses
from tests.serving import remove


async def test_one_user_name_may_be_in_both(houses: Houses):
    user = await houses.ours[0].make_user(f"{THEIRS}-userName")
    [theirs] = (await houses.theirs.find(f'userName eq "{THEIRS}-userName"')).ids
    assert user.id != theirs


async def test_conflict_tells_of_our_own_users_only(houses: Houses):
    told = [await houses.ours[0].post("/Users", {"userName": f"{THEIRS}-userName"}) for _ in range(2)]
    assert [answer.status for answer in told] == [201, 409]


async def test_their_user_cannot_join_our_group(houses: Houses):
    group = await houses.ours[0].make_group("Ours")
    joining = {"op": "add", "path": "members", "value": [{"value": houses.aims[0].ids["User"]}]}
    assert (await houses.ours[0].patch(f"/Groups/{group.id}", joining)).error == (400, "invalidValue")


async def test_their_user_cannot_own_our_case(houses: Houses):
    case = await houses.ours[0].make_case()
    giving = {"op": "add", "path": "owner", "value": {"value": houses.aims[0].ids["User"]}}
    assert (await houses.ours[0].patch(f"/Cases/{case.id}", giving)).error == (400, "invalidValue")


async def test_removing_their_user_from_our_group_changes_nothing_of_theirs(houses: Houses):
    user, team = (houses.aims[0].ids[name] for name in ("User", "Group"))
    group = await houses.ours[0].make_group("Ours")
    await houses.ours[0].patch(f"/Groups/{group.id}", remove(f'members[value eq "{user}"]'))
    [member] = (await houses.theirs.get(f"/Groups/{team}")).json["members"]
    assert member["value"] == user
