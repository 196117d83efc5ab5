"""Where clients reach the server, by its public URL."""

import pytest

from scimserver.http.place import place_of


@pytest.mark.parametrize(
    "url,origin,prefix,hosts",
    [
        ("https://id.example.com", "https://id.example.com", "", {"id.example.com", "id.example.com:443"}),
        (
            "https://ID.example.com:443",
            "https://id.example.com",
            "",
            {"id.example.com", "id.example.com:443"},
        ),
        ("https://id.example.com:8443", "https://id.example.com:8443", "", {"id.example.com:8443"}),
        ("https://example.com/id", "https://example.com", "/id", {"example.com", "example.com:443"}),
        ("http://127.0.0.1:8080", "http://127.0.0.1:8080", "", {"127.0.0.1:8080"}),
        ("http://[::1]:8080", "http://[::1]:8080", "", {"[::1]:8080"}),
        ("http://localhost", "http://localhost", "", {"localhost", "localhost:80"}),
    ],
)
def test_place_is_what_browsers_say(url: str, origin: str, prefix: str, hosts: set[str]):
    place = place_of(url)
    assert (place.origin, place.prefix, place.hosts) == (origin, prefix, hosts)
    assert place.is_secure is url.startswith("https")
    assert place.url("/signin") == f"{origin}{prefix}/signin"
