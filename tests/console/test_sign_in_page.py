"""The page where people sign in (rule P4)."""

from tests.people import ADA, Reception


async def test_right_password_leads_to_ones_sessions(front: Reception):
    await front.person()
    browser = front.browser()
    answer = await browser.sign_in()
    assert (answer.status, answer.location) == (303, "/sessions")
    page = await browser.follow(answer)
    assert page.status == 200
    assert ADA in page.all("header")[0].text
