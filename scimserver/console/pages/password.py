"""`/password`: choosing another password, by whoever knows the one there is (rule P7).

Proven by tests/console/test_password_page.py.
"""

from aiohttp import web

from scimserver.console.attempts import attempt
from scimserver.console.forms import Form
from scimserver.console.visit import Visit
from scimserver.directory import notices, passwords, users
from scimserver.directory.notices import Notice
from scimserver.kernel.errors import InvalidValue
from scimserver.kernel.facts import PasswordChanged


class PasswordPage:
    """Lets people change their own password."""

    path = "/password"
    fields = ("current", "new", "again")
    attempt = PasswordChanged
    needs_session = True
    while_must_change = True

    async def show(self, visit: Visit, form: Form) -> web.Response:
        """The form, and what a password has to be."""
        work = visit.services.room.open(visit.actor, visit.origin)
        policy = await passwords.policy_of(work)
        return visit.page("password.html", form, requirements=passwords.requirements(policy))
