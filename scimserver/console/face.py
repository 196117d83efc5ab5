"""The pages' face: from an aiohttp request to a page, and back.

Where the request was meant for, who makes it, whether a form is ours: asked here, once for all pages.
Proven by tests/console/test_face.py.
"""

from collections.abc import Awaitable, Callable, Sequence
from typing import Final

from aiohttp import web

from scimserver.console import attempts, faults, forms, render
from scimserver.console.faults import WrongMethod
from scimserver.console.forms import BadForm
from scimserver.console.pages.forgot import ForgotPage
from scimserver.console.pages.help import HelpPage
from scimserver.console.pages.managed import ManagedPage
from scimserver.console.pages.password import PasswordPage
from scimserver.console.pages.recovery import RecoveryPage
from scimserver.console.pages.reset import ResetPage
from scimserver.console.pages.sessions import SessionsPage
from scimserver.console.pages.sign_in import SignInPage
from scimserver.console.pages.sign_out import SignOutPage
from scimserver.console.visit import BLANK, FormPage, Page, Services, Visit
from scimserver.http.caller import origin
from scimserver.http.rejections import go_on
from scimserver.http.requestid import ROUTE

STALE: Final = "This form was open for too long. Nothing was done: please fill it in again."

READING: Final = ("GET", "HEAD")
METHODS: Final = (*READING, "POST")
"""Of pages with a form."""


class ConsoleFace:
    """Serves the pages of an application."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._styles = services.styles
        self._pages: Sequence[Page] = (
            SignInPage(),
            RecoveryPage(),
            SignOutPage(),
            ForgotPage(),
            ResetPage(),
            PasswordPage(),
            ManagedPage(),
            SessionsPage(),
            HelpPage(),
        )

    def add_routes(self, application: web.Application) -> None:
        """Serve every page, and the style sheet."""
        render.add_templates(application)
        for page in self._pages:
            application.router.add_route("*", page.path, self._handler(page), expect_handler=go_on)
        application.router.add_get(render.STATIC + self._styles.name, self._style)

    async def _style(self, request: web.Request) -> web.Response:
        request[ROUTE] = render.STATIC
        return self._styles.answer()

    def _handler(self, page: Page) -> Callable[[web.Request], Awaitable[web.Response]]:
        sent = page if isinstance(page, FormPage) else None

        async def handle(request: web.Request) -> web.Response:
            request[ROUTE] = page.path
            services = self._services
            came_from = origin(request, page.path, services.trusted_proxies)
            visit = Visit(services=services, request=request, origin=came_from)
            try:
                response = await self._answer(visit, page, sent)
            except Exception as failure:  # noqa: BLE001 - every failure is answered with a page
                response = faults.told(visit, failure)
            response.headers["Referrer-Policy"] = page.referrer
            return response

        return handle

    async def _answer(self, visit: Visit, page: Page, sent: FormPage | None) -> web.Response:
        request = visit.request
        forms.require_host(request, self._services.place)
        methods = READING if sent is None else METHODS
        if request.method not in methods:
            raise WrongMethod(methods)
        await visit.recognise()
        elsewhere = _elsewhere(visit, page)
        if elsewhere is not None:
            return visit.redirect(elsewhere)
        if sent is None or request.method != "POST":
            return await page.show(visit, BLANK)
        return await self._submitted(visit, sent)

    async def _submitted(self, visit: Visit, page: FormPage) -> web.Response:
        try:
            forms.require_same_site(visit.request, self._services.place)
        except BadForm as foreign:
            await attempts.count(visit, page.fact, "foreign_form", foreign.status)
            raise
        form = await forms.read_form(visit.request, self._services.body_seconds, page.fields)
        if not forms.is_token_for(visit.binding, form[forms.TOKEN]):
            await attempts.count(visit, page.fact, "stale_form", 403)
            return await page.show(visit, form.refused({"": STALE}, status=403))
        return await page.submit(visit, form)


def _elsewhere(visit: Visit, page: Page) -> str | None:
    """Where somebody has to go first; None where nowhere."""
    if not page.needs_session:
        return None
    if visit.caller is None:
        return f"/signin?next={page.path}"
    return "/password" if visit.caller.must_change and not page.while_must_change else None
