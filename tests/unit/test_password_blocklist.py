"""Passwords that anybody would try: how many, which, and what makes no other one of them."""

import subprocess
import sys
from pathlib import Path

import pytest

from scimserver.directory.passwords import blocklist
from scimserver.directory.passwords.blocklist import Blocklist, is_repetition
from scimserver.directory.passwords.guesses import SAYINGS, WORDS, common_passwords
from scimserver.directory.passwords.policy import MIN_LENGTH

LONG = frozenset(password for password in common_passwords() if len(password) >= MIN_LENGTH)


def test_list_has_ten_thousand_that_meet_the_length():
    assert len(LONG) >= 10_000


def test_each_of_the_list_is_found_in_it():
    assert [password for password in LONG if password not in blocklist.common()] == []


def test_list_is_the_same_in_every_process():
    program = (
        "import hashlib; from scimserver.directory.passwords.guesses import common_passwords as c;"
        "print(hashlib.sha256(repr(sorted(c())).encode()).hexdigest())"
    )
    run = [
        subprocess.run([sys.executable, "-c", program], capture_output=True, check=True, text=True).stdout
        for _ in range(2)
    ]
    assert run[0] == run[1]


def test_list_takes_little_memory():
    """What its module says: eight octets each."""
    assert len(blocklist.common()) * 8 < 2_000_000


def test_words_and_sayings_are_letters_alone():
    assert all(word.isalpha() and word == word.lower() for word in WORDS)
    assert all(letter.islower() or letter in " |\n" for letter in SAYINGS)


@pytest.mark.parametrize(
    "password",
    [
        "correct horse battery staple",
        "Correct-Horse-Battery-Staple",
        "CORRECTHORSEBATTERYSTAPLE",
        "correcthorsebatterystaple1",
        "correcthorsebatterystaple2024!",
        "c0rr3ct h0rs3 b4tt3ry st4pl3",
        "(orrect #orse 8attery $taple",
        "\uff43orrect horse battery staple",
    ],
)
def test_spelling_it_otherwise_makes_no_other_password(password: str):
    assert password in Blocklist.of(["correct horse battery staple"])


def test_signs_at_the_end_stand_for_letters_too():
    assert "walking in high gra$$2024" in Blocklist.of(["walking in high grass"])


@pytest.mark.parametrize(
    "password",
    [
        "incorrect horse battery staple",
        "correct horse battery staples",
        "my correct horse battery staple",
        "correct horse battery",
        "",
        "!!!",
    ],
)
def test_whole_password_is_compared(password: str):
    assert password not in Blocklist.of(["correct horse battery staple", "", "!!!"])


def test_operators_list_is_read_line_by_line(tmp_path: Path):
    file = tmp_path / "list.txt"
    file.write_bytes("\ufeffOur Old Motto!\r\nsecond line here\nb\u00fccher\n\n".encode() + b"\xff\xfe\n")
    read = Blocklist.read(file)
    assert all(password in read for password in ("our old motto", "Second Line Here 2", "B\u00dcCHER"))
    assert "third line" not in read
    assert len(read) == 3


def test_lists_are_put_together():
    both = Blocklist.of(["one"]) | Blocklist.of(["two"])
    assert ("one" in both, "two" in both, "three" in both, len(both)) == (True, True, False, 2)


@pytest.mark.parametrize(
    "password,repeats",
    [
        ("aaaaaaaaaaaaaaa", True),
        ("AAAAaaaaAAAAaaa", True),
        ("ababababababababa", True),
        ("12345123451234512", True),
        ("abcdefabcdefabcdef", False),
        ("aaaaaaaaaaaaaab", False),
        ("aaaa bbbb cccc dddd", False),
    ],
)
def test_repetition_of_a_few_characters_is_seen(password: str, repeats: bool):
    assert is_repetition(password) is repeats
