"""What a password has to be, by profile: each line of the requirements."""

import pytest

from scimserver.directory.passwords import blocklist
from scimserver.directory.passwords.policy import (
    MAX_LENGTH,
    MIN_LENGTH,
    RULES,
    Policy,
    Profile,
    advice,
    check,
    requirements,
    reused,
    spelled,
    unchanged,
)
from scimserver.kernel.errors import InvalidValue, PasswordNotAllowed

DEFAULT = Policy(words=("scimserver", "acme", "Acme Corporation", "acme.example"))
PCI = Policy(profile=Profile.PCI)
GOOD = "seventeen blue socks"
ADA = ("ada.lovelace@acme.example", "Ada", "Lovelace")


def of_length(length: int) -> str:
    """A password of so many characters that is none anybody would try."""
    return (GOOD + " and a rather old green tractor in the barn" * 10)[:length]


def refusal(password: str, policy: Policy = DEFAULT, person: tuple[str, ...] = ADA) -> str:
    """What is said of a password; nothing where it is allowed."""
    try:
        check(password, policy, blocklist.common(), person)
    except PasswordNotAllowed as refused:
        return refused.detail
    return ""


@pytest.mark.parametrize(
    "password",
    [
        GOOD,
        of_length(MIN_LENGTH),
        of_length(64),
        of_length(MAX_LENGTH),
        "\u5bc6\u7801\u5929\u5730\u7384\u9ec4\u5b87\u5b99\u6d2a\u8352\u65e5\u6708\u76c8\u6603\u8fb0",
        "\U0001f600\U0001f601\U0001f602\U0001f603\U0001f604\U0001f605" * 2 + " yes",
        " leading and trailing are kept ",
        "~!@%^&*()_+{}|:<>?",
        "all lower case letters",
        "ALL UPPER CASE LETTERS",
        "839271940561728",
        "the acme of my ambition",
        "my lovelace poster fell",
    ],
)
def test_password_that_nobody_would_try_is_taken(password: str):
    assert refusal(password) == ""


@pytest.mark.parametrize(
    "password,why",
    [
        ("", "at least 15"),
        (of_length(MIN_LENGTH - 1), "at least 15"),
        # Length is counted in code points, after normalising.
        ("re\u0301sume\u0301 of life", "at least 15"),
        ("\U0001f600\U0001f601\U0001f602\U0001f603" * 3 + "ab", "at least 15"),
        (of_length(MAX_LENGTH + 1), "at most 256"),
        (of_length(300) * 4, "at most 256"),
        # 1,025 octets before normalising, however few afterwards.
        ("\uff41" * 341 + "bc", "1024 octets"),
        ("\u1112\u1161\u11ab" * 114, "1024 octets"),
        ("\ufdfa" * 100, "at most 256"),
        (GOOD + "\n", "control"),
        (GOOD + "\t", "control"),
        (GOOD + "\x00", "control"),
        (GOOD + "\x7f", "control"),
        (GOOD + "\x85", "control"),
        (GOOD + "\ud800", "halves"),
        ("aaaaaaaaaaaaaaa", "repeats"),
        ("               ", "repeats"),
        ("ab1ab1ab1ab1ab1a", "repeats"),
        ("password password", "many people use"),
        ("PasswordPassword", "many people use"),
        ("P@ssw0rdP@ssw0rd", "many people use"),
        ("p4$$w0rd-p4$$w0rd-2024!", "many people use"),
        ("Welcome123456789", "many people use"),
        ("123456789012345", "many people use"),
        ("qwertyuiopasdfgh", "many people use"),
        ("1qaz2wsx3edc4rfv", "many people use"),
        ("abcdefghijklmnopq", "many people use"),
        ("Correct Horse Battery Staple", "many people use"),
        ("ada.lovelace@acme.example", "names"),
        ("AdaLovelace2024!", "names"),
        ("l0v3l4c3-L0v3l4c3", "names"),
        ("Acme Corporation", "names"),
        ("acme12345678901", "names"),
        ("ScimServer-ScimServer", "names"),
        ("acme.example/acme", "names"),
    ],
)
def test_password_that_breaks_a_requirement_is_refused_with_the_reason(password: str, why: str):
    assert why in refusal(password)


def test_every_fault_is_told_at_once():
    said = refusal("short\n", PCI)
    assert all(part in said for part in ("at least 15", "control", "a letter and a digit"))


@pytest.mark.parametrize(
    "password", ["short", of_length(300), GOOD + "\n", "P@ssw0rdP@ssw0rd", "AdaLovelace2024!"]
)
def test_refusal_does_not_quote_the_password(password: str):
    assert refusal(password)
    assert password not in refusal(password)


def test_refusal_is_one_of_the_value():
    with pytest.raises(InvalidValue) as refused:
        check("short", DEFAULT, blocklist.common())
    assert (refused.value.reason, refused.value.attribute) == ("password_not_allowed", "password")


@pytest.mark.parametrize(
    "password,why",
    [
        ("seventeen blue socks", "a letter and a digit"),
        ("839271940561728", "a letter and a digit"),
        ("17 blue socks 4 me", ""),
        ("17 blue socks", "at least 15"),
    ],
)
def test_pci_wants_letters_and_digits(password: str, why: str):
    assert (why in refusal(password, PCI)) if why else refusal(password, PCI) == ""


@pytest.mark.parametrize(
    "profile,history,days,classes", [(Profile.DEFAULT, 0, None, False), (Profile.PCI, 4, 90, True)]
)
def test_profile_has_its_figures(profile: Profile, history: int, days: int | None, classes: bool):
    rules = RULES[profile]
    age = rules.max_age.days if rules.max_age else None
    assert (rules.history, age, rules.letters_and_digits) == (history, days, classes)


def test_spelling_is_one():
    assert spelled("r\u00e9sum\u00e9s") == spelled("re\u0301sume\u0301s") == "r\u00e9sum\u00e9s"
    assert spelled("\uff52\uff45ady") == "ready"


def test_spaces_at_the_ends_are_kept_and_warned_of():
    assert spelled(f" {GOOD} ") == f" {GOOD} "
    assert "space" in " ".join(advice(f" {GOOD} "))
    assert advice(GOOD) == ()


@pytest.mark.parametrize("profile", Profile)
def test_requirements_end_with_whom_to_ask(profile: Profile):
    policy = Policy(profile=profile, support_contact="helpdesk@acme.example")
    assert requirements(policy)[-1] == "Help: helpdesk@acme.example"


def test_requirements_without_a_contact_name_nobody():
    assert not any("Help" in sentence for sentence in requirements(DEFAULT))


def test_requirements_of_pci_say_more():
    text = " ".join(requirements(PCI))
    assert all(part in text for part in ("15 to 256", "a letter and a digit", "last 4", "90 days"))
    assert not any(part in " ".join(requirements(DEFAULT)) for part in ("digit", "last", "days"))


def test_every_refusal_says_whom_to_ask():
    policy = Policy(profile=Profile.PCI, support_contact="helpdesk@acme.example")
    details = (refusal("short", policy), reused(policy).detail, unchanged(policy).detail)
    assert all(detail.endswith("Help: helpdesk@acme.example") for detail in details)
