"""Plays a dialogue against a SCIM server and says, step by step, what came of it.

The player behaves as a provider does: one request after the other, identifiers taken from the
answers. What it reports holds neither the token nor a password.
Proven by tests/api/test_player.py.
"""

import asyncio
import re
from collections.abc import AsyncGenerator, Callable, Iterable
from contextlib import AbstractAsyncContextManager, nullcontext
from dataclasses import dataclass, replace
from enum import StrEnum
from uuid import NAMESPACE_URL, uuid5

import aiohttp

from scimserver.cli.dialogue import Dialogue, Step, needs
from scimserver.cli.expectation import MISSING, Answer, Missing, Path, find, judge
from scimserver.cli.placeholders import Json, Unfilled, fill
from scimserver.cli.redaction import excerpt_of_answer, excerpt_of_request, secrets_in, without
from scimserver.cli.wire import Line, Message, compose, exchange
from scimserver.kernel.clock import monotonic_ns

STEP_TIMEOUT = 30.0
"""Seconds after which the player gives an answer up."""


class Outcome(StrEnum):
    """What came of a step."""

    PASSED = "passed"
    FAILED = "failed"
    NOT_RUN = "not run"


@dataclass(frozen=True, slots=True, kw_only=True)
class StepResult:
    """What came of one step. The excerpts are there only when it failed."""

    step: Step
    outcome: Outcome
    status: int | None = None
    """The HTTP status, when there was an answer."""

    ms: float = 0.0
    failures: tuple[str, ...] = ()
    request: str = ""
    response: str = ""

    @property
    def is_slow(self) -> bool:
        """Whether the answer took longer than the provider likes; never a failure."""
        return self.step.expect.max_ms is not None and self.ms > self.step.expect.max_ms


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary:
    """A whole dialogue in numbers."""

    passed: int
    failed: int
    not_run: int
    ms: float
    quirks_failed: tuple[str, ...]
    """The provider's habits, by number, that the steps which did not pass stand for."""

    @property
    def is_success(self) -> bool:
        """Whether every step passed, and there was one."""
        return self.passed > 0 and self.failed == self.not_run == 0


async def play(
    dialogue: Dialogue,
    *,
    base_url: str,
    token: str,
    domain: str,
    run: str,
    session: aiohttp.ClientSession | None = None,
    wire_pause: float = 0.0,
    step_timeout: float = STEP_TIMEOUT,
    clock: Callable[[], int] = monotonic_ns,
) -> AsyncGenerator[StepResult, None]:
    """Every step's result, in order, as it comes; a fault of the server or the line is a result.

    `base_url` may carry a query, which is then sent with every request. `domain` is one that users
    may be of; `run` is a short word that no earlier run on the same server had. `wire_pause` and
    `step_timeout` are seconds; `clock` counts nanoseconds.
    """
    variables = _provided(dialogue, base_url=base_url, domain=domain, run=run)
    async with _owned_or(session) as open_session:
        line = Line(
            session=open_session,
            base_url=base_url,
            token=token,
            headers=dialogue.headers,
            timeout=step_timeout,
        )
        for number, step in enumerate(dialogue.steps):
            missing = needs(dialogue, step) - variables.keys()
            if missing:
                yield _not_run(step, missing)
                continue
            if wire_pause and number:
                await asyncio.sleep(wire_pause)
            yield await _perform(line, step, variables, clock)


def summary(results: Iterable[StepResult]) -> Summary:
    """What the results come to."""
    known = tuple(results)
    count = {outcome: sum(r.outcome is outcome for r in known) for outcome in Outcome}
    failed = {quirk for r in known if r.outcome is not Outcome.PASSED for quirk in r.step.quirks}
    return Summary(
        passed=count[Outcome.PASSED],
        failed=count[Outcome.FAILED],
        not_run=count[Outcome.NOT_RUN],
        ms=sum(r.ms for r in known),
        quirks_failed=tuple(sorted(failed, key=_by_number)),
    )


def _by_number(quirk: str) -> tuple[str, int]:
    digits = re.sub(r"\D", "", quirk)
    return quirk.rstrip("0123456789"), int(digits or 0)


def _provided(dialogue: Dialogue, *, base_url: str, domain: str, run: str) -> dict[str, Json]:
    """The variables that are known before the first step: `dialogue.PROVIDED` and the dialogue's own."""
    variables: dict[str, Json] = {
        "base_url": base_url.partition("?")[0].rstrip("/"),
        "domain": domain,
        "guid": str(uuid5(NAMESPACE_URL, f"{base_url}#{run}")),
        "run": run,
    }
    for name, value in dialogue.variables.items():
        variables[name] = fill(value, variables)
    return variables


def _owned_or(session: aiohttp.ClientSession | None) -> AbstractAsyncContextManager[aiohttp.ClientSession]:
    if session is not None:
        return nullcontext(session)
    return aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar())


def _not_run(step: Step, missing: Iterable[str]) -> StepResult:
    reason = f"not run: needs {', '.join(sorted(missing))}"
    return StepResult(step=step, outcome=Outcome.NOT_RUN, failures=(reason,))


async def _perform(
    line: Line, step: Step, variables: dict[str, Json], clock: Callable[[], int]
) -> StepResult:
    """Sends the step, adds what it saves to the variables, and judges the answer."""
    message = compose(line, step.request, variables)
    answer: Answer | None = None
    began = clock()
    try:
        answer = await exchange(line, message)
    except TimeoutError:
        failures = (f"no answer within {line.timeout:g} s",)
    except (aiohttp.ClientError, ValueError) as error:
        failures = (f"no answer: {error or type(error).__name__}",)
    else:
        failures = _judged(step, answer, variables)
    result = StepResult(
        step=step,
        outcome=Outcome.FAILED if failures else Outcome.PASSED,
        status=answer.status if answer else None,
        ms=(clock() - began) / 1_000_000,
        failures=failures,
    )
    return _explained(result, message, answer, line.token) if failures else result


def _judged(step: Step, answer: Answer, variables: dict[str, Json]) -> tuple[str, ...]:
    """What the answer fails in; what it says is saved first, whatever its status."""
    unsaid: list[str] = []
    for name, path in step.save.items():
        found = _found(answer, path, variables)
        if isinstance(found, Missing):
            unsaid.append(f"{name}: the answer does not say")
        else:
            variables[name] = found
    if answer.status not in step.expect.statuses:
        return judge(step.expect, answer, variables)
    return judge(step.expect, answer, variables) + tuple(unsaid)


def _found(answer: Answer, path: Path, variables: dict[str, Json]) -> Json | Missing:
    try:
        return find(answer.body, path, variables)
    except Unfilled:
        return MISSING


def _explained(result: StepResult, message: Message, answer: Answer | None, token: str) -> StepResult:
    """The result with excerpts, and without any secret."""
    hidden = {token, *secrets_in(message.body)}
    request = excerpt_of_request(message.method, message.url, message.headers, message.body)
    response = excerpt_of_answer(answer) if answer else ""
    return replace(
        result,
        failures=tuple(without(hidden, failure) for failure in result.failures),
        request=without(hidden, request),
        response=without(hidden, response),
    )
