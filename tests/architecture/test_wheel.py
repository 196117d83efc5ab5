"""The wheel: it carries what an installed server reads beside its code.

A source distribution is made first and the wheel from that, as an index would do it.
"""

import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> set[str]:
    """The names of the files in a wheel made from the source distribution."""
    folder = tmp_path_factory.mktemp("wheel")
    _build(ROOT, "sdist", folder)
    with tarfile.open(next(folder.glob("*.tar.gz"))) as archive:
        # Python before 3.11.4 has no filters.
        safely: dict[str, Any] = {"filter": "data"} if hasattr(tarfile, "data_filter") else {}
        archive.extractall(folder / "unpacked", **safely)  # noqa: S202 - made by us a moment ago
    _build(next((folder / "unpacked").iterdir()), "wheel", folder)
    with zipfile.ZipFile(next(folder.glob("*.whl"))) as archive:
        return set(archive.namelist())


def _build(source: Path, target: str, folder: Path) -> None:
    command = [sys.executable, "-m", "hatchling", "build", "--target", target, "--directory", str(folder)]
    answer = subprocess.run(command, cwd=source, capture_output=True, text=True, check=False)
    assert answer.returncode == 0, answer.stderr


def _carried(folder: str, pattern: str, inside: str) -> set[str]:
    root = ROOT / folder
    return {f"{inside}/{path.relative_to(root).as_posix()}" for path in root.rglob(pattern)}


def test_wheel_carries_every_module(wheel: set[str]):
    assert _carried("scimserver", "*.py", "scimserver") <= wheel


def test_wheel_carries_migrations_and_queries(wheel: set[str]):
    assert _carried("sql", "*.sql", "scimserver/sql") <= wheel


def test_wheel_carries_the_dialogues(wheel: set[str]):
    assert _carried("tests/conformance/dialogues", "*.json", "scimserver/dialogues") <= wheel


def test_wheel_carries_pages_and_their_style(wheel: set[str]):
    assert _carried("scimserver/console/templates", "*.html", "scimserver/console/templates") <= wheel
    assert _carried("scimserver/console/static", "*.css", "scimserver/console/static") <= wheel


def test_wheel_says_that_it_is_typed(wheel: set[str]):
    assert "scimserver/py.typed" in wheel


def test_wheel_carries_no_tests(wheel: set[str]):
    assert {name for name in wheel if "test_" in name or name.startswith("tests/")} == set()
