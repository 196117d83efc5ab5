"""What an operator may set about passwords.

Proven by tests/unit/test_password_settings.py.
"""

import os
import re
from pathlib import Path
from typing import Final

from pydantic import BaseModel, Field, SecretStr, field_validator

from scimserver.directory.passwords import blocklist
from scimserver.directory.passwords.blocklist import Blocklist
from scimserver.directory.passwords.desk import PasswordDesk
from scimserver.directory.passwords.hashing import FLOOR, Cost, PasswordHasher, Peppers

_KEY_ID: Final = re.compile("[A-Za-z0-9.-]{1,16}")
_LEAST_KEY: Final = 32
"""Characters of a pepper's key."""


class PasswordSettings(BaseModel):
    """A part of all settings."""

    password_memory_kib: int = Field(
        FLOOR.memory_kib,
        ge=FLOOR.memory_kib,
        le=4 * 1024 * 1024,
        description="KiB of memory that Argon2id takes for one password, in each of its threads: at least"
        " 19456 (19 MiB). 65536 with three passes is seven times as hard to guess, and as slow.",
    )
    password_passes: int = Field(
        FLOOR.passes, ge=FLOOR.passes, le=100, description="How often Argon2id goes over it: at least twice."
    )
    password_lanes: int = Field(
        FLOOR.lanes, ge=FLOOR.lanes, le=64, description="How many threads Argon2id takes for one password."
    )
    password_queue: int = Field(
        64,
        ge=1,
        le=10_000,
        description="How many passwords may wait in each process to be verified, and as many to be set."
        " Beyond it: 503 with Retry-After.",
    )
    password_peppers: SecretStr | None = Field(
        None,
        description="Secret keys that passwords are hashed with, as id:key, separated by commas: a stolen"
        " database is worth nothing without them. New passwords take the first one; the others stay for as"
        " long as stored passwords need them. A key has at least 32 characters; nobody can sign in with a"
        " password whose key is lost.",
    )
    password_blocklist: Path | None = Field(
        None,
        description="A text file in UTF-8 with passwords that nobody may have, one on each line, beside"
        " those that are built in. It takes 8 octets of memory a line in each process.",
    )

    @field_validator("password_peppers")
    @classmethod
    def _are_peppers(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None:
            _peppers(value.get_secret_value())
        return value

    @field_validator("password_blocklist")
    @classmethod
    def _can_be_read(cls, value: Path | None) -> Path | None:
        if value is not None:
            try:
                value.open("rb").close()
            except OSError as error:
                raise ValueError(f"{value} cannot be read: {error.strerror}") from None
        return value


def hasher_of(settings: PasswordSettings, *, processes: int = 1) -> PasswordHasher:
    """What hashes by these settings in one of so many processes: together they take each processor once."""
    secret = settings.password_peppers
    keys = _peppers(secret.get_secret_value()) if secret else dict[str, bytes]()
    return PasswordHasher(
        cost=Cost(
            memory_kib=settings.password_memory_kib,
            passes=settings.password_passes,
            lanes=settings.password_lanes,
        ),
        peppers=Peppers(current=next(iter(keys), None), keys=keys),
        threads=max(1, (os.cpu_count() or 1) // (processes * settings.password_lanes)),
        places=settings.password_queue,
    )


def desk_of(settings: PasswordSettings, hasher: PasswordHasher) -> PasswordDesk:
    """Where passwords are taken in by these settings."""
    blocked = blocklist.common()
    if settings.password_blocklist is not None:
        blocked |= Blocklist.read(settings.password_blocklist)
    return PasswordDesk(hasher, blocked)


def _peppers(text: str) -> dict[str, bytes]:
    keys = dict[str, bytes]()
    for pair in text.split(","):
        name, _, key = pair.strip().partition(":")
        if not _KEY_ID.fullmatch(name) or len(key) < _LEAST_KEY or name in keys:
            raise ValueError(
                "write each as id:key, an id of up to 16 letters, digits, dots and hyphens, used once, and"
                f" a key of at least {_LEAST_KEY} characters without a comma"
            )
        keys[name] = key.encode()
    return keys
