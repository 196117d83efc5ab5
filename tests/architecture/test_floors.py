"""The floors of the package: who may import whom, and that each module stands alone.

The contracts themselves are in pyproject.toml (`tool.importlinter`).
"""

import ast
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = ROOT / "scimserver"

# Third-party packages are loaded once; each of our modules is then imported in a process of its own
# that has seen none of the others. Run by `python -c`, module names as arguments.
PARTS = 4
"""Of the modules, so that several workers import some."""

EACH_ALONE = """
import importlib, os, sys, traceback
for package in ("aiohttp.web", "asyncpg", "click", "orjson", "rich.console", "scim2_models", "scim2_server"):
    importlib.import_module(package)
for name in sys.argv[1:]:
    child = os.fork()
    if child == 0:
        status = 0
        try:
            importlib.import_module(name)
        except BaseException:
            status = 1
            print("cannot import", name, file=sys.stderr)
            traceback.print_exc()
            sys.stderr.flush()
        os._exit(status)
    _, status = os.waitpid(child, 0)
    if status:
        print(name)
"""


def _modules() -> Iterator[tuple[str, Path]]:
    for path in sorted(PACKAGE.rglob("*.py")):
        parts = path.relative_to(ROOT).with_suffix("").parts
        yield ".".join(parts[:-1] if parts[-1] == "__init__" else parts), path


def _loaded_queries(path: Path) -> Iterator[str]:
    """The names of the query files that a module loads: `load("users")` of db.queries."""
    tree = ast.parse(path.read_text())
    imported = {
        alias.asname or alias.name
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and node.module == "scimserver.db.queries"
        for alias in node.names
        if alias.name == "load"
    }
    for node in ast.walk(tree):
        match node:
            case ast.Call(func=ast.Name(id=name), args=[ast.Constant(value=str(subject)), *_]):
                if name in imported:
                    yield subject
            case _:
                pass


def _run(*command: str) -> subprocess.CompletedProcess[str]:
    clean = os.environ | {"PYTHONPATH": str(ROOT), "NO_COLOR": "1", "COLUMNS": "100"}
    return subprocess.run(command, cwd=ROOT, env=clean, capture_output=True, text=True, check=False)


def test_floors_import_only_what_lies_below():
    lint = "from importlinter.cli import lint_imports_command; lint_imports_command()"
    answer = _run(sys.executable, "-c", lint, "--no-cache", "--no-logo")
    assert answer.returncode == 0, answer.stdout + answer.stderr


@pytest.mark.parametrize("part", range(PARTS))
def test_modules_are_importable_alone(part: int):
    names = [name for name, _ in _modules() if not name.endswith("__main__")]
    answer = _run(sys.executable, "-W", "error", "-c", EACH_ALONE, *names[part::PARTS])
    assert (answer.returncode, answer.stdout) == (0, ""), answer.stderr


def test_queries_are_loaded_by_their_own_subject_only():
    strangers = [
        f"{name} loads {subject}.sql"
        for name, path in _modules()
        for subject in _loaded_queries(path)
        if subject not in name.split(".")
    ]
    assert strangers == []


def test_queries_of_every_file_are_loaded():
    loaded = {subject for _, path in _modules() for subject in _loaded_queries(path)}
    assert {path.stem for path in (ROOT / "sql" / "queries").glob("*.sql")} == loaded
