"""The arithmetic of `make bench`, and what it makes of figures; never the figures themselves."""

import json
from dataclasses import replace
from typing import Any
from xml.etree import ElementTree as ET

import pytest

from scimserver.kernel.ids import OrganizationId, UserId, new_uuid
from scimserver.work import work
from tests.bench import asking, profile
from tests.bench.asking import Scene
from tests.bench.database import Organization
from tests.bench.figures import Goal, Spread, Window, percentile, ratios
from tests.bench.load import SERIAL, Exchange
from tests.bench.loading import Loaded
from tests.bench.pages import filled, markdown
from tests.bench.people import Population
from tests.bench.plot import Bar, bars
from tests.bench.report import Text
from tests.bench.rows import ROWS, chosen

# --- Figures --------------------------------------------------------------------------------------


def test_ratio_is_the_median_of_the_rounds_ratios_not_the_ratio_of_medians():
    assert ratios([1.0, 8.0, 3.0], [2.0, 10.0, 30.0]) == Spread(median=0.5, low=0.1, high=0.8)


def test_ratio_needs_as_many_rounds_of_both():
    with pytest.raises(ValueError, match="shorter"):
        ratios([1.0, 2.0], [1.0])


def test_inverse_of_a_spread_swaps_its_ends():
    assert Spread(median=2, low=1, high=4).inverse == Spread(median=0.5, low=0.25, high=1)


@pytest.mark.parametrize("share,value", [(0.0, 1), (0.5, 3), (0.99, 5), (1.0, 5)])
def test_percentile_is_one_of_the_values(share: float, value: int):
    assert percentile([1, 2, 3, 4, 5], share) == value


def test_window_tells_the_cores_that_were_busy():
    window = Window(
        requests=3000,
        seconds=1.5,
        server_us=400,
        postgres_us=1,
        load_us=1,
        others_cores=0,
        p50_ms=1,
        p99_ms=1,
    )
    assert (window.per_second, window.server_cores) == (2000, pytest.approx(0.8))


@pytest.mark.parametrize(
    "goal,value,met,later",
    [
        (Goal(at_least=0.5, then=0.7), 0.49, False, False),
        (Goal(at_least=0.5, then=0.7), 0.5, True, False),
        (Goal(at_least=0.5, then=0.7), 0.7, True, True),
        (Goal(at_least=2, then=0.5, smaller_is_better=True), 2.1, False, False),
        (Goal(at_least=2, then=0.5, smaller_is_better=True), 2.0, True, False),
        (Goal(at_least=2, then=0.5, smaller_is_better=True), 0.5, True, True),
        (Goal(at_least=100, smaller_is_better=True), 99, True, True),
    ],
)
def test_goal_is_met_at_its_edge(goal: Goal, value: float, met: bool, later: bool):
    assert (goal.is_met(value), goal.is_met_later(value)) == (met, later)


def test_farthest_from_its_goal_has_the_smallest_distance():
    assert Goal(at_least=0.5).distance(0.1) < Goal(at_least=2, smaller_is_better=True).distance(4) < 1


# --- Requests and answers -------------------------------------------------------------------------


@pytest.fixture
def scene() -> Scene:
    ids = tuple(UserId(new_uuid()) for _ in range(40))
    people = Loaded(population=Population(domain="example.com"), ids=ids, seconds=0)
    organization = Organization(id=OrganizationId(new_uuid()), token="scim_made_up", people=people)
    return Scene(organization=organization, port=1, window=1, windows=4)


@pytest.mark.parametrize("ask", [asking.create, asking.replace, asking.patch_title, asking.patch_active])
def test_request_is_as_long_as_it_says_with_a_serial_in_it(scene: Scene, ask: Any):
    for request in ask(scene):
        head, _, body = request.replace(SERIAL, b"0000000007").partition(b"\r\n\r\n")
        assert f"Content-Length: {len(body)}".encode() in head.splitlines()
        json.loads(body)


def test_newcomer_differs_from_others_by_the_serial(scene: Scene):
    [body, *_] = (json.loads(request.partition(b"\r\n\r\n")[2]) for request in asking.create(scene))
    serial = SERIAL.decode()
    values = [body["userName"], body["externalId"], *(entry["value"] for entry in body["emails"])]
    assert [value for value in values if serial not in value] == []


def test_windows_of_a_row_share_nobody(scene: Scene):
    parts = [replace(scene, window=window).own_numbers() for window in range(4)]
    assert sorted(number for part in parts for number in part) == list(range(40))


def test_person_of_a_number_is_always_the_same_and_nobody_else():
    people = Population(domain="example.com")
    assert people.document(7) == people.document(7)
    names = [people.user_name(number) for number in range(3000)]
    assert len(set(names)) == 3000
    assert all(name.isascii() and name.endswith("@example.com") for name in names)


ANSWER = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 11\r\n\r\nHello world"
EMPTY = b"HTTP/1.1 204 No Content\r\nDate: today\r\n\r\n"


