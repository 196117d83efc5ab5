"""Fixtures of the database tier."""

from tests.commands import acme as acme
from tests.commands import clean_settings as clean_settings
from tests.commands import commands as commands
from tests.removing import house as house
from tests.works import connection as connection
from tests.works import open_work as open_work
from tests.works import room as room
from tests.works import rows as rows
from tests.works import thing as thing
