"""The pins: each exact and with its hashes, true to pyproject.toml, and free of addresses (decision 0003)."""

import re
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parents[2]
FILES = ("requirements.txt", "requirements-embedded.txt", "requirements-dev.txt", "requirements-build.txt")
PIN = re.compile(
    r"(?P<name>[a-z0-9-]+)==(?P<version>[^\s;]+)(?: ; [^\\]+)?(?: \\\n    --hash=sha256:[0-9a-f]{64})+"
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


def _pins(name: str) -> dict[str, str]:
    found = (PIN.fullmatch(block) for block in _blocks(name))
    return {pin["name"]: pin["version"] for pin in found if pin}


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
