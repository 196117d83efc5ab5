"""Requests as they will be sent, before the ids of a running server are known: plain data.

Marks such as `zzu03zz` stand for what only the server knows: see `Mark`. They are letters and digits,
so that they survive every encoding that a request goes through.
"""

import base64
import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

_MARK = re.compile(rb"zz([a-z])(\d\d)zz")


class Mark(StrEnum):
    """What a mark stands for; its number says which one."""

    USER = "u"
    GROUP = "g"
    CASE = "k"
    MADE_USER = "m"
    """A user that this session made, the youngest first; before there is one, a user."""
    MADE_GROUP = "n"
    ROLE = "r"
    MADE_ROLE = "o"
    MADE_CASE = "l"
    STRANGER = "v"
    """The id of a resource of another organisation."""
    DOMAIN = "d"
    TOKEN = "t"
    CURSOR = "c"
    """The cursor that an earlier answer held."""
    ETAG = "e"
    """The tag of the resource that was answered last."""

    def at(self, number: int = 0) -> str:
        """The mark as text."""
        return f"zz{self.value}{number:02d}zz"


class Sending(StrEnum):
    """How the bytes go over the wire."""

    WHOLE = "whole"
    PIECES = "pieces"
    CHUNKED = "chunked"
    HALF = "half"
    """The sending side is closed in the middle of the body."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One request."""

    method: bytes
    target: bytes
    headers: tuple[tuple[bytes, bytes], ...] = ()
    body: bytes = b""
    sending: Sending = Sending.WHOLE
    tail: bytes = b""
    """What follows on the same connection at once."""
    is_http: bool = True
    """Whether it keeps to RFC 9112. If not, the server may refuse it in words other than SCIM's."""

    def resolved(self, meaning: Callable[[Mark, int], str]) -> "Request":
        """The same with what the marks stand for."""

        def put(text: bytes) -> bytes:
            if b"zz" not in text:
                return text
            return _MARK.sub(lambda found: _meant(found, meaning), text)

        return Request(
            method=self.method,
            target=put(self.target),
            headers=tuple((name, put(value)) for name, value in self.headers),
            body=put(self.body),
            sending=self.sending,
            tail=self.tail,
            is_http=self.is_http,
        )

    def header(self, name: bytes) -> bytes | None:
        """The first header of that name, which is in lower case."""
        return next((value for key, value in self.headers if key.lower() == name), None)

    def __str__(self) -> str:
        shown = f"{_shown(self.method, 30)} {_shown(self.target, 300)} {self.sending.value}"
        headers = "".join(f"\n    {_shown(name, 60)}: {_shown(value, 120)}" for name, value in self.headers)
        return shown + headers + (f"\n    {_shown(self.body, 600)}" if self.body else "")


Session = tuple[Request, ...]
"""Requests that are sent one after the other, to an organisation that nobody else calls."""


def _meant(found: re.Match[bytes], meaning: Callable[[Mark, int], str]) -> bytes:
    try:
        mark = Mark(found[1].decode())
    except ValueError:
        return found[0]
    return meaning(mark, int(found[2])).encode()


def _shown(text: bytes, length: int) -> str:
    cut = text[:length].decode("utf-8", "backslashreplace")
    return cut if len(text) <= length else f"{cut}... ({len(text)} bytes)"


def save(session: Session, path: Path) -> None:
    """Write a session to a file."""
    path.write_text(json.dumps([_as_json(request) for request in session], indent=1), "utf-8")


def load(path: Path) -> Session:
    """The session that a file holds."""
    return tuple(map(_of_json, json.loads(path.read_text("utf-8"))))


def _as_json(request: Request) -> dict[str, Any]:
    return {
        "method": _packed(request.method),
        "target": _packed(request.target),
        "headers": [[_packed(name), _packed(value)] for name, value in request.headers],
        "body": _packed(request.body),
        "sending": request.sending.value,
        "tail": _packed(request.tail),
        "is_http": request.is_http,
    }


def _of_json(found: dict[str, Any]) -> Request:
    return Request(
        method=_unpacked(found["method"]),
        target=_unpacked(found["target"]),
        headers=tuple((_unpacked(name), _unpacked(value)) for name, value in found["headers"]),
        body=_unpacked(found["body"]),
        sending=Sending(found["sending"]),
        tail=_unpacked(found["tail"]),
        is_http=found["is_http"],
    )


def _packed(text: bytes) -> str | dict[str, str]:
    try:
        return text.decode("ascii")
    except UnicodeDecodeError:
        return {"base64": base64.b64encode(text).decode()}


def _unpacked(text: str | dict[str, str]) -> bytes:
    return text.encode() if isinstance(text, str) else base64.b64decode(text["base64"])
