"""When a session ends, and what its owner recognises it by."""

from datetime import UTC, datetime, timedelta

import pytest

from scimserver.directory.sessions.model import MAX_AGENT, agent_of, end_of, network_of
from scimserver.kernel.profiles import Profile

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


@pytest.mark.parametrize("profile,minutes", [(Profile.DEFAULT, 60), (Profile.PCI, 15)])
def test_session_ends_when_it_was_unused_for_so_long(profile: Profile, minutes: int):
    assert end_of(NOON, NOON + 600 * MINUTE, profile) == NOON + minutes * MINUTE


def test_session_ends_at_its_end_however_much_it_is_used():
    assert end_of(NOON, NOON + 7 * MINUTE, Profile.DEFAULT) == NOON + 7 * MINUTE


@pytest.mark.parametrize(
    "address,network",
    [
        ("192.0.2.7", "192.0.2.0/24"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1::/48"),
        ("::ffff:192.0.2.7", "192.0.2.0/24"),
        (None, ""),
    ],
)
def test_network_is_less_than_an_address(address: str | None, network: str):
    assert network_of(address) == network


WINDOWS = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko)"


@pytest.mark.parametrize(
    "sent,agent",
    [
        ("Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0", "Firefox on Linux"),
        (f"{WINDOWS} Chrome/140.0.0.0 Safari/537.36", "Chrome on Windows"),
        (f"{WINDOWS} Chrome/140.0.0.0 Safari/537.36 Edg/140.0.0.0", "Edge on Windows"),
        (f"{WINDOWS} Chrome/140.0.0.0 Safari/537.36 OPR/120.0.0.0", "Opera on Windows"),
        (
            "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) Version/18.0 Safari/604.1",
            "Safari on iPhone",
        ),
        ("Mozilla/5.0 (Linux; Android 15) Chrome/140.0.0.0 Mobile Safari/537.36", "Chrome on Android"),
        ("curl/8.5.0", "curl/8.5.0"),
        ("<script>alert(1)</script>", ""),
        ("x" * 500, "x" * MAX_AGENT),
        ("", ""),
        (None, ""),
    ],
)
def test_agent_is_called_by_a_few_words(sent: str | None, agent: str):
    assert agent_of(sent) == agent
