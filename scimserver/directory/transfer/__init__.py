"""Users to files and back (CSV, JSON, JSON Lines): an operator's way to move many at once."""

from scimserver.directory.transfer.columns import COLUMNS as COLUMNS
from scimserver.directory.transfer.columns import Column as Column
from scimserver.directory.transfer.columns import Kind as Kind
from scimserver.directory.transfer.exporting import begin as begin
from scimserver.directory.transfer.exporting import users as users
from scimserver.directory.transfer.importing import Importing as Importing
from scimserver.directory.transfer.importing import RowOutcome as RowOutcome
from scimserver.directory.transfer.importing import Verdict as Verdict
from scimserver.directory.transfer.rows import Format as Format
from scimserver.directory.transfer.rows import Row as Row
from scimserver.directory.transfer.rows import chosen as chosen
from scimserver.directory.transfer.rows import read as read
from scimserver.directory.transfer.rows import writing as writing
