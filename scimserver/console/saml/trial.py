"""Trying a connection out: what its identity provider asserts is shown, with each check and what came of it.

Nobody is signed in by it. Proven by tests/console/test_saml_trial.py.
"""

from aiohttp import web

from scimserver.access.saml.checks import REMEMBERED
from scimserver.access.saml.desk import SamlDesk
from scimserver.access.saml.judgement import Judgement
from scimserver.console.attempts import attempt, require_own_link
from scimserver.console.forms import Form
from scimserver.console.saml.going import journey
from scimserver.console.saml.place import NOWHERE, SamlPlace
from scimserver.console.visit import Visit
from scimserver.directory import saml
from scimserver.directory.saml import Asked
from scimserver.kernel.actor import Actor, ActorKind
from scimserver.kernel.errors import NotFound, Refused
from scimserver.kernel.facts import SamlTried


async def begin(visit: Visit, place: SamlPlace, desk: SamlDesk) -> web.Response:
    """Send whoever manages SAML to the identity provider, to come back with what it asserts.

    Raises `NotFound` for whoever belongs elsewhere, and `NotPermitted`.
    """
    await visit.recognise()
    if visit.caller is None:
        return visit.redirect(f"/signin?next={visit.request.path}")
    if place.organization != visit.actor.organization:
        raise NotFound(NOWHERE)
    if "go" not in visit.request.query:
        # A browser that has just sent a form is let go to other sites by a link alone (form-action).
        return visit.page("saml_try.html", connection=place.connection.wanted.name, sso=place.trust.sso_url)
    await require_own_link(visit, SamlTried)
    there = await journey(visit, desk, place)
    async with attempt(visit, SamlTried, visit.actor, target=place.connection.id) as work:
        await saml.begin_trial(work, place.connection, there.request, there.browser)
    return there.sent(visit)


async def shown(visit: Visit, place: SamlPlace, asked: Asked, judgement: Judgement) -> web.Response:
    """Show whoever tries a connection out what came of it, and sign nobody in."""
    now = visit.services.room.clock()
    who = Actor(
        kind=ActorKind.USER,
        organization=place.organization,
        permissions=asked.permissions,
        user=asked.tried_by,
    )
    said = ""
    try:
        async with attempt(visit, SamlTried, who, target=place.connection.id) as work:
            refusal = judgement.refusal
            if refusal is not None:
                raise refusal
            assert judgement.asserted is not None
            used = judgement.asserted.id
            await saml.finish_trial(work, place.connection, asked, used, now + REMEMBERED)
    except Refused as refused:
        said = refused.detail
    return visit.page(
        "saml_trial.html",
        Form(status=422 if said else 200),
        connection=place.connection.wanted.name,
        steps=judgement.steps,
        asserted=judgement.asserted,
        said=said,
    )
