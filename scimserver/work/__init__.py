"""The unit of work: the one way to write.

One actor, one moment, the facts noted, and at the end one commit that holds the change, its log
entries and what others must hear of it.
"""

from scimserver.work.operation import AlreadyRecorded as AlreadyRecorded
from scimserver.work.operation import Operation as Operation
from scimserver.work.operation import OutcomeUnknown as OutcomeUnknown
from scimserver.work.refusals import refusal as refusal
from scimserver.work.refusals import telling as telling
from scimserver.work.staging import Broken as Broken
from scimserver.work.trace import Trace as Trace
from scimserver.work.work import Work as Work
from scimserver.work.work import WorkRoom as WorkRoom
