"""SAML libraries that do not fit together stop SAML, and nothing else."""

from urllib.parse import urlsplit

import pytest

from scimserver.access.saml import verify
from scimserver.access.saml.metadata import parse_metadata
from scimserver.access.saml.place import addresses_of
from scimserver.db.pool import Database
from scimserver.directory import saml
from scimserver.directory.saml import Wanted
from scimserver.kernel.actor import Origin, operator
from tests.metadata import metadata
from tests.serving import PUBLIC_URL, Installation, running


async def metadata_of_a_connection(installation: Installation) -> int:
    """How a request for our metadata is answered."""
    organization = await installation.organization()
    async with installation.room.open(operator("tests", organization), Origin(request_id="tests")) as work:
        provider = parse_metadata(metadata().encode(), work.now)
        made = await saml.create(work, Wanted(name="Okta"), provider)
    path = urlsplit(addresses_of(PUBLIC_URL, organization, made.id).entity_id).path
    return (await installation.http.get(path, headers={"Host": urlsplit(PUBLIC_URL).netloc})).status


async def test_libraries_of_different_kinds_stop_saml_alone(
    database: Database, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(verify, "libraries_agree", lambda: False)
    async with running(database) as installation:
        assert await metadata_of_a_connection(installation) == 503
        client = await installation.client(await installation.organization("beta", domain="beta.example"))
        assert (await client.get("/Users")).status == 200
        assert (await installation.http.get("/readyz")).status == 200


async def test_libraries_that_agree_are_used(installation: Installation):
    assert await metadata_of_a_connection(installation) == 200
