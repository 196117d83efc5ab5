"""People who sign in, and the browsers that they do it with, as tests of pages and of sign-in meet them."""

from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from html.parser import HTMLParser
from http.cookies import SimpleCookie
from typing import Any
from urllib.parse import urlencode

import asyncpg
from aiohttp import web
from aiohttp.test_utils import TestClient
from multidict import CIMultiDictProxy

from scimserver.audit.store import Logged
from scimserver.db.pool import Database
from scimserver.directory import mail, password_resets, passwords, users
from scimserver.directory.organizations import Addresses
from scimserver.directory.password_resets import Purpose
from scimserver.directory.passwords import Blocklist, PasswordDesk, PasswordHasher
from scimserver.directory.users import User
from scimserver.kernel.actor import Origin, operator
from scimserver.kernel.ids import INSTALLATION, OrganizationId
from tests.clocks import Hands
from tests.serving import Installation, running

PASSWORD = "seven small grey herons"
OTHER = "nine large white storks"
ADA = "ada@example.com"
HOME = "192.0.2.7"
FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
_PASSWORD = """
    INSERT INTO credentials (org_id, user_id, password_hash, changed, must_change, expires, set_by)
    SELECT org_id, id, $2, $3, $4, $5, $6 FROM users WHERE id = $1
"""
_VOID = {"meta", "link", "input", "br"}


@dataclass(slots=True)
class Element:
    """An element of a page."""

    tag: str
    attributes: dict[str, str]
    text: str = ""
    inside: tuple[str, ...] = ()
    """The tags around it, outermost first."""

    def __getitem__(self, name: str) -> str:
        return self.attributes.get(name, "")


