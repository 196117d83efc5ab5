"""Connecting to whichever of several servers takes writes (PostgreSQL manual, section 34.1.1.3).

asyncpg takes a list of hosts, but spends one time-out on all of them: a frozen server that still
accepts connections eats it, and its successor is never tried. So each host has its own here.
"""

from itertools import cycle, islice
from typing import Any
from urllib.parse import SplitResult, parse_qsl, urlencode, urlsplit

import asyncpg

from scimserver.db.failures import FAILURES


def split(dsn: str) -> list[str]:
    """One DSN for each host that the DSN lists, in its order; ports are matched one to one.

    >>> split("postgresql://app@a:1,b:2/db")
    ['postgresql://app@a:1/db', 'postgresql://app@b:2/db']
    """
    parts = urlsplit(dsn)
    user, at, hosts = parts.netloc.rpartition("@")
    options = dict(parse_qsl(parts.query, keep_blank_values=True))
    if "," in hosts:
        return [_joined(parts._replace(netloc=f"{user}{at}{host}")) for host in hosts.split(",")]
    names = options.get("host", "").split(",")
    if len(names) == 1:
        return [dsn]
    ports = islice(cycle(options["port"].split(",")), len(names)) if "port" in options else None
    pairs = [{"host": name} for name in names]
    if ports is not None:
        pairs = [pair | {"port": port} for pair, port in zip(pairs, ports, strict=True)]
    return [_joined(parts._replace(query=urlencode(options | pair))) for pair in pairs]


def _joined(parts: SplitResult) -> str:
    """The DSN of the parts; urlunsplit would drop the slashes before an empty host."""
    query = f"?{parts.query}" if parts.query else ""
    return f"{parts.scheme}://{parts.netloc}{parts.path}{query}"


class HostByHost:
    """Opens connections: to the host that took the last one, and failing that to each other one."""

    def __init__(self, dsn: str, *, host_timeout_s: float) -> None:
        self._dsns = split(dsn)
        self._host_timeout_s = host_timeout_s
        self._latest = 0

    async def __call__(self, **options: Any) -> asyncpg.Connection:
        """A connection to a server that takes writes; raises the last host's error if none does."""
        if len(self._dsns) == 1:
            return await asyncpg.connect(self._dsns[0], **options)
        if "target_session_attrs" not in self._dsns[0]:
            options["target_session_attrs"] = "read-write"
        options["timeout"] = self._host_timeout_s
        failure: Exception = OSError("the DSN lists no host")
        for step in range(len(self._dsns)):
            index = (self._latest + step) % len(self._dsns)
            try:
                opened = await asyncpg.connect(self._dsns[index], **options)
            except FAILURES as error:
                failure = error
            else:
                self._latest = index
                return opened
        raise failure
