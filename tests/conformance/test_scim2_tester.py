"""scim2-tester, the SCIM checker by the makers of scim2-models, over every check it has.

It talks HTTP on the loopback interface and knows of the server only what /Schemas and its like say.
"""

import asyncio

import pytest
from httpx2 import Client
from scim2_client.engines.httpx2 import SyncSCIMClient
from scim2_tester import CheckResult, Status, check_server
from scim2_tester.utils import get_registered_tags

from scimserver.access.tokens import DEFAULT_SCOPES
from scimserver.directory.removals import RemovalLimit
from scimserver.kernel.permissions import Scope
from tests.conformance.asked_once import AskedOnce, url_of
from tests.conformance.scim2_tester_values import obeying_values
from tests.conftest import Administration
from tests.serving import Installation

PASSED = (Status.SUCCESS, Status.COMPLIANT, Status.ACCEPTABLE)


async def checked(installation: Installation) -> list[CheckResult]:
    client = await installation.client(
        await installation.organization(),
        scopes=DEFAULT_SCOPES | {Scope.ADMINISTER},
        # It deletes all that it makes, which is more than a provider may.
        removal_limit=RemovalLimit(count=None),
    )

    def check() -> list[CheckResult]:
        headers = {"Authorization": f"Bearer {client.token}"}
        with obeying_values(), Client(base_url=url_of(installation), headers=headers) as http:
            return check_server(SyncSCIMClient(http))

    return await asyncio.to_thread(check)


@pytest.fixture(scope="module")
def results(database_administration: Administration, database_template: str) -> list[CheckResult]:
    return AskedOnce(database_administration, database_template).answers(checked)


@pytest.mark.parametrize("tag", sorted(get_registered_tags()))
def test_server_passes_every_check_of_a_tag(results: list[CheckResult], tag: str) -> None:
    tagged = [result for result in results if tag in result.tags]
    assert tagged
    assert [result for result in tagged if result.status not in PASSED] == []


@pytest.mark.parametrize("kind", [None, "User", "Group", "Role", "Case"])
def test_server_passes_every_check_of_a_resource_type(results: list[CheckResult], kind: str | None) -> None:
    of_kind = [result for result in results if result.resource_type == kind]
    assert of_kind
    assert [result for result in of_kind if result.status not in PASSED] == []


def test_no_check_is_skipped(results: list[CheckResult]) -> None:
    assert [result for result in results if result.status is Status.SKIPPED] == []
