"""What the rules make of a user's document before it is written (P1, P2, P3, P9)."""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Final, Self, cast
from uuid import UUID

from scimserver.directory import roles
from scimserver.directory.limits import require_short, shown
from scimserver.directory.mailboxes import primary_mail
from scimserver.directory.organizations import Addresses, check_timezone
from scimserver.directory.users import store
from scimserver.directory.users.marking import Mark, WantedMark, marked
from scimserver.directory.users.model import Document, User, follow_user_name, stand_in
from scimserver.kernel.addresses import Address, address_key, parse_address
from scimserver.kernel.domains import AllowedDomain, refusal
from scimserver.kernel.errors import InvalidValue, Refused
from scimserver.kernel.facts import Json
from scimserver.kernel.ids import RoleId
from scimserver.kernel.permissions import Permission
from scimserver.kernel.providers import IdentityProvider
from scimserver.work import Work

_RULED: Final = ("userName", "emails", "roles", "timezone")


@dataclass(frozen=True, slots=True, kw_only=True)
class Settled:
    """A document that obeys the rules, and what follows from it for the row."""

    document: Document
    active: bool
    role: RoleId
    permissions: frozenset[Permission]
    """What the role permits."""
    mail_stand_in: bool
    mail_domain: str | None
    """The domain that the Email Domain rule looks at; None where user names are free and no mail is."""
    provider: IdentityProvider | None
    """By what the user signs in, who has no password then (P8)."""
    mark: bool | None
    """What a client says of that."""
    shut_in: bool = False
    """Whether somebody who has a recovery account comes to where SAML is enforced: a password alone lets
    them in no more."""
    rules: UUID | None = None
    """The organisation's rules that were looked at; None where none had to be."""


async def settle(
    work: Work,
    wanted: Document,
    previous: User | None,
    *,
    replacing: bool,
    reviving: bool = False,
    exact_mail: bool = False,
    placeholder: bool = False,
    mark: WantedMark = Mark.AS_IS,
) -> Settled:
    """Fill in what the rules give, and check what they ask.

    `replacing` where nothing is left as it was; `reviving` where a deactivated user is made anew;
    `exact_mail` where the e-mails are meant as they are, whatever becomes of `userName`;
    `placeholder` where the address may be a clone's (P6); `mark` is what somebody wants of it (P8).
    Raises `InvalidValue`, `DomainNotAllowed`, `Immutable` or `NotPermitted`; nothing has been written then.
    """
    document = dict(wanted)
    _require_user_name(document)
    _require_indexable(document)
    mail_stand_in = _settle_mail(document, previous, replacing=replacing, exact=exact_mail)
    stays = mark is Mark.AS_IS and not reviving
    if previous is not None and stays and _is_settled(document, mail_stand_in, previous):
        return Settled(
            document=document,
            active=_settle_active(document, previous),
            role=previous.role,
            permissions=previous.permissions,
            mail_stand_in=mail_stand_in,
            mail_domain=previous.mail_domain,
            provider=previous.provider,
            mark=previous.mark,
        )
    with work.step("rules"):
        case = _Case.of(
            document, previous, mail_stand_in, reviving=reviving, placeholder=placeholder, mark=mark
        )
        asked = store.Asked(work.actor.organization, *case.domains, roles.role_key(chosen_role(document)))
        known = store.remembered_context(work, asked) if previous is None else None
        if known is not None:
            # It may be out of date: nobody is refused by it, and a user is added only if it is not.
            with suppress(Refused):
                return _by_rules(work, case, known)
        return _by_rules(work, case, await store.writing_context(work, asked))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Case:
    """A document on its way, and what of its addresses is new: only that is looked at."""

    document: Document
    previous: User | None
    stays: User | None
    """Whose values are not looked at again: nobody's where a user comes back."""
    mail_stand_in: bool
    address: Address | None
    mail: str | None
    old_mail: str | None
    mail_address: Address | None
    placeholder: bool
    mark: WantedMark

    @property
    def domains(self) -> tuple[str | None, str | None]:
        """Of which domains the rules are asked: of new addresses, and of all where a mark is wanted.

        Also of all for who has a recovery account: which of the two counts may have changed.
        """
        address, mail = self.address, self.mail_address
        if self.mark is not Mark.AS_IS or (self.previous is not None and self.previous.recovers):
            address, mail = parsed(self.document["userName"]), parsed(self.mail)
        return address.domain if address else None, mail.domain if mail else None

    @classmethod
    def of(
        cls,
        document: Document,
        previous: User | None,
        mail_stand_in: bool,
        *,
        reviving: bool,
        placeholder: bool,
        mark: WantedMark,
    ) -> Self:
        # Where a user comes back, everything is new.
        stays = previous if previous is not None and not reviving else None
        old_mail = primary_mail(stays.document) if stays else None
        mail = None if mail_stand_in else primary_mail(document)
        return cls(
            document=document,
            previous=previous,
            stays=stays,
            mail_stand_in=mail_stand_in,
            address=_changed(document["userName"], stays.user_name if stays else None),
            mail=mail,
            old_mail=old_mail,
            mail_address=_changed(mail, old_mail),
            placeholder=placeholder,
            mark=mark,
        )


