"""A file of users as rows: what refuses the file, and what only one of its rows."""

import io
from typing import Any

import pytest

from scimserver.directory.transfer.columns import BY_NAME, COLUMNS
from scimserver.directory.transfer.rows import Format, Row, chosen, read, writing
from scimserver.kernel.errors import InvalidValue

ALL: dict[str, Any] = {column.name: None for column in COLUMNS}
ADA = {**ALL, "id": "7", "userName": "ada@acme.example", "active": True, "teams": ["Sales"], "title": "=1"}


def rows(content: bytes | str, written: Format = Format.CSV) -> list[Row]:
    """The rows of a file, opened as commands open it."""
    binary = io.BytesIO(content if isinstance(content, bytes) else content.encode())
    text = io.TextIOWrapper(binary, "utf-8-sig", errors="surrogateescape", newline="")
    return list(read(text, written))


def told(content: bytes | str, written: Format = Format.CSV) -> list[tuple[int, Any]]:
    """For each row its number, and what it says or why it cannot be read."""
    return [
        (row.number, row.fault or ("blank" if row.is_blank else dict(row.values)))
        for row in rows(content, written)
    ]


def test_rows_are_numbered_as_a_spreadsheet_does():
    assert told("userName,title\r\nada,Dr\r\n\r\nbo,\r\n") == [
        (2, {"userName": "ada", "title": "Dr"}),
        (3, "blank"),
        (4, {"userName": "bo", "title": ""}),
    ]


@pytest.mark.parametrize("content", ["\ufeffuserName\nada\n", "USERNAME\nada\n", " userName \nada\n"])
def test_header_is_read_as_programs_write_it(content: str):
    assert told(content) == [(2, {"userName": "ada"})]


@pytest.mark.parametrize(
    "content,said",
    [
        (b"", "is empty"),
        (b"\n", "names no column"),
        (b"userName,shoeSize,hat\n", 'no column "shoeSize", "hat"'),
        (b"userName,\n", 'no column ""'),
        (b"userName,title,Title\n", "twice: title"),
        (b"title\nDr\n", "needs the column id or userName"),
        (b"userName,password,PassWord\n", "twice: password"),
        (b"password\n", "names no column"),
        (b"userName;title\n", "separated by semicolons"),
        (b"userName\ttitle\n", "separated by tabs"),
        (b'userName,"title\n', "header cannot be read"),
        (b'userName,ti"tle\n', "header cannot be read"),
        ("userName\n".encode("utf-16"), "UTF-16"),
        (b"userName,Zo\xeb\n", "There is no column"),
        (b"user\0Name\n", "no column"),
        (b"shoeSize,title\n", "needs the column id or userName"),
        (b"ada@acme.example,Ada\n", "names no column: is the header missing"),
    ],
)
def test_file_without_a_usable_header_is_refused(content: bytes, said: str):
    with pytest.raises(InvalidValue, match=said):
        rows(content)


@pytest.mark.parametrize("line", ["ada@acme.example,hunter2", "ada@acme.example,hunter2,manager"])
def test_first_line_that_is_no_header_is_not_repeated(line: str):
    with pytest.raises(InvalidValue) as refused:
        rows(line)
    assert "hunter2" not in refused.value.detail


@pytest.mark.parametrize(
    "content,said",
    [
        ("userName,title\nada\nbo,Dr\n", "It has 1 cells; the header has 2."),
        ("userName,title\nada,Dr,x\nbo,Dr\n", "It has 3 cells; the header has 2."),
        ('userName,title\nada,D"r\nbo,Dr\n', "Cell 2 has a quotation mark"),
        ("userName,title\nada," + "x" * 2**21 + "\nbo,Dr\n", "longer than"),
    ],
)
def test_row_that_cannot_be_read_is_a_fault_and_the_next_one_is_read(content: str, said: str):
    (number, fault), last = told(content)
    assert number == 2
    assert said in fault
    assert last == (3, {"userName": "bo", "title": "Dr"})


@pytest.mark.parametrize("cell", [b"a\0b", b"Zo\xeb", b"\xff\xfe", b"\xed\xa0\x80"])
def test_cell_that_cannot_be_stored_is_found_when_it_is_asked_for(cell: bytes):
    bad, good = rows(b"userName,title\nada," + cell + b"\nbo,Zo\xc3\xab\n")
    with pytest.raises(InvalidValue, match="title holds"):
        bad.value(BY_NAME["title"])
    assert bad.value(BY_NAME["username"]) == "ada"
    assert good.value(BY_NAME["title"]) == "Zoë"


@pytest.mark.parametrize(
    "written,content,found",
    [
        (Format.JSON, '[{"userName":"ada"},{"ID":"7"}]', [(1, {"userName": "ada"}), (2, {"id": "7"})]),
        (Format.JSON, "[]", []),
        (
            Format.JSONL,
            '{"userName":"ada"}\n\n{"id":"7"}',
            [(1, {"userName": "ada"}), (2, "blank"), (3, {"id": "7"})],
        ),
        (Format.JSONL, "", []),
        (Format.JSONL, "\ufeff{}\n", [(1, {})]),
    ],
)
def test_json_is_read(written: Format, content: str, found: list[object]):
    assert told(content, written) == found


@pytest.mark.parametrize(
    "written,content",
    [
        (Format.CSV, "PassWord,userName,title\nhunter2,ada,Dr\n,bo,\n"),
        (Format.JSONL, '{"PASSWORD":"hunter2","userName":"ada"}\n{"userName":"bo","password":""}\n'),
        (
            Format.JSON,
            '[{"userName":"ada","password":{"value":"hunter2"}},{"userName":"bo","password":null}]',
        ),
    ],
)
def test_of_a_password_only_is_kept_that_there_was_one(written: Format, content: str):
    with_one, without = rows(content, written)
    assert with_one.has_password
    assert not without.has_password
    assert with_one.values["userName"] == "ada"
    assert "hunter2" not in repr(with_one)


@pytest.mark.parametrize(
    "text,said",
    [
        ("7", "no object"),
        ("{", "no JSON"),
        ('{"userName":"a","shoeSize":1}', 'no column "shoeSize"'),
        ('{"title":"a","TITLE":"b"}', "twice: title"),
        ('{"title":"a","title":"b"}', "twice"),
    ],
)
def test_object_that_cannot_be_read_is_a_fault_and_the_next_one_is_read(text: str, said: str):
    (_, fault), last = told(f'{text}\n{{"id":"7"}}\n', Format.JSONL)
    assert said in fault
    assert last == (2, {"id": "7"})


def test_file_of_json_that_is_no_list_is_refused():
    with pytest.raises(InvalidValue, match="holds one list"):
        rows('{"userName":"ada"}', Format.JSON)


@pytest.mark.parametrize("written", Format)
@pytest.mark.parametrize("number", [0, 1, 3])
def test_what_is_written_is_read_as_it_was(written: Format, number: int):
    how = writing(written, COLUMNS)
    text = how.head + "".join(how.row(at, ADA) for at in range(number)) + how.foot
    found = rows(text, written)
    assert len(found) == number
    for row in found:
        assert {column.name: row.value(column) for column in COLUMNS} == ADA


def test_columns_are_chosen_by_name():
    assert chosen(["userName", " title "]) == (BY_NAME["username"], BY_NAME["title"])
