"""Sessions: who is signed in, and until when."""

from scimserver.directory.sessions.actions import end as end
from scimserver.directory.sessions.actions import end_by_connection as end_by_connection
from scimserver.directory.sessions.actions import end_every as end_every
from scimserver.directory.sessions.actions import every as every
from scimserver.directory.sessions.actions import find as find
from scimserver.directory.sessions.actions import hold as hold
from scimserver.directory.sessions.actions import sign_out as sign_out
from scimserver.directory.sessions.actions import start as start
from scimserver.directory.sessions.model import Method as Method
from scimserver.directory.sessions.model import Session as Session
from scimserver.directory.sessions.model import SignedIn as SignedIn
from scimserver.directory.sessions.model import Started as Started