@pytest.mark.parametrize("size", [1, 2, 7, 40, 75, 1000])
@pytest.mark.parametrize("answer,status", [(ANSWER, 200), (EMPTY, 204)])
def test_answer_is_complete_when_its_last_octet_is_there(answer: bytes, status: int, size: int):
    exchange = Exchange(status)
    done = [exchange.received(answer[at : at + size]) for at in range(0, len(answer), size)]
    assert (done[-1], any(done[:-1])) == (True, False)
    assert exchange.received(answer), "the next answer is read from its beginning"


@pytest.mark.parametrize(
    "answer,fault",
    [
        (ANSWER.replace(b"200 OK", b"503 Away"), "503 instead of 200"),
        (ANSWER.replace(b"Content-Length", b"X-Length"), "without Content-Length"),
    ],
)
def test_answer_that_is_not_expected_is_refused(answer: bytes, fault: str):
    with pytest.raises(Exception, match=fault):
        Exchange(200).received(answer)


# --- Rows -----------------------------------------------------------------------------------------


def test_rows_have_names_of_their_own():
    assert len({row.name for row in ROWS}) == len(ROWS)


@pytest.mark.parametrize(
    "patterns,names",
    [(["patch*"], ["patch", "patch-active"]), (["get", "page"], ["get", "page"]), (["nothing"], [])],
)
def test_rows_are_chosen_by_pattern(patterns: list[str], names: list[str]):
    assert [row.name for row in chosen(patterns)] == names


def test_without_pattern_all_rows_are_chosen_or_those_with_goals():
    assert chosen([]) == list(ROWS)
    assert all(row.goal for row in chosen([], goals_only=True))


def test_seam_at_which_the_log_is_left_out_is_there():
    assert callable(work.recorded)
    assert callable(work.Work._record)


# --- Profile, page and plot -----------------------------------------------------------------------


@pytest.mark.parametrize(
    "file,package,place",
    [
        ("/x/site-packages/asyncpg/pool.py", "asyncpg", "asyncpg/pool.py"),
        ("/x/site-packages/structlog.py", "structlog", "structlog.py"),
        ("/x/scimserver/scim/face.py", "scimserver.scim", "scimserver/scim/face.py"),
        ("/x/scimserver/telemetry.py", "scimserver.telemetry", "scimserver/telemetry.py"),
        ("/usr/lib/python3.12/json/encoder.py", "python", "encoder.py"),
        ("<frozen abc>", "python", "<frozen abc>"),
    ],
)
def test_file_belongs_to_a_package(file: str, package: str, place: str):
    assert profile.where(file) == (package, place)


def test_profile_shares_the_time_out_among_packages():
    def function(file: str, name: str, own: int, blamed: int, through: int) -> dict[str, Any]:
        return {"file": file, "name": name, "own": own, "blamed": blamed, "through": through}

    samples = {
        "samples": 10,
        "functions": [
            function("/x/site-packages/asyncpg/pool.py", "acquire", 3, 6, 6),
            function("/usr/lib/python3.12/re.py", "match", 3, 0, 3),
            function("/x/scimserver/scim/face.py", "handle", 4, 4, 9),
            function("/x/scimserver/scim/face.py", "everything", 0, 0, 10),
        ],
    }
    read = profile.read(samples, row="get", title="GET", server_us=200)
    assert [(part.name, part.share, part.microseconds) for part in read.packages] == [
        ("asyncpg", 0.6, 120),
        ("scimserver.scim", 0.4, 80),
    ]
    assert [part.name for part in read.functions] == [
        "scimserver/scim/face.py: handle",
        "asyncpg/pool.py: acquire",
        "re.py: match",
    ]
    assert [part.name for part in read.ways] == [
        "scimserver/scim/face.py: handle",
        "asyncpg/pool.py: acquire",
    ]


def test_page_takes_what_was_measured_and_keeps_the_rest():
    page = (
        "a\n<!-- bench: one -->\nold\n<!-- bench end -->\nb\n<!-- bench: two -->\nkept\n<!-- bench end -->\n"
    )
    once = filled(page, {"one": "new", "three": "nowhere"})
    assert once == page.replace("old\n", "\nnew\n\n")
    assert filled(once, {"one": "new"}) == once


def test_bars_in_cells_do_not_end_the_cell():
    assert markdown(Text(heads=("a",), rows=[("x|y",)])) == "| a |\n| --- |\n| x\\|y |\n"


def test_plot_is_xml_with_two_bars_a_row_and_a_mark_a_goal():
    drawn = [
        Bar(
            title='emails[type eq "work"] & more', value=0.4, processor=0.5, goal=Goal(at_least=0.4, then=0.6)
        ),
        Bar(title="without goal", value=1.7, processor=1.2),
    ]
    plot = ET.fromstring(bars("Title", drawn))  # noqa: S314 - made here
    found = [element.get("class") for element in plot.iter() if element.tag.endswith(("rect", "line"))]
    assert [kind for kind in found if kind != "axis"] == [
        "met",
        "processor",
        "goal",
        "goal then",
        "free",
        "processor",
    ]
