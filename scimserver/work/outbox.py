"""What others must hear, written in the transaction of what happened, delivered at least once.

A payload names what happened and to whom by id; whoever hears it reads the rest over SCIM, so that
the outbox holds no personal data.
"""

from datetime import datetime

import orjson

from scimserver.audit.store import Message
from scimserver.kernel.facts import Fact
from scimserver.kernel.ids import OrganizationId, new_uuid


def message(fact: Fact, organization: OrganizationId, now: datetime) -> Message:
    """The message that announces a fact."""
    payload = {
        "topic": fact.name,
        "organization": str(organization),
        "resource_type": fact.target_kind.value,
        "id": str(fact.target),
        "occurred": now.isoformat(),
        "attributes": sorted({change.path for change in fact.changes}),
    }
    return Message(id=new_uuid(), topic=fact.name, payload=orjson.dumps(payload).decode(), created=now)
