"""What is measured, and what it should reach: a row for each line of the tables."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from fnmatch import fnmatch
from typing import Final

from tests.bench import asking, experiments
from tests.bench.asking import Question
from tests.bench.experiments import CREATE, GET, Figure
from tests.bench.figures import Goal
from tests.bench.stage import Stage


class Unit(StrEnum):
    """What a figure is counted in."""

    TIMES = "\N{MULTIPLICATION SIGN}"
    MILLISECONDS = "ms"
    MEGABYTES = "MB"


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """Something to measure. `name` is what the command line calls it."""

    name: str
    title: str
    measure: Callable[[Stage], Figure]
    goal: Goal | None = None
    unit: Unit = Unit.TIMES
    question: Callable[[Stage], Question] | None = None
    """What our server is asked, where the row is one that stands beside the bare reference."""


def chosen(patterns: Sequence[str], *, goals_only: bool = False) -> list[Row]:
    """The rows whose names match one of the patterns; all, where there are no patterns."""
    return [
        row
        for row in ROWS
        if any(fnmatch(row.name, pattern) for pattern in patterns)
        or (not patterns and (row.goal is not None or not goals_only))
    ]


def _beside(reference: Question, name: str, title: str, question: Question, goal: Goal | None = None) -> Row:
    return Row(
        name=name,
        title=title,
        goal=goal,
        measure=lambda stage: experiments.beside_bare(stage, reference, question),
        question=lambda _: question,
    )


def _read(name: str, title: str, question: Question, goal: Goal | None = None) -> Row:
    """A row beside the bare read."""
    return _beside(GET, name, title, question, goal)


def _write(name: str, title: str, question: Question, goal: Goal | None = None) -> Row:
    """A row beside the bare write."""
    return _beside(CREATE, name, title, question, goal)


_NO_SLOWER: Final = Goal(at_least=1.2, then=1.05, smaller_is_better=True)

ROWS: Final = (
    _read("get", "GET by id", GET, Goal(at_least=0.67, then=0.8)),
    _read("user-name", "`userName eq`, one hit", experiments.USER_NAME, Goal(at_least=0.5, then=0.7)),
    _read(
        "external-id",
        "`externalId eq`, one hit",
        Question(ask=asking.by_external_id),
        Goal(at_least=0.5, then=0.7),
    ),
    _read(
        "work-mail",
        '`emails[type eq "work"].value eq`, one hit',
        Question(ask=asking.by_work_mail),
        Goal(at_least=0.4, then=0.6),
    ),
    _read("attributes", "GET by id, `attributes=` three", Question(ask=asking.by_id_projected)),
    _read("not-modified", "GET by id, 304", Question(ask=asking.unchanged, status=304)),
    _read("unknown-token", "GET by id, 401", Question(ask=asking.unknown_token, status=401)),
    Row(
        name="page",
        title="page of 100, processor time of the worker",
        unit=Unit.MILLISECONDS,
        goal=Goal(at_least=2, then=0.5, smaller_is_better=True),
        measure=experiments.page,
        question=lambda _: experiments.PAGE,
    ),
    Row(
        name="page-deep-cursor",
        title="page 5,000 by cursor against page 1, time",
        goal=Goal(at_least=1.2, smaller_is_better=True),
        measure=experiments.deep_cursor,
    ),
    Row(
        name="page-deep-index",
        title="page 5,000 by `startIndex`, time",
        unit=Unit.MILLISECONDS,
        goal=Goal(at_least=100, smaller_is_better=True),
        measure=experiments.deep_index,
    ),
    Row(
        name="size-get",
        title="most users against fewest: GET by id, time",
        goal=_NO_SLOWER,
        measure=lambda stage: experiments.by_size(stage, GET),
    ),
    Row(
        name="size-user-name",
        title="most users against fewest: `userName eq`, time",
        goal=_NO_SLOWER,
        measure=lambda stage: experiments.by_size(stage, experiments.USER_NAME),
    ),
    Row(
        name="get-while-signing-in",
        title="GET by id while 200 people sign in, 99 of 100 within",
        unit=Unit.MILLISECONDS,
        measure=experiments.while_signing_in,
    ),
    Row(
        name="saml",
        title="sign-in by SAML, 99 of 100 within",
        unit=Unit.MILLISECONDS,
        measure=experiments.saml,
    ),
    Row(
        name="get-while-saml",
        title="GET by id while people sign in by SAML, 99 of 100 within",
        unit=Unit.MILLISECONDS,
        measure=experiments.while_signing_in_by_saml,
    ),
    Row(
        name="memory",
        title="peak memory of a worker that lists users",
        unit=Unit.MEGABYTES,
        goal=Goal(at_least=150, smaller_is_better=True),
        measure=experiments.memory,
    ),
    _write("post", "POST user", CREATE, Goal(at_least=0.3, then=0.4)),
    _write("patch", "PATCH one attribute", Question(ask=asking.patch_title), Goal(at_least=0.23, then=0.35)),
    _write(
        "patch-active",
        "PATCH `active` without path, as Okta does",
        Question(ask=asking.patch_active, is_fresh=True),
    ),
    _write("put", "PUT user, one attribute changed", Question(ask=asking.replace, is_fresh=True)),
    Row(
        name="delete",
        title="DELETE user",
        measure=lambda stage: experiments.beside_bare(stage, CREATE, experiments.deletion(stage)),
        question=experiments.deletion,
    ),
    Row(
        name="log",
        title="POST user, with the log against without",
        goal=Goal(at_least=0.7, then=0.85),
        measure=experiments.with_log,
    ),
    Row(
        name="log-bare",
        title="bare write, with log and outbox rows against without",
        measure=experiments.bare_with_log,
    ),
    Row(
        name="workers-get",
        title="two workers against one: GET by id",
        measure=lambda stage: experiments.two_workers(stage, GET),
    ),
    Row(
        name="workers-post",
        title="two workers against one: POST user",
        measure=lambda stage: experiments.two_workers(stage, CREATE),
    ),
)
