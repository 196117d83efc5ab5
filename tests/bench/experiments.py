"""How each kind of row is measured: two sides in turn, or one by itself."""

import asyncio
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import Final
from uuid import uuid4

from tests.bench import asking, crowd, database, federation, listing, loading, machine, servers
from tests.bench.asking import Question, Scene
from tests.bench.database import Organization
from tests.bench.federation import Federation
from tests.bench.figures import Spread
from tests.bench.load import Job
from tests.bench.loading import Loaded
from tests.bench.measure import Paired, Side, Summary
from tests.bench.people import Population
from tests.bench.stage import Stage

GET: Final = Question(ask=asking.by_id)
USER_NAME: Final = Question(ask=asking.by_user_name)
PAGE: Final = Question(ask=asking.first_page)
CREATE: Final = Question(ask=asking.create, status=201)
_CREATE_UNLOGGED: Final = Question(ask=asking.create_unlogged, status=201)

_DEEP_PAGE: Final = 5_000
_SMALL_PAGE: Final = 10
_PAGE: Final = 100
_LARGE_PAGE: Final = 1_000
_MOST_PAGES: Final = 2_000
_LEAVERS: Final = 3_000

_SIGNED_IN: Final = 303
_SIGN_INS: Final = 400
"""More than a worker lets in within a window."""
_MOST_SIGN_INS: Final = 250
"""More than it lets in within a second."""
_SIGNING_IN: Final = 4
"""How many sign in at the same time while something else is measured."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """What measuring a row gave."""

    value: Spread
    sides: Sequence[Summary] = ()
    """What was compared, the reference first."""
    processor: Spread | None = None
    """The same ratio of processor time."""
    note: str = ""


def beside_bare(stage: Stage, reference: Question, question: Question) -> Figure:
    """Our requests a second over those of the bare reference."""
    bare = Side(label="bare", served=stage.bare, organization=stage.main, question=reference)
    return _faster(stage.meter.pair(bare, _ours(stage, question)))


def page(stage: Stage) -> Figure:
    """Milliseconds of processor time that a worker takes for a page of 100."""
    found = stage.meter.single(_ours(stage, PAGE))
    return Figure(value=found.server_us.scaled(1e-3), sides=(found,))


def deep_cursor(stage: Stage) -> Figure:
    """How much longer page 5,000 takes than page 1, by cursor, one request at a time."""
    number, count = _deep(stage.largest)
    deep = listing.cursor_of(stage.ours.port, stage.largest, number, count=count)
    first = _asking_page(stage, "page 1", cursor="", count=count)
    pair = stage.meter.alone().pair(first, _asking_page(stage, f"page {number:,}", cursor=deep, count=count))
    return _slower(pair, note=f"page {number:,} of {count} users each, of {stage.largest.size:,}")


def deep_index(stage: Stage) -> Figure:
    """Milliseconds that page 5,000 takes by `startIndex`, one request at a time."""
    number, count = _deep(stage.largest)
    start = (number - 1) * count + 1
    deep = _asking_page(stage, f"page {number:,}", start=start, count=count)
    found = stage.meter.alone().single(deep)
    return Figure(
        value=found.latency_ms,
        sides=(found,),
        note=f"`startIndex={start}`, {count} users each, of {stage.largest.size:,}",
    )


def by_size(stage: Stage, question: Question) -> Figure:
    """How much longer an answer takes in the largest organisation than in the smallest."""
    few, many = (
        Side(label=f"{whose.size:,} users", served=stage.ours, organization=whose, question=question)
        for whose in (stage.smallest, stage.largest)
    )
    return _slower(stage.meter.pair(few, many), note=f"{many.label} against {few.label}")


def memory(stage: Stage) -> Figure:
    """The most megabytes that a new worker holds while it lists users by cursor, in pages of two sizes."""
    with servers.ours(stage.database.dsn, stage.folder) as served:
        [worker] = served.processes
        listing.walk(served.port, stage.smallest, count=_PAGE, pages=1)
        notes = [f"before {machine.resident_mb(worker):.0f} MB"]
        peaks: list[float] = []
        for count in (_PAGE, _LARGE_PAGE):
            machine.forget_peak(worker)
            users = listing.walk(served.port, stage.largest, count=count, pages=_MOST_PAGES)
            peaks.append(machine.peak_mb(worker))
            notes.append(f"{users:,} users in pages of {count:,}: {peaks[-1]:.0f} MB")
    return Figure(value=Spread.of([max(peaks)]), note="; ".join(notes))


def deletion(stage: Stage) -> Question:
    """DELETE of users who are added for it, some thousands for each window."""

    def ask(scene: Scene) -> Sequence[bytes]:
        return asking.delete(scene, asyncio.run(_leavers(stage, scene)))

    return Question(ask=ask, status=204, is_fresh=True, once=True)


def with_log(stage: Stage) -> Figure:
    """Our creates a second over those of the same server without a log."""
    with servers.ours(stage.database.dsn, stage.folder, module="tests.bench.silent") as silent:
        without = Side(label="without log", served=silent, organization=stage.main, question=CREATE)
        return _faster(stage.meter.pair(without, _ours(stage, CREATE)))


def bare_with_log(stage: Stage) -> Figure:
    """The bare reference's creates a second over those that write the user alone."""
    alone = Side(label="user alone", served=stage.bare, organization=stage.main, question=_CREATE_UNLOGGED)
    logged = Side(label="with log and outbox", served=stage.bare, organization=stage.main, question=CREATE)
    return _faster(stage.meter.pair(alone, logged))


