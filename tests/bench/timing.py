"""`python -m tests.bench.timing`: whether the time of an answer tells who is a user (docs/security.md).

A server of its own, as in operation, is asked to sign people in who are refused, each for another
reason, and to mail links. Every round asks once for each kind of person, in random order, so that what
disturbs the machine disturbs all alike; each question is about another person and comes from another
address, so that no limit is met but where that is the question. Compared are, round by round, the times
of each kind with those of a wrong password: the median of the differences, between what bounds it
with 95 % confidence (order statistics, which assume nothing of the distribution), beside the noise: half
the distance of the quartiles of the same kind's own differences from one round to the next.

Nothing here passes or fails. What can be told from one answer is the difference over the noise; with n
answers an attacker gains the square root of n, and the limits let him have a hundred in ten minutes from
an address, five free ones as a user.
"""

import asyncio
import json
import random
import statistics
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from http.client import HTTPConnection
from http.cookies import SimpleCookie
from itertools import pairwise
from pathlib import Path
from time import perf_counter_ns
from typing import Final
from urllib.parse import urlencode

import asyncpg
import click
from rich.console import Console
from rich.progress import track
from rich.table import Table

from scimserver.directory.passwords import PasswordHasher
from tests.bench import database, servers

_HOST: Final = "scim.example.com"
_PASSWORD: Final = "seven small grey herons"
_OTHER: Final = "nine large white storks"
_REFERENCE: Final = "wrong password"
_GIVE: Final = """
    INSERT INTO credentials (org_id, user_id, password_hash, changed)
    SELECT org_id, id, $2, now() FROM users WHERE id = ANY ($1::uuid[])
"""
_LOCK: Final = """
    INSERT INTO sign_in_tries (org_id, account, device, failures, latest, next_try)
    SELECT org_id, id, '', 10, now(), now() + interval '1 day' FROM users WHERE id = ANY ($1::uuid[])
"""
_RENAME: Final = """
    UPDATE users SET user_name = user_name || ' (Copy 1)', user_name_key = user_name_key || ' (copy 1)'
    WHERE id = ANY ($1::uuid[])
"""
_DEACTIVATE: Final = "UPDATE users SET active = false WHERE id = ANY ($1::uuid[])"
_NAMES: Final = "SELECT id, user_name FROM users WHERE org_id = $1 ORDER BY id LIMIT $2"


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """Whom a question is about, and what it says."""

    name: str
    password: str = _OTHER


People = dict[str, Sequence[Person]]
"""By what is the matter with them."""


class Client:
    """One connection to the server, behind a proxy of its own, so to say."""

    def __init__(self, port: int) -> None:
        self._connection = HTTPConnection("127.0.0.1", port, timeout=30)
        self._sent = 0
        self._headers = {"Host": _HOST, "Origin": f"https://{_HOST}", "Sec-Fetch-Site": "same-origin"}

    def sign_in(self, person: Person) -> float:
        """Milliseconds of an attempt to sign in."""
        body = json.dumps({"address": person.name, "password": person.password})
        return self._timed("/session", body, "application/json", 403)

    def forgot(self, person: Person) -> float:
        """Milliseconds of asking for a link."""
        form = urlencode({"token": self._token, "address": person.name})
        return self._timed("/forgot", form, "application/x-www-form-urlencoded", 303)

    def open_form(self) -> None:
        """Get the page with the form, its token and cookie."""
        self._connection.request("GET", "/forgot", headers=self._headers)
        response = self._connection.getresponse()
        page = response.read().decode()
        [(name, morsel)] = SimpleCookie(response.headers["Set-Cookie"]).items()
        self._headers["Cookie"] = f"{name}={morsel.value}"
        self._token = page.partition('name="token" value="')[2].partition('"')[0]

    def close(self) -> None:
        """Hang up."""
        self._connection.close()

    def _timed(self, path: str, body: str, media_type: str, status: int) -> float:
        self._sent += 1
        one, other = divmod(self._sent, 250)
        address = f"10.{one // 250}.{one % 250}.{other + 1}"
        headers = {**self._headers, "Content-Type": media_type, "X-Forwarded-For": address}
        began = perf_counter_ns()
        self._connection.request("POST", path, body, headers)
        response = self._connection.getresponse()
        response.read()
        took = perf_counter_ns() - began
        if response.status != status:
            raise click.ClickException(f"{path} answered {response.status}, not {status}")
        return took / 1e6