def _by_rules(work: Work, case: _Case, context: store.WritingContext) -> Settled:
    document, previous, mail = dict(case.document), case.previous, case.mail
    if context.addresses is Addresses.REQUIRED:
        require_address(document, case.stays, placeholder=case.placeholder)
        identity, moved = parsed(document["userName"]), case.address is not None
        require_covered(case.address, context)
    else:
        identity, moved = parsed(mail), case.mail_address is not None
        if identity is None and mail is not None and "@" in mail and mail != case.old_mail:
            parse_address(mail, attribute="emails")
        require_covered(case.mail_address, context)
    role, permissions = settle_role(work, document, context, previous)
    settle_timezone(document, context, previous)
    provider, mark = marked(case.mark, previous, context, moved=moved)
    domain = identity.domain if identity else None
    has_come = previous is not None and previous.recovers and domain != previous.mail_domain
    return Settled(
        document=document,
        active=_settle_active(document, previous),
        role=role,
        permissions=permissions,
        mail_stand_in=case.mail_stand_in,
        mail_domain=domain,
        provider=provider,
        mark=mark,
        shut_in=has_come and context.enforced is not None,
        rules=context.rules,
    )


def _is_settled(document: Document, mail_stand_in: bool, previous: User) -> bool:
    """Whether all that the organisation's rules look at is as it was: then it need not be asked."""
    stays = (document.get(name) == previous.document.get(name) for name in _RULED)
    return mail_stand_in == previous.mail_stand_in and all(stays)


def _require_user_name(document: Document) -> None:
    user_name = document.get("userName")
    if not isinstance(user_name, str) or not user_name.strip():
        raise InvalidValue("userName is required and may not be blank.", attribute="userName")


def _require_indexable(document: Document) -> None:
    name = document.get("name")
    require_short(
        {
            "userName": address_key(cast(str, document["userName"])),
            "externalId": document.get("externalId"),
            "displayName": document.get("displayName"),
            "name.familyName": name.get("familyName") if isinstance(name, dict) else None,
        }
    )


def _settle_mail(document: Document, previous: User | None, *, replacing: bool, exact: bool) -> bool:
    """Keep `emails` as sent; where there are none, make one from `userName` (P1)."""
    user_name = cast(str, document["userName"])
    if replacing and not document.get("emails"):
        document["emails"] = stand_in(user_name)
        return True
    if previous is None:
        return False
    stay = document.get("emails") == previous.document.get("emails") and not exact
    if previous.mail_stand_in and (stay or document.get("emails") == stand_in(user_name)):
        document["emails"] = stand_in(user_name)
        return True
    if user_name != previous.user_name and stay and not replacing and document.get("emails"):
        document["emails"] = follow_user_name(document["emails"], previous.user_name, user_name)
    return False