def two_workers(stage: Stage, question: Question) -> Figure:
    """What two workers do a second over what one does."""
    with servers.ours(stage.database.dsn, stage.folder, workers=2) as both:
        two = Side(label="2 workers", served=both, organization=stage.main, question=question)
        return _faster(stage.meter.pair(_ours(stage, question), two))


def while_signing_in(stage: Stage) -> Figure:
    """Milliseconds within which 99 of 100 GETs are answered while two hundred people sign in."""
    with servers.ours(stage.database.dsn, stage.folder, trusted_proxies="127.0.0.1/32") as served:
        side = Side(label="alone", served=served, organization=stage.main, question=GET)
        quiet = stage.meter.single(side)
        with crowd.signing_in(stage.database.dsn, served.port, stage.main) as people:
            begun = time.monotonic()
            busy = stage.meter.single(replace(side, label="while they sign in"))
            lasted = time.monotonic() - begun
    signed_in, later = people.statuses[201] / lasted, people.statuses[503] / lasted
    return Figure(
        value=Spread.of([busy.p99_ms]),
        sides=(quiet, busy),
        note=f"alone {quiet.p99_ms:.1f} ms; {signed_in:.0f} sign-ins a second, {later:.0f} told to come back",
    )


def saml(stage: Stage) -> Figure:
    """Milliseconds within which 99 of 100 sign-ins by SAML are done, from the response to the session."""
    with federation.federated(stage.database.dsn, stage.main) as federated:
        found = stage.meter.single(_ours(stage, _saml(federated)))
    per_second, each = found.per_second.median, found.server_us.median / 1000
    note = (
        f"{per_second:.0f} a second; half of them within {found.latency_ms.median:.1f} ms;"
        f" {each:.1f} ms of processor time"
    )
    return Figure(value=Spread.of([found.p99_ms]), sides=(found,), note=note)


def while_signing_in_by_saml(stage: Stage) -> Figure:
    """Milliseconds within which 99 of 100 GETs are answered while people sign in by SAML, as many as can."""
    side, pace = _ours(stage, GET), stage.meter.pace
    quiet = stage.meter.single(replace(side, label="alone"))
    lasts = pace.rounds * (pace.seconds + pace.warm_up_s)
    with (
        federation.federated(stage.database.dsn, stage.main) as federated,
        servers.sender() as send,
        ThreadPoolExecutor(max_workers=1) as beside,
    ):
        job = Job(
            port=stage.ours.port,
            requests=federated.sign_ins(int(lasts * _MOST_SIGN_INS)),
            status=_SIGNED_IN,
            connections=_SIGNING_IN,
            seconds=lasts,
            warm_up_s=0,
            server=stage.ours.processes,
            postgres=stage.database.process,
            once=True,
        )
        signing_in = beside.submit(send, job)
        busy = stage.meter.single(replace(side, label="while they sign in"))
        window = signing_in.result()
    return Figure(
        value=Spread.of([busy.p99_ms]),
        sides=(quiet, busy),
        note=f"alone {quiet.p99_ms:.1f} ms; {window.per_second:.0f} sign-ins a second for"
        f" {window.seconds:.0f} s, 99 of 100 within {window.p99_ms:.0f} ms;"
        f" {busy.per_second.median / quiet.per_second.median:.2f} as many GETs",
    )


def _saml(federated: Federation) -> Question:
    return Question(ask=lambda _: federated.sign_ins(_SIGN_INS), status=_SIGNED_IN, is_fresh=True, once=True)


def _ours(stage: Stage, question: Question) -> Side:
    return Side(label="ours", served=stage.ours, organization=stage.main, question=question)


def _asking_page(stage: Stage, label: str, *, count: int, cursor: str | None = None, start: int = 1) -> Side:
    question = Question(ask=lambda scene: [asking.page(scene, cursor=cursor, start=start, count=count)])
    return Side(label=label, served=stage.ours, organization=stage.largest, question=question)


def _deep(organization: Organization) -> tuple[int, int]:
    """The number of a page deep in the list, and how many users a page then holds."""
    count = max(_SMALL_PAGE, min(_PAGE, organization.size // _DEEP_PAGE))
    return min(_DEEP_PAGE, organization.size // count), count


async def _leavers(stage: Stage, scene: Scene) -> Loaded:
    series = f"d{uuid4().hex[:8]}"
    people = Population(domain=scene.organization.people.population.domain, series=series)
    async with database.connected(stage.database.dsn) as connection:
        return await loading.load(connection, scene.organization.id, people, _LEAVERS)


def _faster(pair: Paired) -> Figure:
    return Figure(value=pair.throughput, sides=(pair.first, pair.second), processor=pair.processor)


def _slower(pair: Paired, note: str) -> Figure:
    return Figure(
        value=pair.throughput.inverse,
        sides=(pair.first, pair.second),
        processor=pair.processor.inverse,
        note=note,
    )
