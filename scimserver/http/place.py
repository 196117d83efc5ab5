"""Where clients reach the server: what links, cookies and the check of hosts go by, never a header."""

from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

HELP_PATH: Final = "/help/passwords"
"""What becomes of passwords over SCIM, in words: a page that the SCIM face names."""

_PORTS: Final = {"https": 443, "http": 80}


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """The public URL, taken apart."""

    origin: str
    """As browsers write it in the header `Origin`: scheme, host, and port unless it is the scheme's own."""
    prefix: str
    """What stands before every path, without a slash at its end; mostly nothing."""
    hosts: frozenset[str]
    """What the header `Host` may be, in lower case."""

    @property
    def is_secure(self) -> bool:
        """Whether clients come by https."""
        return self.origin.startswith("https:")

    def url(self, path: str) -> str:
        """The whole URL of a path."""
        return self.origin + self.prefix + path


def place_of(public_url: str) -> Place:
    """The parts of a public URL that the settings let be."""
    parts = urlsplit(public_url)
    host, own = (parts.hostname or "").lower(), _PORTS[parts.scheme]
    name = f"[{host}]" if ":" in host else host
    port = parts.port or own
    hosts = {f"{name}:{port}", *([name] if port == own else [])}
    return Place(
        origin=f"{parts.scheme}://{name}" + ("" if port == own else f":{port}"),
        prefix=parts.path.rstrip("/"),
        hosts=frozenset(hosts),
    )
