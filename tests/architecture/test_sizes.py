"""Sizes: a file has one subject, a function one thought."""

import ast
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
FILE_LINES = 320
FUNCTION_LINES = 60
NAMES_OF_NOTHING = {"base", "common", "helper", "helpers", "manager", "managers", "misc", "util", "utils"}


def _files() -> list[Path]:
    return sorted((ROOT / "scimserver").rglob("*.py"))


def _functions(path: Path) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node


def _lines(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    return (function.end_lineno or function.lineno) - function.lineno + 1


def test_files_hold_one_subject():
    sizes = {str(path.relative_to(ROOT)): path.read_text().count("\n") for path in _files()}
    assert {name: lines for name, lines in sizes.items() if lines > FILE_LINES} == {}


def test_functions_hold_one_thought():
    long = {
        f"{path.relative_to(ROOT)}:{function.lineno} {function.name}": _lines(function)
        for path in _files()
        for function in _functions(path)
        if _lines(function) > FUNCTION_LINES
    }
    assert long == {}


def test_modules_are_named_after_a_subject():
    names = {path: {*path.relative_to(ROOT).with_suffix("").parts} for path in _files()}
    assert [str(path) for path, parts in names.items() if parts & NAMES_OF_NOTHING] == []
