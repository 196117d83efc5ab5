"""A server of several processes over a database outside of it, and what tests ask of it."""

import asyncio
from collections.abc import Generator
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families

from tests.conftest import Administration
from tests.processes import PUBLIC_URL, Program, Reply, ask, program, provision, until


class Serving:
    """A server of two workers over a database outside of it."""

    def __init__(self, running: Program, dsn: str, token: str) -> None:
        self.running = running
        self.dsn = dsn
        self.token = token
        self.url = running.url()

    def scim(self, path: str, **request: Any) -> Reply:
        return ask(f"{self.url}/scim/v2{path}", **{"token": self.token, **request})

    def create_user(self, name: str) -> Reply:
        return self.scim("/Users", method="POST", body={"userName": name})

    def metric(self, sample: str, **labels: str) -> float:
        """The sum of a metric's samples with these labels."""
        text = ask(f"{self.url}/metrics").text
        return sum(
            found.value
            for family in text_string_to_metric_families(text)
            for found in family.samples
            if found.name == sample and labels.items() <= found.labels.items()
        )


@pytest.fixture(scope="module")
def shared(database_administration: Administration, database_template: str) -> Generator[Serving]:
    """One server for all tests that leave it as it was."""
    with database_administration.database(f"TEMPLATE {database_template} STRATEGY file_copy") as dsn:
        token = asyncio.run(provision(dsn))
        with program("serve", port=0, workers=2, database_url=dsn, public_url=PUBLIC_URL) as running:
            yield Serving(running, dsn, token)


@pytest.fixture
def serving(database_dsn: str) -> Generator[Serving]:
    """A server that only this test uses."""
    token = asyncio.run(provision(database_dsn))
    with program("serve", port=0, workers=2, database_url=database_dsn, public_url=PUBLIC_URL) as running:
        yield Serving(running, database_dsn, token)


def two_workers(serving: Serving) -> tuple[int, int]:
    """The two, when both are there."""
    first, second = until(
        lambda: found if len(found := sorted(serving.running.workers())) == 2 else None,
        "there are not two workers",
    )
    return first, second