class _Parser(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.found: list[Element] = []
        self._open: list[Element] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        attributes = {name: value or "" for name, value in attrs}
        assert len(attributes) == len(attrs), f"an attribute stands twice in <{tag}>"
        element = Element(tag, attributes, inside=tuple(each.tag for each in self._open))
        self.found.append(element)
        if tag not in _VOID:
            self._open.append(element)

    def handle_endtag(self, tag: str) -> None:
        assert self._open, f"</{tag}> without a beginning"
        assert self._open.pop().tag == tag, f"</{tag}> ends something else"

    def handle_data(self, data: str) -> None:
        for element in self._open:
            element.text += data

    def close(self) -> None:
        super().close()
        assert not self._open, f"not ended: {[each.tag for each in self._open]}"


@dataclass(frozen=True, slots=True)
class Shown:
    """A page as a browser shows it."""

    status: int
    headers: CIMultiDictProxy[str]
    text: str
    elements: list[Element]

    @property
    def location(self) -> str:
        """Where the browser is sent."""
        return self.headers.get("Location", "")

    @property
    def title(self) -> str:
        return self.all("title")[0].text

    @property
    def errors(self) -> dict[str, str]:
        """What is wrong, by field; "" for the whole form."""
        summary = [each for each in self.elements if each["role"] == "alert"]
        beside = [each for each in self.all("p") if each["class"] == "error"]
        told = {each["id"].removesuffix("-error"): each.text for each in beside}
        listed = [each.text.strip() for each in self.all("li") if summary and each.text in summary[0].text]
        whole = [sentence for sentence in listed if sentence not in told.values()]
        return {**told, **({"": whole[0]} if whole else {})}

    def all(self, tag: str) -> list[Element]:
        """The elements of that name."""
        return [each for each in self.elements if each.tag == tag]

    def field(self, name: str) -> Element:
        """The field of that name."""
        return next(each for each in self.all("input") if each["name"] == name)

    @property
    def main(self) -> str:
        """The text of the page, in one line."""
        return " ".join(self.all("main")[0].text.split())


@dataclass(slots=True)
class Browser:
    """A browser at an address: it keeps cookies, and says where its forms come from."""

    http: TestClient[web.Request, web.Application]
    address: str = HOME
    host: str = "scim.test"
    scheme: str = "https"
    agent: str = FIREFOX
    cookies: dict[str, str] = field(default_factory=dict[str, str])
    attributes: dict[str, str] = field(default_factory=dict[str, str])
    """Of each cookie, as it was sent the last time."""

    async def request(
        self, method: str, path: str, *, data: bytes | None = None, headers: Mapping[str, str] | None = None
    ) -> Shown:
        """One request, followed nowhere."""
        sent = {
            "Host": self.host,
            "User-Agent": self.agent,
            "X-Forwarded-For": self.address,
            "Cookie": "; ".join(f"{name}={value}" for name, value in self.cookies.items()),
            **(headers or {}),
        }
        async with self.http.request(
            method, path, data=data, headers=sent, allow_redirects=False
        ) as response:
            text = await response.text()
            for line in response.headers.getall("Set-Cookie", []):
                self._keep(line)
            parser = _Parser()
            if response.content_type == "text/html":
                parser.feed(text)
                parser.close()
            return Shown(response.status, response.headers, text, parser.found)

    def _keep(self, line: str) -> None:
        [(name, morsel)] = SimpleCookie(line).items()
        self.attributes[name] = line.partition(";")[2].strip()
        if morsel["max-age"] == "0":
            self.cookies.pop(name, None)
        else:
            self.cookies[name] = morsel.value

    async def get(self, path: str, **headers: str) -> Shown:
        """GET, followed nowhere."""
        return await self.request("GET", path, headers=headers)

    async def follow(self, shown: Shown) -> Shown:
        """The page to which an answer sends the browser."""
        assert shown.status == 303, shown.text
        return await self.get(shown.location)

    async def post(
        self, path: str, fields: Mapping[str, str] | list[tuple[str, str]], **headers: str
    ) -> Shown:
        """POST a form as it is, from our own page."""
        sent = {
            "Content-Type": "application/x-www-form-urlencoded",
            "Origin": f"{self.scheme}://{self.host}",
            "Sec-Fetch-Site": "same-origin",
            **headers,
        }
        return await self.request("POST", path, data=urlencode(fields).encode(), headers=sent)

    async def submit(self, path: str, **fields: str) -> Shown:
        """Open a page, and send its form."""
        page = await self.get(path)
        assert page.status == 200, page.text
        return await self.post(path, {"token": page.field("token")["value"], **fields})

    async def sign_in(self, address: str = ADA, password: str = PASSWORD, **fields: str) -> Shown:
        """Fill in the form of the page where people sign in."""
        return await self.submit("/signin", address=address, password=password, **fields)

    async def is_signed_in(self) -> bool:
        """Whether the browser's session is alive."""
        return (await self.get("/sessions")).status == 200


@dataclass(slots=True)
class Reception:
    """An organisation with people, where somebody signs in; an operator, and a connection beside it."""

    installation: Installation
    connection: asyncpg.Connection
    hands: Hands
    organization: OrganizationId
    desk: PasswordDesk

    def browser(self, **settings: Any) -> Browser:
        """A browser that was never here."""
        return Browser(self.installation.http, **settings)

    def work(self, organization: OrganizationId | None = None) -> Any:
        """A unit of work of the operator."""
        who = operator("tests", organization or self.organization)
        return self.installation.room.open(who, Origin(request_id="tests"))

    async def person(
        self,
        user_name: str = ADA,
        password: str | None = PASSWORD,
        *,
        organization: OrganizationId | None = None,
        must_change: bool | None = None,
        **attributes: Any,
    ) -> User:
        """A user with a password; `must_change` says that an administrator set it just now. Nobody is told."""
        async with self.work(organization) as work:
            made = await users.create(work, {"userName": user_name, **attributes})
        if password is not None:
            set_by = "owner" if must_change is None else "administrator"
            expires = None if must_change is None else self.hands() + timedelta(hours=24)
            digest = await self.desk.take(password).digest()
            await self.connection.execute(
                _PASSWORD, made.id, digest.phc, self.hands(), bool(must_change), expires, set_by
            )
        return made

    async def give(
        self,
        user: User,
        password: str,
        *,
        must_change: bool | None = None,
        organization: OrganizationId | None = None,
    ) -> None:
        """Give a user a password."""
        async with self.work(organization) as work:
            current = await users.get(work, user.id)
            new = self.desk.take(password)
            if must_change is None:
                await passwords.set_by_link(work, current, new)
            else:
                await passwords.set_by_administrator(work, current, new, must_change=must_change)

    async def change(self, user: User, **attributes: Any) -> User:
        """The user with other attributes."""
        async with self.work() as work:
            current = await users.get(work, user.id)
            return await users.update(work, current, {**current.document, **attributes})

    async def link(self, user: User, purpose: Purpose = Purpose.ADMINISTRATOR) -> str:
        """The token of a link that was mailed to a user."""
        async with self.work() as work:
            await password_resets.mail_link(work, await users.get(work, user.id), purpose)
        database, now = self.installation.database, self.hands()
        job = await mail.claim(database, now, now + timedelta(minutes=3))
        assert job is not None
        to = await mail.addressee(database, job)
        assert to is not None
        async with self.work() as work:
            token = await password_resets.issue(work, job, to.user_name_key)
            await mail.sent(work, job, user.user_name)
        assert token is not None
        return token

    async def delete(self, user: User) -> None:
        """Delete a user."""
        async with self.work() as work:
            await users.delete(work, await users.get(work, user.id))

    async def mailed(self) -> list[str]:
        """What was mailed to people because of what they did themselves, or waits to be."""
        waiting = await self.connection.fetch("SELECT kind FROM mail_jobs WHERE request_id <> 'tests'")
        sent = [str(logged.personal["changes.0.new"]) for logged in await self.logged("mail.send")]
        return [*sent, *(row["kind"] for row in waiting)]

    async def logged(self, event: str, organization: OrganizationId | None = None) -> list[Logged]:
        """The log's entries of an event, but for the operator's."""
        return await self.installation.log(organization or self.organization, events=[event])

    async def reasons(self, organization: OrganizationId = INSTALLATION) -> list[tuple[str, str, int]]:
        """What was refused: events, reasons, how often."""
        return [
            (logged.entry["event"], logged.entry["reason"], logged.entry.get("count", 1))
            for logged in await self.installation.log(organization, outcomes=["failure"])
        ]


@asynccontextmanager
async def reception(
    database: Database, connection: asyncpg.Connection, **settings: Any
) -> AsyncGenerator[Reception]:
    """The application over a database, behind a proxy on this machine, with a clock of the test's."""
    hands, hasher = Hands(), PasswordHasher()
    async with running(database, clock=hands, trusted_proxies=("127.0.0.0/8",), **settings) as installation:
        organization = await installation.organization("acme", addresses=Addresses.REQUIRED)
        yield Reception(installation, connection, hands, organization, PasswordDesk(hasher, Blocklist.of(())))
    hasher.close()
