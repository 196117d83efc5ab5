"""`/help/passwords`, which tells who provisions users what becomes of passwords."""

import pytest

from tests.people import Reception


async def test_page_tells_of_both_kinds_of_users(front: Reception):
    page = await front.browser().get("/help/passwords")
    assert page.status == 200
    for said in ("samlManaged", "400 mutability", "400 invalidValue", "changePassword"):
        assert said in page.main, said


@pytest.mark.parametrize("signed_in", [False, True])
async def test_page_is_everybody_s(front: Reception, signed_in: bool):
    await front.person()
    browser = front.browser()
    if signed_in:
        await browser.sign_in()
    assert (await browser.get("/help/passwords")).status == 200