@click.command()
@click.option(
    "--rounds", type=click.IntRange(20), default=1000, show_default=True, help="Questions of a kind."
)
@click.option("--seed", type=int, default=1, show_default=True, help="What the order is drawn from.")
def main(*, rounds: int, seed: int) -> None:
    """Measure how the times of refusals differ."""
    console = Console()
    with database.running() as running, tempfile.TemporaryDirectory() as folder:
        people = asyncio.run(_people(running.dsn, rounds))
        with (
            servers.ours(
                running.dsn, Path(folder), trusted_proxies="127.0.0.0/8", secret="x" * 32, data_dir=folder
            ) as served,
            closing(Client(served.port)) as client,
        ):
            client.open_form()
            chance = random.Random(seed)  # noqa: S311 - an order, no secret
            for what, ask in (("Signing in", client.sign_in), ("Asking for a link", client.forgot)):
                times: dict[str, list[float]] = {kind: [] for kind in people}
                for number in track(range(rounds), description=what, console=console):
                    for kind in chance.sample(list(people), len(people)):
                        times[kind].append(ask(people[kind][number]))
                console.print(_table(what, times))


async def _people(dsn: str, rounds: int) -> People:
    """So many people of each kind, none of whom is asked about twice."""
    kinds = ("wrong password", "inactive", "placeholder", "locked", "no password")
    organization = await database.organization(dsn, max(1000, len(kinds) * rounds))
    hasher = PasswordHasher()
    digest = (await hasher.digest(_PASSWORD)).phc
    hasher.close()
    async with database.connected(dsn) as connection:
        rows = await connection.fetch(_NAMES, organization.id, len(kinds) * rounds)
        parts = {kind: rows[number * rounds : (number + 1) * rounds] for number, kind in enumerate(kinds)}
        ids = {kind: [row["id"] for row in part] for kind, part in parts.items()}
        await _prepare(connection, ids, digest)
    await database.settle(dsn)
    domain = rows[0]["user_name"].rpartition("@")[2]
    right = {"inactive", "locked"}
    known = {
        kind: [Person(name=row["user_name"], password=_PASSWORD if kind in right else _OTHER) for row in part]
        for kind, part in parts.items()
        if kind != "placeholder"
    }
    copies = [Person(name=f"{row['user_name']} (Copy 1)", password=_PASSWORD) for row in parts["placeholder"]]
    return {
        **known,
        "unknown, our domain": list(_nobody(domain, rounds)),
        "unknown, no domain of ours": list(_nobody("nowhere.test", rounds)),
        **({"placeholder": copies} if copies else {}),
    }


def _nobody(domain: str, rounds: int) -> Iterator[Person]:
    return (Person(name=f"ghost.{number:06}@{domain}") for number in range(rounds))


async def _prepare(connection: asyncpg.Connection, ids: dict[str, list[object]], digest: str) -> None:
    for kind, those in ids.items():
        if kind != "no password":
            await connection.execute(_GIVE, those, digest)
    await connection.execute(_LOCK, ids["locked"])
    await connection.execute(_DEACTIVATE, ids["inactive"])
    await connection.execute(_RENAME, ids["placeholder"])


def _table(what: str, times: dict[str, list[float]]) -> Table:
    table = Table("who", "median ms", "difference, µs", "95 % between, µs", "noise, µs", title=what)
    reference = times[_REFERENCE]
    for kind, own in times.items():
        steps = [after - before for before, after in pairwise(own)]
        low, _, high = statistics.quantiles(steps, n=4)
        row = [kind, f"{statistics.median(own):.2f}"]
        if kind == _REFERENCE:
            row += ["", ""]
        else:
            differences = sorted(mine - its for mine, its in zip(own, reference, strict=True))
            # Of the binomial distribution of how many lie below the median.
            reach = 0.98 * len(differences) ** 0.5
            middle = len(differences) / 2
            lower, upper = differences[int(middle - reach)], differences[int(middle + reach)]
            row += [
                f"{statistics.median(differences) * 1000:+.0f}",
                f"{lower * 1000:+.0f} … {upper * 1000:+.0f}",
            ]
        table.add_row(*row, f"{(high - low) / 2 * 1000:.0f}")
    return table


if __name__ == "__main__":
    main()
