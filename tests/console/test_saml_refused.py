"""Responses that are refused: a request waits for few of them, the log says why, a new key is looked for."""

from datetime import datetime

from tests.console.test_saml_trial import Trial
from tests.console.test_saml_trial import trial as trial
from tests.responses.provider import meant_for, sent, signed, signer, told

ASKED = "UPDATE saml_connections SET metadata_url = 'https://idp.example.com/metadata' RETURNING look_due"
DUE = "SELECT look_due FROM saml_connections"


def foreign(trial: Trial, request: str) -> str:
    """A response that a stranger signed."""
    with meant_for(trial.base, request):
        return sent(signed(told(), by=signer("stranger")))


async def test_request_is_answered_after_some_responses_were_refused(trial: Trial):
    request = await trial.begin()
    for _ in range(4):
        assert (await trial.answer(foreign(trial, request))).status == 422
    assert (await trial.answer(trial.good(request))).status == 200


async def test_request_to_which_five_responses_were_refused_waits_no_more(trial: Trial):
    request = await trial.begin()
    for _ in range(5):
        assert (await trial.answer(foreign(trial, request))).status == 422
    assert (await trial.answer(trial.good(request))).status == 403
    reasons = [reason for _, reason, _ in await trial.front.reasons(trial.front.organization)]
    assert sorted(reasons) == ["saml_request", *["saml_signature"] * 5]


async def test_response_that_answers_nothing_of_this_browser_is_not_counted(trial: Trial):
    request = await trial.begin()
    other = trial.front.browser()
    for _ in range(6):
        assert (await trial.answer(foreign(trial, request), other)).status == 403
        assert (await trial.answer("AAAA")).status == 400
    assert (await trial.answer(trial.good(request))).status == 200


async def test_other_request_waits_as_before(trial: Trial):
    refused, other = await trial.begin(), await trial.begin()
    for _ in range(5):
        await trial.answer(foreign(trial, refused))
    assert (await trial.answer(trial.good(other))).status == 200


async def test_log_says_what_was_wrong(trial: Trial):
    await trial.answer(foreign(trial, await trial.begin()))
    await trial.answer(trial.good(await trial.begin(), issuer="https://other.example.com"))
    await trial.answer(trial.good(await trial.begin(), audiences=()))
    reasons = [reason for _, reason, _ in await trial.front.reasons(trial.front.organization)]
    assert sorted(reasons) == ["saml_audience", "saml_issuer", "saml_signature"]


async def due(trial: Trial) -> datetime:
    return await trial.front.connection.fetchval(DUE)


async def test_signature_with_an_unknown_key_has_the_metadata_looked_at_soon(trial: Trial):
    usually = await trial.front.connection.fetchval(ASKED)
    await trial.answer(trial.good(await trial.begin(), audiences=()))
    assert await due(trial) == usually
    await trial.answer(foreign(trial, await trial.begin()))
    assert await due(trial) == trial.front.hands.now


async def test_unknown_key_has_it_looked_at_once_in_ten_minutes(trial: Trial):
    await trial.front.connection.fetchval(ASKED)
    began = trial.front.hands.now
    for minute in (0, 5, 9):
        trial.front.hands.now = began
        trial.front.hands.move(minutes=minute)
        await trial.answer(foreign(trial, await trial.begin()))
        assert await due(trial) == began
    trial.front.hands.move(minutes=1)
    await trial.answer(foreign(trial, await trial.begin()))
    assert await due(trial) == trial.front.hands.now


async def test_connection_without_an_address_is_not_looked_at_for_a_key(trial: Trial):
    before = await due(trial)
    await trial.answer(foreign(trial, await trial.begin()))
    assert await due(trial) == before
