"""`/sessions`: where one is signed in, and ending that (OWASP ASVS 5.0, 7.5.2).

Proven by tests/console/test_sessions_page.py.
"""

from typing import Final

from aiohttp import web

from scimserver.console.attempts import attempt
from scimserver.console.cookies import Cookie
from scimserver.console.forms import BadForm, Form
from scimserver.console.visit import Visit
from scimserver.directory import sessions
from scimserver.directory.sessions import Method
from scimserver.kernel.errors import NotFound
from scimserver.kernel.facts import SessionEnded, SessionsEnded
from scimserver.kernel.ids import SessionId, parse_uuid

_OTHERS: Final = "others"
_METHODS: Final = {
    Method.PASSWORD: "with a password",
    Method.SAML: "by your organisation's identity provider",
    Method.RECOVERY: "by a recovery account",
}
_NOTICES: Final = {"one": "The session has ended.", _OTHERS: "All the other sessions have ended."}


class SessionsPage:
    """Shows people their own sessions."""

    path = "/sessions"
    fields = ("session",)
    fact = SessionEnded
    needs_session = True
    referrer = "same-origin"
    while_must_change = False

    async def show(self, visit: Visit, form: Form) -> web.Response:
        """The sessions, the latest first."""
        assert visit.caller is not None
        work = visit.services.room.open(visit.actor, visit.origin)
        listed = await sessions.every(work, visit.caller.signed_in.session.user)
        notice = _NOTICES.get(visit.request.query.get("ended", ""))
        return visit.page("sessions.html", form, sessions=listed, notice=notice, methods=_METHODS)

    async def submit(self, visit: Visit, form: Form) -> web.Response:
        """End one of them, or all but this one."""
        assert visit.caller is not None
        own = visit.caller.signed_in.session
        if form["session"] == _OTHERS:
            async with attempt(visit, SessionsEnded, visit.actor) as work:
                await sessions.sign_out(work, own.user, keep=own.id)
            return visit.redirect(f"/sessions?ended={_OTHERS}")
        ended = parse_uuid(form["session"])
        if ended is None:
            raise BadForm(422, "Choose a session from the list.")
        try:
            async with attempt(visit, SessionEnded, visit.actor) as work:
                await sessions.end(work, own.user, SessionId(ended))
        except NotFound:
            # It has ended by itself, or in another window: what was wanted is so.
            return visit.redirect("/sessions?ended=one")
        if ended != own.id:
            return visit.redirect("/sessions?ended=one")
        response = visit.redirect("/signin?done=signed-out")
        visit.services.cookies.remove(response, Cookie.SESSION)
        return response
