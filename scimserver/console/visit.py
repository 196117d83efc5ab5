"""One request for a page: who makes it, and how it is answered."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final, Protocol, runtime_checkable

from aiohttp import web

from scimserver.access import sessions
from scimserver.access.candidates import Candidates
from scimserver.access.guesses import Guesses
from scimserver.access.login import Login
from scimserver.access.refusals import Refusals
from scimserver.access.sessions import Caller
from scimserver.console import forms, render
from scimserver.console.cookies import Cookie, Cookies
from scimserver.console.forms import Form
from scimserver.console.render import Styles
from scimserver.directory.passwords import PasswordDesk
from scimserver.directory.reset_requests import ResetRequests
from scimserver.http.caller import Network
from scimserver.http.place import Place
from scimserver.kernel.actor import NOBODY, Actor, Origin
from scimserver.kernel.facts import Fact
from scimserver.kernel.secrets import new_secret
from scimserver.work import WorkRoom

BLANK: Final = Form()


@dataclass(frozen=True, slots=True, kw_only=True)
class Services:
    """What pages are made with."""

    room: WorkRoom
    login: Login
    candidates: Candidates
    guesses: Guesses
    desk: PasswordDesk
    requests: ResetRequests
    refusals: Refusals
    place: Place
    cookies: Cookies
    styles: Styles
    trusted_proxies: Sequence[Network]
    body_seconds: float
    """How long a form may take to arrive."""


@dataclass(slots=True, kw_only=True)
class Visit:
    """A request, and whoever is signed in where it comes from."""

    services: Services
    request: web.Request
    origin: Origin
    caller: Caller | None = None
    fresh: str = field(default_factory=new_secret, repr=False)
    """What ties forms to a browser that has no such cookie yet."""
    ties_forms: bool = True
    """Whether it is given one: not where another site sends the request, and its own do not come along."""

    async def recognise(self) -> None:
        """Find out who is signed in. Raises `Unavailable`."""
        secret = self.cookie(Cookie.SESSION)
        if secret is not None:
            room = self.services.room
            self.caller = await sessions.caller(room.database, secret, room.clock())

    @property
    def actor(self) -> Actor:
        """Who acts."""
        return self.caller.actor if self.caller else NOBODY

    def cookie(self, cookie: Cookie) -> str | None:
        """A cookie's value."""
        return self.services.cookies.read(self.request, cookie)

    @property
    def binding(self) -> str | None:
        """The secret that forms of this visitor belong to; None where the browser has none yet."""
        return self.cookie(Cookie.SESSION if self.caller else Cookie.FORM)

    def page(self, template: str, form: Form = BLANK, **context: object) -> web.Response:
        """A page with a form on it, if need be with its errors."""
        binding = self.binding or self.fresh
        prefix = self.services.place.prefix
        whole = {
            "prefix": prefix,
            "stylesheet": prefix + render.STATIC + self.services.styles.name,
            "token": forms.token_for(binding),
            "form": form,
            "signed_in": self.caller.signed_in if self.caller else None,
            "must_change": self.caller is not None and self.caller.must_change,
            **context,
        }
        response = render.page(self.request, template, whole, status=form.status)
        if binding == self.fresh and self.ties_forms:
            self.services.cookies.write(response, Cookie.FORM, binding)
        return response

    def redirect(self, path: str) -> web.Response:
        """Send the browser on to a page of ours."""
        return render.redirect(self.services.place, path)


class Page(Protocol):
    """A page at one path."""

    @property
    def path(self) -> str:
        """Where it is."""
        ...

    @property
    def referrer(self) -> str:
        """Who is told its address, as the header `Referrer-Policy` says it."""
        ...

    @property
    def needs_session(self) -> bool:
        """Whether only people who are signed in get to see it."""
        ...

    @property
    def while_must_change(self) -> bool:
        """Whether they do also while they have to choose another password first."""
        ...

    async def show(self, visit: Visit, form: Form) -> web.Response:
        """The page, with what was filled in and what is wrong with it."""
        ...


@runtime_checkable
class FormPage(Page, Protocol):
    """A page with a form, which is sent to the same path."""

    @property
    def fields(self) -> tuple[str, ...]:
        """The fields of its form."""
        ...

    @property
    def fact(self) -> type[Fact]:
        """What its form attempts, for the log."""
        ...

    async def submit(self, visit: Visit, form: Form) -> web.Response:
        """Do what the form asks. Raises refusals."""
        ...
