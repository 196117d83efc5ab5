"""Where tests hand in passwords that are to be set."""

from collections.abc import Generator

import pytest

from scimserver.directory.passwords import PasswordDesk, PasswordHasher


@pytest.fixture
def desk() -> Generator[PasswordDesk]:
    """A desk, closed when the test is done."""
    hasher = PasswordHasher()
    yield PasswordDesk(hasher)
    hasher.close()
