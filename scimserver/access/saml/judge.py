"""All that is looked at in a response, in its order, and what came of each: for letting in, and for showing.

Proven by tests/console/test_saml_trial.py.
"""

from collections.abc import Iterator
from datetime import datetime

from scimserver.access.saml.asserted import Asserted
from scimserver.access.saml.checks import CHECKS, Expected
from scimserver.access.saml.guard import Guarded
from scimserver.access.saml.judgement import Judgement, Step
from scimserver.access.saml.refusal import ResponseRefused
from scimserver.access.saml.trust import Trust
from scimserver.access.saml.verify import verified

SIGNED = "The identity provider signed the assertion, and it is built as the standard says."


def judge(response: Guarded, trust: Trust, expected: Expected, now: datetime) -> Judgement:
    """Look at everything in a response that passed the guard. Slow: not for the event loop."""
    try:
        asserted = verified(response.xml, trust)
    except ResponseRefused as refused:
        first = Step(says=SIGNED, holds=False, why=refused.why, detail=refused.detail)
        rest = (Step(says=check.says, holds=None) for check in CHECKS)
        return Judgement(steps=(first, *rest), asserted=None)
    return Judgement(
        steps=(Step(says=SIGNED, holds=True), *_checked(asserted, expected, now)), asserted=asserted
    )


def _checked(asserted: Asserted, expected: Expected, now: datetime) -> Iterator[Step]:
    for check in CHECKS:
        holds = check.holds(asserted, expected, now)
        yield Step(says=check.says, holds=holds, why=None if holds else check.why)
