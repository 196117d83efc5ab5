"""`scimserver demo --saml-idp-metadata`: people sign in by an identity provider, at once."""

import base64
import json
import zlib
from http.client import HTTPMessage
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
from lxml import etree

from tests.metadata import key, metadata
from tests.processes import Program, ask, program, until
from tests.processes import data_dir as data_dir
from tests.processes import used_data_dir as used_data_dir
from tests.responses.provider import IDP, SSO, meant_for, sent, signed, signer, told


def ready(path: Path, running: Program) -> dict[str, str]:
    """What the ready file says, read as soon as it is there."""
    until(lambda: path.exists() or running.process.poll() is not None, "the ready file does not appear")
    assert path.exists(), running.stderr
    said = json.loads(path.read_text("utf-8"))
    path.unlink()
    return said


def cookie(headers: HTTPMessage, name: str) -> str:
    """A cookie that an answer sets, as it is sent back."""
    [line] = [value for value in headers.get_all("Set-Cookie", []) if value.startswith(f"{name}=")]
    return line.partition(";")[0]


def sign_in(said: dict[str, str], user_name: str) -> str:
    """Go to the identity provider of the tests and come back: the page that says who is signed in."""
    there = ask(said["saml_login_url"])
    assert there.status == 303
    [request] = parse_qs(urlsplit(there.headers["Location"]).query)["SAMLRequest"]
    identity = str(etree.fromstring(zlib.decompress(base64.b64decode(request), -15)).get("ID"))
    with meant_for(said["saml_acs_url"].removesuffix("/acs"), identity):
        response = sent(signed(told(name_id=user_name)))
    browser = cookie(there.headers, "scimserver-saml")
    back = ask(
        said["saml_acs_url"],
        method="POST",
        form={"SAMLResponse": response},
        Cookie=browser,
        Origin="https://idp.example.com",
    )
    assert back.status == 303, back.text
    host = said["saml_acs_url"].partition("/saml/")[0]
    return ask(host + back.headers["Location"], Cookie=cookie(back.headers, "scimserver-session")).text


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """An identity provider's metadata."""
    path = tmp_path / "metadata.xml"
    path.write_text(metadata(entity_id=IDP, location=SSO), "utf-8")
    return path


def test_people_sign_in_at_a_demonstration_also_on_the_same_data(data_dir: Path, tmp_path: Path, file: Path):
    output = tmp_path / "ready.json"
    arguments = ("--empty", "--port", "0", "--data-dir", data_dir, "--ready-file", output)
    entity_ids: set[str] = set()
    for _ in ("first run", "second run on the same data"):
        with program("demo", *arguments, "--saml-idp-metadata", file) as running:
            said = ready(output, running)
            assert said["saml_entity_id"].endswith("/metadata")
            assert ask(said["saml_entity_id"]).status == 200
            page = sign_in(said, "ada@example.com")
            assert "Signed in as <strong>ada@example.com</strong>" in page
            until(lambda: "people sign in at" in running.stdout, "nobody is told where to sign in")
        entity_ids.add(urlsplit(said["saml_entity_id"]).path)
    assert len(entity_ids) == 1


def test_demonstration_takes_the_metadata_of_now(used_data_dir: Path, tmp_path: Path, file: Path):
    output = tmp_path / "ready.json"
    arguments = ("--empty", "--port", "0", "--data-dir", used_data_dir, "--ready-file", output)
    other = metadata(
        entity_id="https://other.example.com", location=SSO, keys=key(signer("another").certificate)
    )
    for text in (other, metadata(entity_id=IDP, location=SSO)):
        file.write_text(text, "utf-8")
        with program("demo", *arguments, "--saml-idp-metadata", file) as running:
            said = ready(output, running)
            assert ask(said["saml_login_url"]).status == 303
            if text != other:
                assert "Signed in as" in sign_in(said, "ada@example.com")


@pytest.mark.parametrize(
    "text,said",
    [("hello", "no well-formed XML"), (metadata(keys=""), "no certificate")],
    ids=["text", "keys"],
)
def test_demonstration_says_what_is_wrong_with_metadata(
    used_data_dir: Path, tmp_path: Path, file: Path, text: str, said: str
):
    output = tmp_path / "ready.json"
    file.write_text(text, "utf-8")
    arguments = ("--empty", "--port", "0", "--data-dir", used_data_dir, "--ready-file", output)
    with program("demo", *arguments, "--saml-idp-metadata", file) as running:
        assert running.wait() == 1
        assert said in running.stderr
        assert "Traceback" not in running.stderr
    assert not output.exists()


def test_demonstration_says_when_there_is_no_metadata(used_data_dir: Path, tmp_path: Path):
    nowhere = tmp_path / "missing.xml"
    with program("demo", "--data-dir", used_data_dir, "--saml-idp-metadata", nowhere) as running:
        assert running.wait() == 2
        assert str(nowhere) in running.stderr
