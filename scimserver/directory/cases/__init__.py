"""Cases: what the organisation's people work on, each owned by one user or by nobody (rule P5)."""

from scimserver.directory.cases.actions import create as create
from scimserver.directory.cases.actions import delete as delete
from scimserver.directory.cases.actions import get as get
from scimserver.directory.cases.actions import unassign as unassign
from scimserver.directory.cases.actions import update as update
from scimserver.directory.cases.model import Case as Case
from scimserver.directory.cases.model import Document as Document
from scimserver.directory.cases.store import count_owned as count_owned
