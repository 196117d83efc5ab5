"""The ready file of a demonstration: it tells a program that waits for it where to go, and with what.

It appears whole, once the server answers, and only its owner may read it: it holds a token.
Proven by tests/api/test_demo_process.py.
"""

import json
import os
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

from scimserver.config import ConfigurationError


@dataclass(frozen=True, slots=True, kw_only=True)
class Ready:
    """What a program needs to use the demo; what does not exist yet is null."""

    scim_base_url: str
    token: str
    organization: str
    console_url: str | None = None
    admin_email: str | None = None
    admin_password: str | None = None
    saml_acs_url: str | None = None
    """Where the identity provider of `--saml-idp-metadata` sends responses."""
    saml_entity_id: str | None = None
    """What it calls us, which is where our metadata is."""
    saml_login_url: str | None = None
    """Where people begin who sign in by it."""


@contextmanager
def announced_in(path: Path | None) -> Generator[Callable[[Ready], None]]:
    """What writes the file; without a path, nothing does.

    An earlier run's file is removed at once: nobody may read an address that does not answer any more.
    Raises `ConfigurationError` where the file cannot be written.
    """
    if path is None:
        yield lambda ready: None
        return
    draft = path.with_name(path.name + ".part")
    try:
        path.unlink(missing_ok=True)
        draft.unlink(missing_ok=True)
        os.close(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
    except OSError as error:
        raise ConfigurationError([f"cannot write {path}: {error.strerror}"]) from error

    def write(ready: Ready) -> None:
        draft.write_text(json.dumps(asdict(ready)), "utf-8")
        draft.replace(path)

    try:
        yield write
    finally:
        draft.unlink(missing_ok=True)
