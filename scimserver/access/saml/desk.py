"""Where SAML responses are judged: in a few threads of their own, with a limit to how many wait.

The libraries are looked for when it opens. Without them, or with two that do not fit together, there is no
SAML, and everything else goes on. Proven by tests/unit/test_saml_desk.py.
"""

import asyncio
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from importlib import import_module
from typing import Any, Final, TypeVar

import structlog

from scimserver.access.saml.checks import Expected
from scimserver.access.saml.guard import Guarded
from scimserver.access.saml.judgement import Judgement
from scimserver.access.saml.trust import Trust
from scimserver.access.throttle.addresses import account_of
from scimserver.directory.saml import Safe
from scimserver.kernel.errors import Unavailable

_THREADS: Final = 2
_PLACES: Final = 32
"""How many responses, and requests that are signed, may wait."""
_PLACES_FROM_ONE: Final = 20
"""So many at most for responses from one network address: nobody keeps all others out alone."""
_PLACES_TO_SIGN: Final = 16
"""So many are left to requests: anybody may ask for one, and must not keep out who comes back."""

_OURS: Final = b""
"""In place of an address: what is not counted by one."""

_T = TypeVar("_T")

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class _Libraries:
    """The modules that know the libraries."""

    verify: Any
    judge: Any


class SamlDesk:
    """Judges responses, and writes what identity providers read; close it when done."""

    def __init__(self, safe: Safe | None = None) -> None:
        """`safe` opens the keys with which requests are signed."""
        self._safe = safe
        self._executor = ThreadPoolExecutor(_THREADS, thread_name_prefix="saml")
        self._inside = 0
        self._from: Counter[bytes] = Counter()
        self._libraries = _libraries()

    async def judge(
        self, response: Guarded, trust: Trust, expected: Expected, now: datetime, client_address: str | None
    ) -> Judgement:
        """What came of a response that came from an address.

        Raises `Unavailable` where too many wait, of all or of that address, or there is no SAML.
        """
        judge, source = self._fitting().judge.judge, account_of(client_address)
        return await self._done(_PLACES, judge, response, trust, expected, now, source=source)

    async def _done(
        self, places: int, slow: Callable[..., _T], *arguments: object, source: bytes = _OURS
    ) -> _T:
        """What a function answers, in a thread of its own. Raises `Unavailable` where too many wait."""
        if self._inside >= places or (source and self._from[source] >= _PLACES_FROM_ONE):
            raise Unavailable("Too many people sign in at the same time: try again in a moment.")
        self._inside += 1
        self._from[source] += 1
        job = asyncio.get_running_loop().run_in_executor(self._executor, partial(slow, *arguments))
        # A place is taken until the job is done, also when nobody waits for it any more.
        job.add_done_callback(lambda _: self._leave(source))
        return await asyncio.shield(job)

    def _leave(self, source: bytes) -> None:
        self._inside -= 1
        self._from[source] -= 1
        if not self._from[source]:
            del self._from[source]

    async def request_to(self, trust: Trust, relay: str) -> tuple[str, str]:
        """A request to sign somebody in: its id, and the address to which the browser takes it.

        It is signed where the connection says so. Raises `Unavailable` where it cannot be, too many wait, or
        there is no SAML.
        """
        make = self._fitting().verify.request_to
        if not trust.sign_requests:
            return make(trust, relay, None)
        return await self._done(_PLACES_TO_SIGN, make, trust, relay, self._opened(trust))

    def _opened(self, trust: Trust) -> str:
        """The private key with which requests are signed."""
        key = trust.signing_key
        private = self._safe.open(key.sealed, key.place) if self._safe and key else None
        if private is None:
            _log.error("saml.key_not_opened", reason="it was sealed with another SCIMSERVER_SECRET")
            raise Unavailable(
                "Requests to this identity provider cannot be signed: the server's operator finds the reason"
                " in its log."
            )
        return private

    def metadata_of(self, trust: Trust, now: datetime) -> bytes:
        """Our own metadata for an identity provider. Raises `Unavailable` where there is no SAML."""
        return self._fitting().verify.metadata_of(trust, now)

    def close(self) -> None:
        """End the threads."""
        self._executor.shutdown(wait=True, cancel_futures=True)

    def _fitting(self) -> _Libraries:
        if self._libraries is None:
            raise Unavailable(
                "SAML is out of order on this server: its operator finds the reason in its log."
            )
        return self._libraries


def _libraries() -> _Libraries | None:
    """The modules that know the libraries; None where those are not there, or carry different ones."""
    try:
        verify = import_module("scimserver.access.saml.verify")
        judge = import_module("scimserver.access.saml.judge")
    except Exception as failure:  # noqa: BLE001 - xmlsec raises errors of its own while it is imported
        _log.error("saml.out_of_order", exc_info=failure)
        return None
    if not verify.libraries_agree():
        _log.error("saml.out_of_order", reason="lxml and xmlsec carry different versions of libxml2")
        return None
    return _Libraries(verify, judge)
