"""`/password`: choosing another password, by whoever knows the one there is (rule P7).

Proven by tests/console/test_password_page.py.
"""

from aiohttp import web

from scimserver.access.login import WrongPassword
from scimserver.console.attempts import attempt
from scimserver.console.forms import Form
from scimserver.console.pages.managed import ManagedPage
from scimserver.console.visit import Visit
from scimserver.directory import passwords, users
from scimserver.kernel.errors import PasswordManagedElsewhere, PasswordNotAllowed
from scimserver.kernel.facts import PasswordChanged
from scimserver.work import telling


class PasswordPage:
    """Lets people change their own password."""

    path = "/password"
    fields = ("current", "new", "again")
    fact = PasswordChanged
    needs_session = True
    referrer = "same-origin"
    while_must_change = True

    async def show(self, visit: Visit, form: Form) -> web.Response:
        """The form, and what a password has to be; or who manages it, where an identity provider does.

        Raises `NotPermitted` in a session that is for sign-in settings alone.
        """
        assert visit.caller is not None
        passwords.require_unconfined(visit.actor)
        work = visit.services.room.open(visit.actor, visit.origin)
        user = await users.get(work, visit.caller.signed_in.session.user)
        if user.provider is not None:
            return visit.redirect(ManagedPage.path)
        policy = await passwords.policy_of(work)
        return visit.page("password.html", form, requirements=passwords.requirements(policy))

    async def submit(self, visit: Visit, form: Form) -> web.Response:
        """Change it; every other session of the user ends."""
        assert visit.caller is not None
        services, user_id = visit.services, visit.caller.signed_in.session.user
        missing = unfilled(form, current="Enter your current password.")
        if missing:
            return await self.show(visit, form.refused(missing))
        try:
            async with attempt(visit, PasswordChanged, visit.actor) as work:
                user = await users.get(work, user_id)
                with telling(user.user_name, target=user.id):
                    passwords.require_local(user)
                current = await services.login.verified_own(work, visit.caller, form["current"])
                await passwords.change_own(work, user, services.desk.take(form["new"]), current)
        except PasswordManagedElsewhere:
            return visit.redirect(ManagedPage.path)
        except WrongPassword as refused:
            return await self.show(visit, form.refused({"current": refused.detail}))
        except PasswordNotAllowed as refused:
            return await self.show(visit, form.refused({"new": refused.detail}))
        return visit.redirect("/sessions?ended=others")


def unfilled(form: Form, **sentences: str) -> dict[str, str]:
    """What is wrong with a form for a new password before anybody looks at it."""
    missing = {name: sentence for name, sentence in sentences.items() if not form[name]}
    if not form["new"]:
        missing["new"] = "Enter a new password."
    elif form["again"] != form["new"]:
        missing["again"] = "This is not the same as the new password: enter both again."
    return missing
