"""Signing in at `scimserver serve`: whichever of its workers answers, tries and sessions are the same."""

import asyncio
import os
import signal
from collections.abc import Callable, Generator
from contextlib import contextmanager

import asyncpg
import pytest

from scimserver.directory.passwords import PasswordHasher
from tests.processes import PUBLIC_URL, Reply, ask, asked, program, provision, until
from tests.served import Serving, two_workers

ADA, PASSWORD, OTHER = "ada@example.com", "seven small grey herons", "nine large white storks"
_PASSWORD = """
    INSERT INTO credentials (org_id, user_id, password_hash, changed) SELECT org_id, id, $1, now() FROM users
"""


@contextmanager
def without(worker: int) -> Generator[None]:
    """A worker stands still: the other one answers."""
    os.kill(worker, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(worker, signal.SIGCONT)


async def give_password(dsn: str) -> None:
    """Let the one user have a password."""
    hasher = PasswordHasher()
    digest = await hasher.digest(PASSWORD)
    hasher.close()
    connection = await asyncpg.connect(dsn)
    await connection.execute(_PASSWORD, digest.phc)
    await connection.close()


@pytest.fixture
def staffed(database_dsn: str) -> Generator[Serving]:
    """A server of two workers, where there is a user with a password."""
    token = asyncio.run(provision(database_dsn))
    with program("serve", port=0, workers=2, database_url=database_dsn, public_url=PUBLIC_URL) as running:
        serving = Serving(running, database_dsn, token)
        assert serving.create_user(ADA).status == 201
        asyncio.run(give_password(database_dsn))
        yield serving


def sign_in(serving: Serving, password: str = PASSWORD) -> Reply:
    """Begin a session."""
    body = {"address": ADA, "password": password}
    return ask(f"{serving.url}/session", method="POST", body=body, Content_Type="application/json")


def is_signed_in(serving: Serving, secret: str) -> bool:
    """Whether a browser with that session gets the page of its sessions."""
    host = PUBLIC_URL.partition("//")[2]
    reply = ask(f"{serving.url}/sessions", Host=host, Cookie=f"__Host-session={secret}")
    assert reply.status in (200, 303)
    return reply.status == 200


def signed_out(serving: Serving) -> None:
    """An operator ends the user's sessions."""
    with program("user", "sign-out", "acme", ADA, database_url=serving.dsn) as command:
        assert command.wait() == 0, command.stderr


def deactivated(serving: Serving) -> None:
    """An identity provider deactivates the user."""
    [user] = asked(serving.dsn, "SELECT id::text FROM users")
    operation = {"op": "replace", "path": "active", "value": False}
    assert serving.scim(f"/Users/{user}", method="PATCH", body={"Operations": [operation]}).status == 200


@pytest.mark.parametrize("end", [signed_out, deactivated])
def test_session_that_ends_has_ended_for_every_worker_at_once(
    staffed: Serving, end: Callable[[Serving], None]
):
    first, second = two_workers(staffed)
    with without(first):
        secret = sign_in(staffed).json["token"]
    with without(second):
        assert is_signed_in(staffed, secret)
    end(staffed)
    for worker in (first, second):
        with without(worker):
            assert not is_signed_in(staffed, secret)


def test_token_that_is_revoked_ends_for_every_worker(staffed: Serving):
    workers = two_workers(staffed)
    for worker in workers:
        with without(worker):
            assert staffed.scim("/Users").status == 200
    [token] = asked(staffed.dsn, "SELECT id::text FROM api_tokens")
    with program("token", "revoke", "acme", token, database_url=staffed.dsn) as command:
        assert command.wait() == 0, command.stderr
    for worker in workers:
        with without(worker):
            until(lambda: staffed.scim("/Users").status == 401, "the token still works")


def test_tries_at_every_worker_count_together(staffed: Serving):
    first, second = two_workers(staffed)
    with without(first):
        assert [sign_in(staffed, OTHER).status for _ in range(3)] == [403] * 3
    with without(second):
        assert [sign_in(staffed, OTHER).status for _ in range(2)] == [403] * 2
    with without(first):
        assert sign_in(staffed).status == 403
