"""The desk where responses are judged: what it does without the libraries, and when too many come."""

import asyncio
import sys
import threading
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from scimserver.access.saml import judge as judging
from scimserver.access.saml import verify
from scimserver.access.saml.checks import Expected
from scimserver.access.saml.desk import SamlDesk
from scimserver.access.saml.guard import guard
from scimserver.access.saml.judgement import Judgement
from scimserver.access.saml.trust import Trust
from scimserver.kernel.errors import Unavailable
from tests.responses.provider import ACS, ENTITY, IDP, SSO, sent, signed, signer, told

TRUST = Trust(
    entity_id=ENTITY, acs_url=ACS, idp_entity_id=IDP, sso_url=SSO, certificates=(signer().certificate,)
)
EXPECTED = Expected(
    entity_id=ENTITY,
    acs_url=ACS,
    idp_entity_id=IDP,
    request="_request",
    authenticated_within=timedelta(hours=12),
)


async def judged(desk: SamlDesk, address: str | None = None, **different: Any) -> Judgement:
    response = guard(sent(signed(told(**different))))
    return await desk.judge(response, TRUST, EXPECTED, datetime.now(UTC), address)


async def test_each_step_is_told_with_what_came_of_it():
    desk = SamlDesk()
    judgement = await judged(desk)
    assert {step.holds for step in judgement.steps} == {True}
    assert judgement.refusal is None
    wrong = await judged(desk, audiences=())
    assert [step.why for step in wrong.steps if step.holds is False] == ["saml_audience"]
    assert wrong.refusal is not None
    desk.close()


async def test_what_comes_after_a_bad_signature_is_not_looked_at():
    desk = SamlDesk()
    response = guard(sent(signed(by=signer("stranger"))))
    judgement = await desk.judge(response, TRUST, EXPECTED, datetime.now(UTC), None)
    assert [step.holds for step in judgement.steps] == [False, *[None] * (len(judgement.steps) - 1)]
    assert judgement.asserted is None
    desk.close()


async def test_libraries_that_do_not_fit_together_are_not_used(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(verify, "libraries_agree", lambda: False)
    desk = SamlDesk()
    with pytest.raises(Unavailable, match="out of order"):
        await judged(desk)
    with pytest.raises(Unavailable, match="out of order"):
        desk.metadata_of(TRUST, datetime.now(UTC))
    desk.close()


async def test_library_that_cannot_be_imported_stops_saml_alone(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(sys.modules, "scimserver.access.saml.verify", None)
    desk = SamlDesk()
    with pytest.raises(Unavailable, match="out of order"):
        await desk.request_to(TRUST, "x")
    desk.close()


@pytest.fixture
def go_on(monkeypatch: pytest.MonkeyPatch) -> threading.Event:
    """Until it is set, nothing is judged."""
    event = threading.Event()

    def slow(*_: object) -> Judgement:
        event.wait(30)
        return Judgement(steps=(), asserted=None)

    monkeypatch.setattr(judging, "judge", slow)
    return event


async def test_more_than_can_wait_are_told_to_come_back(go_on: threading.Event):
    desk = SamlDesk()
    waiting = [asyncio.create_task(judged(desk, f"192.0.2.{number}")) for number in range(32)]
    await asyncio.sleep(0)
    with pytest.raises(Unavailable, match="Too many"):
        await judged(desk)
    go_on.set()
    assert len(await asyncio.gather(*waiting)) == 32
    desk.close()


async def test_one_address_leaves_places_to_others(go_on: threading.Event):
    desk = SamlDesk()
    waiting = [asyncio.create_task(judged(desk, f"2001:db8::{number}")) for number in range(20)]
    await asyncio.sleep(0)
    with pytest.raises(Unavailable, match="Too many"):
        await judged(desk, "2001:db8::ffff")
    waiting.append(asyncio.create_task(judged(desk, "192.0.2.1")))
    go_on.set()
    assert len(await asyncio.gather(*waiting)) == 21
    assert await judged(desk, "2001:db8::ffff")
    desk.close()


async def test_requests_to_be_signed_leave_places_to_those_who_come_back(monkeypatch: pytest.MonkeyPatch):
    go_on = threading.Event()
    monkeypatch.setattr(verify, "request_to", lambda *_: go_on.wait(30))
    monkeypatch.setattr(SamlDesk, "_opened", lambda *_: "a key")
    desk, signing = SamlDesk(), replace(TRUST, sign_requests=True)
    waiting = [asyncio.create_task(desk.request_to(signing, "x")) for _ in range(16)]
    await asyncio.sleep(0)
    with pytest.raises(Unavailable, match="Too many"):
        await desk.request_to(signing, "x")
    coming_back = asyncio.create_task(judged(desk))
    go_on.set()
    assert (await coming_back).asserted is not None
    await asyncio.gather(*waiting)
    desk.close()
