"""Groups: the organisation's Teams. Members are rows, never a list in a document."""

from scimserver.directory.groups.actions import create as create
from scimserver.directory.groups.actions import delete as delete
from scimserver.directory.groups.actions import get as get
from scimserver.directory.groups.actions import update as update
from scimserver.directory.groups.membership import move as move
from scimserver.directory.groups.membership import named as named
from scimserver.directory.groups.model import Document as Document
from scimserver.directory.groups.model import Group as Group
