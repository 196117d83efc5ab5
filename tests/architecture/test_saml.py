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


@pytest.mark.parametrize("word", ["strict.{0,4}False", "[Ff]ingerprint.{0,4}[\"']?:", "enable_debug_trace"])
def test_nothing_takes_a_wall_away(word: str):
    assert [name for name, text in SOURCES.items() if "saml" in name and re.search(word, text)] == []


def test_libraries_carry_the_same_libxml2():
    assert xmlsec.get_libxml_version() == etree.LIBXML_VERSION
