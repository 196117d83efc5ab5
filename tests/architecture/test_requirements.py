"""The pins: each exact and with its hashes, true to pyproject.toml, and free of addresses (decision 0003)."""

import re
import tomllib
from importlib import metadata
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parents[2]
FILES = ("requirements.txt", "requirements-embedded.txt", "requirements-dev.txt", "requirements-build.txt")
PIN = re.compile(
    r"(?P<name>[a-z0-9-]+)(?:\[(?P<extras>[a-z0-9,-]+)\])?==(?P<version>[^\s;]+)(?: ; [^\\]+)?"
    r"(?: \\\n    --hash=sha256:[0-9a-f]{64})+"
)

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
DIRECT = PROJECT["project"]["dependencies"]
EXTRAS = PROJECT["project"]["optional-dependencies"]
DECLARED = {
    "requirements.txt": DIRECT,
    "requirements-embedded.txt": [*DIRECT, *EXTRAS["embedded"]],
    "requirements-dev.txt": [*DIRECT, *EXTRAS["embedded"], *EXTRAS["dev"]],
    "requirements-build.txt": PROJECT["build-system"]["requires"],
}


def _blocks(name: str) -> list[str]:
    """A pin with the lines that belong to it, each."""
    return re.split(r"\n(?=\S)", (ROOT / name).read_text().rstrip("\n"))


def _matches(name: str) -> list[re.Match[str]]:
    return [pin for block in _blocks(name) if (pin := PIN.fullmatch(block))]


def _pins(name: str) -> dict[str, str]:
    return {pin["name"]: pin["version"] for pin in _matches(name)}


def _extras_needed(name: str) -> set[tuple[str, str]]:
    """Each package that another pinned one asks for with an extra, and the extra."""
    needs = [Requirement(text) for pin in _matches(name) for text in metadata.requires(pin["name"]) or ()]
    return {
        (canonicalize_name(need.name), extra)
        for need in needs
        for extra in need.extras
        if need.marker is None or need.marker.evaluate({"extra": ""})
    }


@pytest.mark.parametrize("name", FILES)
def test_files_hold_exact_pins_with_hashes_and_nothing_else(name: str):
    assert [block for block in _blocks(name) if not PIN.fullmatch(block)] == []


@pytest.mark.parametrize("name", FILES)
def test_pins_fulfil_what_the_project_declares(name: str):
    pins = _pins(name)
    declared = [Requirement(text) for text in DECLARED[name]]
    unmet = [
        str(need) for need in declared if pins.get(canonicalize_name(need.name), "none") not in need.specifier
    ]
    assert unmet == []


def test_pins_agree_between_files():
    versions: dict[str, set[str]] = {}
    for name in FILES:
        for package, version in _pins(name).items():
            versions.setdefault(package, set()).add(version)
    assert {package: found for package, found in versions.items() if len(found) > 1} == {}


@pytest.mark.parametrize("name", ["requirements.txt", "requirements-embedded.txt"])
def test_pins_name_the_extras_that_other_packages_ask_for(name: str):
    named = {(pin["name"], extra) for pin in _matches(name) for extra in (pin["extras"] or "").split(",")}
    needed = _extras_needed(name)
    assert ("pydantic", "email") in needed
    assert needed - named == set()
