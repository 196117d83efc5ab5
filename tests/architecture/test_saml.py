"""The SAML libraries are behind one module, in the one mode in which they are safe."""

import re
from pathlib import Path

import pytest
import xmlsec
from lxml import etree

ROOT = Path(__file__).resolve().parents[2]
SOURCES = {
    path.relative_to(ROOT).as_posix(): path.read_text("utf-8") for path in ROOT.glob("scimserver/**/*.py")
}
_LIBRARIES = re.compile(r"^\s*(?:import|from)\s+(?:onelogin|xmlsec)\b", re.MULTILINE)


def test_one_module_imports_them():
    assert [name for name, text in SOURCES.items() if _LIBRARIES.search(text)] == [
        "scimserver/access/saml/verify.py"
    ]


_WORDS = (
    r"strict\W{0,6}False|[Ff]ingerprint\W{0,4}:|enable_debug_trace|certFingerprint|fingerprint=|import_module"
)
_ALLOWED = {"scimserver/access/saml/desk.py": {"import_module"}}
"""What would take a wall away, and who may say it: the desk looks whether the module is there."""


def _said(text: str) -> set[str]:
    return set(re.findall(_WORDS, text))


def test_nothing_takes_a_wall_away():
    said = {name: words for name, text in SOURCES.items() if "saml" in name and (words := _said(text))}
    assert said == _ALLOWED


@pytest.mark.parametrize(
    "text",
    [
        '"strict": False',
        "strict=False",
        "settings['strict'] = False",
        '"certFingerprint": "AA:BB"',
        'idp["certFingerprint"] = read',
        "validate_sign(xml, fingerprint=read)",
        '"fingerprint": read',
        "xmlsec.enable_debug_trace(True)",
    ],
)
def test_what_takes_a_wall_away_is_found(text: str):
    assert _said(text)


@pytest.mark.parametrize(
    "line", ["import xmlsec", "from xmlsec import tree", "    from onelogin.saml2 import auth"]
)
def test_import_of_them_is_found(line: str):
    assert _LIBRARIES.search(f"import re\n{line}\n")


def test_strict_mode_is_asked_for():
    assert SOURCES["scimserver/access/saml/verify.py"].count('"strict": True') == 1


def test_libraries_carry_the_same_libxml2():
    assert xmlsec.get_libxml_version() == etree.LIBXML_VERSION
