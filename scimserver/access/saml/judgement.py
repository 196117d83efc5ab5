"""What came of a response, step by step. Pure.

Proven by tests/console/test_saml_trial.py.
"""

from dataclasses import dataclass

from scimserver.access.saml.asserted import Asserted
from scimserver.access.saml.refusal import ResponseRefused, Why


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One thing that was looked at."""

    says: str
    """What is so where it holds."""
    holds: bool | None
    """None where it was not looked at, because something before did not hold."""
    why: Why | None = None
    detail: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    """What came of a response."""

    steps: tuple[Step, ...]
    asserted: Asserted | None
    """What it asserts; None where nobody believable said anything."""

    @property
    def refusal(self) -> ResponseRefused | None:
        """Why nobody is let in; None where nothing speaks against it."""
        for step in self.steps:
            if step.holds is False:
                assert step.why is not None
                return ResponseRefused(step.why, step.detail or f"Not so: {step.says}")
        return None
