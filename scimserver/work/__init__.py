"""The unit of work: the one way to write.

One actor, one moment, the facts noted, and at the end one commit that holds the change, its log
entries and what others must hear of it.
"""

from scimserver.work.trace import Trace as Trace
from scimserver.work.work import Work as Work
from scimserver.work.work import WorkRoom as WorkRoom
