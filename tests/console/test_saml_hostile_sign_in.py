"""No hostile response signs anybody in, over HTTP, where honest ones of the same provider do."""

import socket
import time
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

import pytest
import pytest_asyncio

from scimserver.access.saml.refusal import Why
from tests.federation import Federation, federation
from tests.people import Reception, Shown
from tests.responses import hostile
from tests.responses.hostile import HOSTILE
from tests.responses.provider import meant_for

MOST_S = 0.2
"""Until a response is answered: more would be a way to keep the server busy."""

EVERY = 20
"""After so many hostile responses an honest one comes."""

ADA = "ada@acme.example"
"""Whom the responses name."""

UNASKED = "said: no request"
"""Hostile where somebody has to ask, and honest where nobody has to."""

LATER = {Why.UNKNOWN, Why.DOMAIN, Why.INACTIVE, Why.NOT_MANAGED, Why.OTHER_NAME, Why.CONNECTION}
"""Why somebody is refused who was believed."""


@pytest_asyncio.fixture(loop_scope="session")
async def okta(front: Reception) -> Federation:
    """A connection in use, and whom the responses name, so that believing one is all that it takes."""
    await front.connection.execute("UPDATE email_domains SET domain = 'acme.example'")
    await front.connection.execute("UPDATE organizations SET rules = gen_random_uuid()")
    made = await federation(front, jit=True)
    for name in ("ada", "admin", "eve"):
        await made.managed(f"{name}@acme.example")
    return made


@pytest.fixture
def outside(monkeypatch: pytest.MonkeyPatch) -> list[object]:
    """What was connected to beyond this machine, which is nothing."""
    asked: list[object] = []
    connect = socket.socket.connect

    def here_alone(self: socket.socket, address: Any) -> None:
        if self.family != socket.AF_UNIX and address[0] not in ("127.0.0.1", "::1"):
            asked.append(address)
            raise OSError("not from here")
        connect(self, address)

    monkeypatch.setattr(socket.socket, "connect", here_alone)
    return asked


def fault_of(shown: Shown, cookies: dict[str, str]) -> str | None:
    """What is wrong with the answer to a hostile response; None where it is a refusal and nothing else."""
    if shown.status not in (400, 403, 413):
        return f"is answered {shown.status}"
    if "__Host-session" in cookies or "__Host-session" in str(shown.headers.getall("Set-Cookie", [])):
        return "begins a session"
    if shown.location and urlsplit(shown.location).netloc:
        return f"leads to {shown.location}"
    if "Traceback" in shown.text or "Error" in shown.title:
        return "tells how the server is made"
    return None


async def answered(okta: Federation, make: Callable[[], str], port: int) -> tuple[str | None, float]:
    """What is wrong with the answer to a response to a request of this browser, and the seconds it took."""
    browser = okta.front.browser()
    with meant_for(okta.base, await okta.begin(browser)):
        response = hostile.watched(make(), port)
    began = time.perf_counter()
    shown = await okta.answer(browser, response)
    return fault_of(shown, browser.cookies), time.perf_counter() - began


async def test_no_hostile_response_signs_anybody_in(okta: Federation, outside: list[object]):
    wrong: list[str] = []
    honest = 0
    with hostile.canary() as canary:
        port = canary.getsockname()[1]
        for number, (name, make) in enumerate(HOSTILE.items()):
            fault, took = await answered(okta, make, port)
            for _ in range(4):
                # Another process may have had the machine: what takes long by itself always does.
                if took > MOST_S:
                    again, took_again = await answered(okta, make, port)
                    fault, took = fault or again, min(took, took_again)
            if fault or took > MOST_S:
                wrong.append(f"{name}: {fault or f'takes {took:.2f} s'}")
            if number % EVERY == 0:
                shown = await okta.arrive(name_id=ADA)
                assert shown.status == 303, shown.main
                honest += 1
        with pytest.raises(BlockingIOError):
            canary.accept()
    assert wrong == []
    assert outside == []
    assert set(await okta.reasons()) & LATER == set()
    assert len(HOSTILE) > 200
    assert await okta.sessions() == honest == 1 + (len(HOSTILE) - 1) // EVERY


async def test_hostile_response_comes_unasked_in_vain(okta: Federation):
    """Where nobody has to ask, nothing else is taken more lightly."""
    await okta.changed(allow_unsolicited=True)
    wrong: list[str] = []
    for name, make in HOSTILE.items():
        if name == UNASKED:
            continue
        browser = okta.front.browser()
        with meant_for(okta.base):
            shown = await okta.answer(browser, make())
        fault = fault_of(shown, browser.cookies)
        if fault:
            wrong.append(f"{name}: {fault}")
    assert wrong == []
    assert await okta.sessions() == 0
