from tests.serving import ScimClient


async def test_a_created_user_can_be_read(scim: ScimClient) -> None:
    made = await scim.make_user("anna@example.com")
    assert (await scim.get(f"/Users/{made.id}")).json == made.json
