"""The pages' face: from an aiohttp request to a page, and back.

Where the request was meant for, who makes it, whether a form is ours: asked here, once for all pages.
Proven by tests/console/test_face.py.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Final

import structlog
from aiohttp import hdrs, web

from scimserver.console import attempts, forms, render
from scimserver.console.forms import BadForm, Form
from scimserver.console.pages.forgot import ForgotPage
from scimserver.console.pages.password import PasswordPage
from scimserver.console.pages.reset import ResetPage
from scimserver.console.pages.sessions import SessionsPage
from scimserver.console.pages.sign_in import SignInPage
from scimserver.console.pages.sign_out import SignOutPage
from scimserver.console.visit import BLANK, Page, Services, Visit
from scimserver.http.caller import origin
from scimserver.http.hardening import BodyEncoded, BodyTooLarge, BodyTooSlow
from scimserver.http.rejections import go_on
from scimserver.http.requestid import ROUTE
from scimserver.kernel.errors import Conflicted, NotFound, NotPermitted, RateLimited, Refused, Unavailable

STALE: Final = "This form was open for too long. Nothing was done: please fill it in again."

_METHODS: Final = ("GET", "HEAD", "POST")

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """What an error page says."""

    status: int
    title: str
    sentence: str
    headers: Mapping[str, str] = field(default_factory=dict[str, str])


class ConsoleFace:
    """Serves the pages of an application."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._styles = services.styles
        self._pages: Sequence[Page] = (
            SignInPage(),
            SignOutPage(),
            ForgotPage(),
            ResetPage(),
            PasswordPage(),
            SessionsPage(),
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
        async def handle(request: web.Request) -> web.Response:
            request[ROUTE] = page.path
            services = self._services
            came_from = origin(request, page.path, services.trusted_proxies)
            visit = Visit(services=services, request=request, origin=came_from)
            try:
                response = await self._answer(visit, page)
            except Exception as failure:  # noqa: BLE001 - every failure is answered with a page
                response = self._told(visit, _fault(failure, visit))
            response.headers["Referrer-Policy"] = page.referrer
            return response

        return handle

    async def _answer(self, visit: Visit, page: Page) -> web.Response:
        request, place = visit.request, self._services.place
        if request.host.lower() not in place.hosts:
            raise BadForm(421, f"These pages are at {place.url(page.path)}.")
        if request.method not in _METHODS:
            raise WrongMethod
        await visit.recognise()
        elsewhere = _elsewhere(visit, page)
        if elsewhere is not None:
            return visit.redirect(elsewhere)
        if request.method != "POST":
            return await page.show(visit, BLANK)
        return await self._submitted(visit, page)

    async def _submitted(self, visit: Visit, page: Page) -> web.Response:
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

    def _told(self, visit: Visit, fault: Fault) -> web.Response:
        response = visit.page("error.html", Form(status=fault.status), title=fault.title, said=fault.sentence)
        response.headers.update(fault.headers)
        return response


class WrongMethod(BadForm):
    """The page does not answer such a request."""

    def __init__(self) -> None:
        super().__init__(405, "This page cannot be asked for in that way: follow a link to it.")


def _elsewhere(visit: Visit, page: Page) -> str | None:
    """Where somebody has to go first; None where nowhere."""
    if not page.needs_session:
        return None
    if visit.caller is None:
        return f"/signin?next={page.path}"
    return "/password" if visit.caller.must_change and not page.while_must_change else None


def _fault(failure: Exception, visit: Visit) -> Fault:
    match failure:
        case WrongMethod():
            return _of(failure, {hdrs.ALLOW: ", ".join(_METHODS)})
        case BadForm():
            return _of(failure)
        case BodyEncoded():
            return _of(BadForm(415, "A form is taken as it is: send it without Content-Encoding."))
        case BodyTooLarge():
            return _of(BadForm(413, "The form is larger than any of ours: go back and fill it in again."))
        case BodyTooSlow():
            return _of(BadForm(408, "The form did not arrive in time; nothing was done: send it again."))
        case web.RequestPayloadError() | ConnectionResetError():
            return _of(BadForm(400, "The form is cut off; nothing was done: send it again."))
        case RateLimited():
            return _of(BadForm(429, failure.detail), {hdrs.RETRY_AFTER: str(failure.retry_after)})
        case Conflicted() | Unavailable():
            wait = failure.retry_after if isinstance(failure, Unavailable) else 1
            sentence = "The server cannot do this at the moment; nothing was changed: try again shortly."
            return _of(BadForm(503, sentence), {hdrs.RETRY_AFTER: str(wait)})
        case Refused():
            kinds = (kind for kind in _STATUS if isinstance(failure, kind))
            return _of(BadForm(_STATUS[next(kinds, Refused)], failure.detail))
        case _:
            _log.error("page.failed", request_id=visit.origin.request_id, exc_info=failure)
            return _of(BadForm(500, "The server made a mistake; nothing was changed as far as it knows."))


_STATUS: Final[Mapping[type[Refused], int]] = {NotFound: 404, NotPermitted: 403, Refused: 422}


def _of(bad: BadForm, headers: Mapping[str, str] | None = None) -> Fault:
    return Fault(
        status=bad.status, title=HTTPStatus(bad.status).phrase, sentence=bad.sentence, headers=headers or {}
    )
