"""What the results of a dialogue come to."""

from scimserver.cli.dialogue import Request, Step
from scimserver.cli.expectation import Expectation
from scimserver.cli.player import Outcome, StepResult, summary


def result(outcome: Outcome, *quirks: str, ms: float = 0.0) -> StepResult:
    step = Step(
        id="s",
        title="t",
        quirks=quirks,
        request=Request(method="GET", path="/Users"),
        expect=Expectation(statuses=(200,)),
        save={},
    )
    return StepResult(step=step, outcome=outcome, ms=ms)


def test_summary_counts_the_outcomes_and_adds_up_the_time():
    total = summary(
        [
            result(Outcome.PASSED, ms=2.0),
            result(Outcome.PASSED, ms=3.0),
            result(Outcome.FAILED, ms=0.5),
            result(Outcome.NOT_RUN),
        ]
    )
    assert (total.passed, total.failed, total.not_run, total.ms) == (2, 1, 1, 5.5)


def test_summary_names_the_habits_that_were_not_met_in_the_order_of_their_numbers():
    results = [
        result(Outcome.PASSED, "O1"),
        result(Outcome.FAILED, "O10", "O2"),
        result(Outcome.NOT_RUN, "O3"),
    ]
    assert summary(results).quirks_failed == ("O2", "O3", "O10")


def test_summary_is_a_success_when_every_step_passed():
    assert summary([result(Outcome.PASSED)]).is_success


def test_summary_is_no_success_when_a_step_was_not_run():
    assert not summary([result(Outcome.PASSED), result(Outcome.NOT_RUN)]).is_success


def test_summary_of_nothing_is_no_success():
    assert not summary([]).is_success
