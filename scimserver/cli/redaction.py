"""What may be shown of a request and its answer: enough to see the fault, never a secret.

Proven by tests/unit/test_redaction.py.
"""

import json
from collections.abc import Iterable, Mapping

from scimserver.cli.expectation import Answer, Missing
from scimserver.cli.placeholders import Json

HIDDEN = "***"

_LONGEST = 2000
_SECRET_NAMES = frozenset({"access_token", "client_secret", "password", "token"})
_SECRET_HEADERS = frozenset({"authorization", "cookie", "set-cookie"})
_TELLING_HEADERS = ("content-type", "etag", "location", "retry-after", "www-authenticate")


def excerpt_of_request(method: str, url: str, headers: Mapping[str, str], body: Json) -> str:
    """The request as text, its credential and its passwords hidden."""
    shown = {name: HIDDEN if name.lower() in _SECRET_HEADERS else text for name, text in headers.items()}
    return _excerpt(f"{method} {url}", shown, None if body is None else _written(body))


def excerpt_of_answer(answer: Answer) -> str:
    """The answer as text, with the headers that tell something and its passwords hidden."""
    shown = {name: answer.headers[name] for name in _TELLING_HEADERS if name in answer.headers}
    text = answer.text if isinstance(answer.body, Missing) else _written(answer.body)
    return _excerpt(str(answer.status), shown, text)


def secrets_in(value: Json) -> frozenset[str]:
    """The texts that stand where a secret stands, so that an echo of one can be hidden too."""
    match value:
        case list():
            return frozenset[str]().union(*map(secrets_in, value))
        case dict():
            inner = frozenset[str]().union(*map(secrets_in, value.values()))
            secret = (item for name, item in value.items() if _is_secret(value, name))
            return inner | {item for item in secret if isinstance(item, str)}
        case _:
            return frozenset()


def without(secrets: Iterable[str], text: str) -> str:
    """The text with every one of the secrets hidden."""
    for secret in sorted(filter(None, secrets), key=len, reverse=True):
        text = text.replace(secret, HIDDEN)
    return text


def concealed(value: Json) -> Json:
    """The value with everything that stands where a secret stands hidden."""
    match value:
        case list():
            return [concealed(item) for item in value]
        case dict():
            return {
                name: HIDDEN if _is_secret(value, name) else concealed(item) for name, item in value.items()
            }
        case _:
            return value


def _is_secret(parent: Mapping[str, Json], name: str) -> bool:
    """By its own name, or as the value of a PATCH operation whose path names a secret."""
    if name.lower() == "value":
        path = parent.get("path")
        name = path.rpartition(":")[2] if isinstance(path, str) else name
    return name.lower() in _SECRET_NAMES


def _written(body: Json) -> str:
    return json.dumps(concealed(body), ensure_ascii=False, indent=2)


def _excerpt(first_line: str, headers: Mapping[str, str], body: str | None) -> str:
    lines = [first_line, *(f"{name}: {text}" for name, text in headers.items())]
    if body:
        lines += ["", body if len(body) <= _LONGEST else body[:_LONGEST] + "…"]
    return "\n".join(lines)
