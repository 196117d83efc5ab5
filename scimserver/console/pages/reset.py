"""`/reset`: choosing a password by a mailed link (rule P7).

The first request has the token in its address, which is no place for a secret: it goes into a cookie, and
the browser on to the address without it. Only sending the form uses the link; programs that look at
links in mail do not.
Proven by tests/console/test_reset_page.py.
"""

from aiohttp import web

from scimserver.console.attempts import attempt, count
from scimserver.console.cookies import Cookie
from scimserver.console.forms import Form
from scimserver.console.pages.password import unfilled
from scimserver.console.visit import Visit
from scimserver.directory import password_resets, passwords, users
from scimserver.directory.password_resets import Live
from scimserver.kernel.actor import Actor, ActorKind
from scimserver.kernel.errors import LinkNotLive, PasswordNotAllowed
from scimserver.kernel.facts import PasswordSetByLink


class ResetPage:
    """Lets people set a password who have a link."""

    path = "/reset"
    fields = ("new", "again")
    fact = PasswordSetByLink
    needs_session = False
    referrer = "no-referrer"
    while_must_change = True

    async def show(self, visit: Visit, form: Form) -> web.Response:
        """Take the token out of the address; then the form, if the link can be used."""
        token = visit.request.query.get("token")
        if token is not None and visit.request.method != "POST":
            return _moved(visit, token)
        live = await _live(visit)
        if live is None:
            return _dead(visit)
        work = visit.services.room.open(_owner(live), visit.origin)
        user, policy = await users.get(work, live.user), await passwords.policy_of(work)
        requirements = passwords.requirements(policy)
        return visit.page("reset.html", form, user_name=user.user_name, requirements=requirements)

    async def submit(self, visit: Visit, form: Form) -> web.Response:
        """Set the password; every session of the user ends, and nobody is signed in by it."""
        missing = unfilled(form)
        if missing:
            return await self.show(visit, form.refused(missing))
        live = await _live(visit)
        if live is None:
            await count(visit, PasswordSetByLink, LinkNotLive.reason, 410)
            return _dead(visit)
        new = visit.services.desk.take(form["new"])
        try:
            async with attempt(visit, PasswordSetByLink, _owner(live)) as work:
                user = await users.get(work, live.user)
                # Before the link is held: it takes long.
                await passwords.prepare(work, user, new)
                await password_resets.consume(work, visit.cookie(Cookie.LINK) or "")
                await passwords.set_by_link(work, user, new)
        except PasswordNotAllowed as refused:
            return await self.show(visit, form.refused({"new": refused.detail}))
        except LinkNotLive:
            return _dead(visit)
        response = visit.redirect("/signin?done=password-set")
        visit.services.cookies.remove(response, Cookie.LINK)
        return response


def _moved(visit: Visit, token: str) -> web.Response:
    """The way to the address without the token, which goes along as a cookie."""
    response = visit.redirect("/reset")
    if password_resets.parse_token(token) is None:
        visit.services.cookies.remove(response, Cookie.LINK)
    else:
        visit.services.cookies.write(response, Cookie.LINK, token)
    return response


def _owner(live: Live) -> Actor:
    """Whoever can read the user's mail: they may do one thing."""
    return Actor(kind=ActorKind.USER, organization=live.organization, permissions=frozenset(), user=live.user)


async def _live(visit: Visit) -> Live | None:
    """The link that was followed, if it can be used; one that cannot counts as a failure of its sender."""
    services, token = visit.services, visit.cookie(Cookie.LINK)
    if token is None:
        return None
    guess = await services.guesses.count(visit.origin, PasswordSetByLink.attempt)
    live = await password_resets.peek(services.room.database, token, services.room.clock())
    if live is not None:
        await guess.take_back()
    return live


def _dead(visit: Visit) -> web.Response:
    response = visit.page("dead_link.html", Form(status=410))
    visit.services.cookies.remove(response, Cookie.LINK)
    return response