def _changed(new: Json, old: str | None) -> Address | None:
    """The address that is new with this write, taken apart; None where none is, or none can be."""
    return None if new == old else parsed(new)


def parsed(text: Json) -> Address | None:
    """An address taken apart; None for what is none."""
    try:
        return parse_address(text) if isinstance(text, str) else None
    except InvalidValue:
        return None


def require_covered(address: Address | None, context: store.WritingContext) -> None:
    """Raise `DomainNotAllowed` where the Email Domains do not cover an address (P2)."""
    if address is None or context.covered:
        return
    parent = [AllowedDomain(domain=context.parent)] if context.parent else []
    raise refusal(address.written, parent)


def require_address(document: Document, previous: User | None, *, placeholder: bool) -> None:
    """Raise `InvalidValue` where a new `userName` is no address, or one that only cloning gives (P1, P6)."""
    user_name = cast(str, document["userName"])
    if previous is not None and previous.user_name == user_name:
        return
    if parse_address(user_name).is_placeholder and not placeholder:
        raise InvalidValue(
            'An address that ends in "(Copy N)" is given by cloning only: write a real address.',
            attribute="userName",
        )


def chosen_role(document: Document) -> str:
    """The name or id of the role that the document asks for; the least where it says nothing."""
    entries = cast("Sequence[Mapping[str, Json]]", document.get("roles") or ())
    return _called(entries[0]) if entries else roles.MINIMAL_PERMISSIONS


def _called(entry: Mapping[str, Json]) -> str:
    return str(entry.get("value") or entry.get("display") or "")


def settle_role(
    work: Work, document: Document, context: store.WritingContext, previous: User | None
) -> tuple[RoleId, frozenset[Permission]]:
    """The user's role and what it permits (P9). Raises `InvalidValue`, `NotPermitted`."""
    least = context.default_role, frozenset[Permission]()
    before = (previous.role, previous.permissions) if previous else least
    if context.addresses is Addresses.FREE:
        return before
    entries = cast("Sequence[Mapping[str, Json]]", document.get("roles") or ())
    if not entries and previous is None:
        document["roles"] = roles.entries_of(roles.MINIMAL_PERMISSIONS)
    role, permissions = _named_role(entries, context) if entries else least
    # Nobody gives or takes what they do not hold; who is new may have a role without permissions.
    if role != before[0]:
        work.require(Permission.USERS_ASSIGN_ROLE)
        work.require_holding(before[1] | permissions, "The role")
    return role, permissions


def _named_role(
    entries: Sequence[Mapping[str, Json]], context: store.WritingContext
) -> tuple[RoleId, frozenset[Permission]]:
    if len(entries) > 1:
        raise InvalidValue("A user has exactly one role: send one entry in roles.", attribute="roles")
    if context.role is None:
        named = shown(_called(entries[0]))
        known = ", ".join(f'"{name}"' for name in context.role_names)
        raise InvalidValue(f'There is no role "{named}": among the roles are {known}.', attribute="roles")
    return context.role, context.permissions


def settle_timezone(document: Document, context: store.WritingContext, previous: User | None) -> None:
    """Give a new user the organisation's time zone. Raises `InvalidValue` for one that there is not."""
    if context.addresses is Addresses.FREE:
        return
    timezone = document.get("timezone")
    if timezone is None and previous is None:
        document["timezone"] = context.timezone
    elif isinstance(timezone, str) and (previous is None or previous.document.get("timezone") != timezone):
        check_timezone(timezone)


def _settle_active(document: Document, previous: User | None) -> bool:
    """Whether the user is active; a document that does not say so never changes it (D3)."""
    active = document.get("active")
    if isinstance(active, bool):
        return active
    if previous is None:
        document["active"] = True
        return True
    return previous.active
