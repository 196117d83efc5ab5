"""Fixtures of the database tier."""

from tests.commands import acme as acme
from tests.commands import clean_settings as clean_settings
from tests.commands import commands as commands
