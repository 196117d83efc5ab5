"""What every machine passes: its secret is recognised, its requests are counted, its use is noted."""

from collections.abc import Callable
from dataclasses import dataclass

from scimserver.access.credentials import Caller, Credentials
from scimserver.access.throttle import Throttle
from scimserver.access.usage import Usage
from scimserver.kernel import secrets
from scimserver.kernel.clock import Clock


@dataclass(frozen=True, slots=True, kw_only=True)
class Gate:
    """Where connections come in."""

    credentials: Credentials
    throttle: Throttle
    usage: Usage
    clock: Clock

    async def recognise(self, secret: str, address: Callable[[], str | None]) -> Caller:
        """Whose secret it is. Raises `Unauthenticated`, `Ended`, `TooManyFailures`, `Unavailable`."""
        digest, now = secrets.digest(secret), self.clock()
        # Whoever proved good a moment ago is no guess that would have to be counted.
        return self.credentials.kept(digest, now) or await self.throttle.guarded(
            digest, address, lambda: self.credentials.caller(digest, now)
        )

    def admit(self, caller: Caller) -> None:
        """Count a request of whoever was recognised. Raises `RateLimited`."""
        self.throttle.spend(caller.connection.id)
        self.usage.saw(caller.actor, self.clock())
