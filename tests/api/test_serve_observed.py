"""What an operator sees of `scimserver serve` from outside: metrics, readiness, request ids, log lines."""

import asyncio
import os
import signal
from pathlib import Path
from urllib.parse import quote, urlsplit
from uuid import uuid4

import asyncpg
import pytest
from prometheus_client.parser import text_string_to_metric_families

from tests.processes import ask, until
from tests.served import Serving, two_workers
from tests.served import shared as shared


def test_metrics_add_up_over_all_workers(shared: Serving):
    def count(sample: str) -> float:
        return shared.metric(sample, method="GET", route="/scim/v2/Schemas")

    names = ("scimserver_requests_total", "scimserver_request_seconds_count")
    before = [count(name) for name in names]
    for worker in two_workers(shared):
        os.kill(worker, signal.SIGSTOP)
        try:
            assert shared.scim("/Schemas").status == 200
        finally:
            os.kill(worker, signal.SIGCONT)
    assert [count(name) for name in names] == [number + 2 for number in before]


def test_metrics_put_each_request_into_one_bucket_and_those_above(shared: Serving):
    shared.scim("/Schemas")
    text = ask(f"{shared.url}/metrics").text
    family = next(f for f in text_string_to_metric_families(text) if f.name == "scimserver_request_seconds")
    of_route = [sample for sample in family.samples if sample.labels["route"] == "/scim/v2/Schemas"]
    buckets = [sample.value for sample in of_route if sample.name.endswith("_bucket")]
    count = next(sample.value for sample in of_route if sample.name.endswith("_count"))
    assert buckets == sorted(buckets)
    assert buckets[-1] == count > 0


def test_metrics_are_there_while_a_worker_makes_its_files(shared: Serving):
    """It makes each before it fills it: an empty one is what a worker leaves that was ended in between."""
    mapped = Path(f"/proc/{two_workers(shared)[0]}/maps").read_text("utf-8").split()
    folder = next(Path(file).parent for file in mapped if file.endswith(".db"))
    empty = folder / "counter_1.db"
    empty.touch()
    try:
        assert ask(f"{shared.url}/metrics").status == 200
    finally:
        empty.unlink()


# -- whether it can serve ----------------------------------------------------------------


def test_readiness_follows_the_database_and_liveness_does_not(shared: Serving, database_server: str):
    name = urlsplit(shared.dsn).path.removeprefix("/")
    assert statuses(shared) == {"/healthz": 200, "/readyz": 200, "/scim/v2/Users": 200}
    allow_connections(database_server, name, allowed=False)
    try:
        assert statuses(shared) == {"/healthz": 200, "/readyz": 503, "/scim/v2/Users": 503}
        assert shared.scim("/Users").headers["Retry-After"] == "1"
    finally:
        allow_connections(database_server, name, allowed=True)
    assert statuses(shared) == {"/healthz": 200, "/readyz": 200, "/scim/v2/Users": 200}


def statuses(serving: Serving) -> dict[str, int]:
    paths = ("/healthz", "/readyz", "/scim/v2/Users")
    return {path: ask(serving.url + path, token=serving.token).status for path in paths}


def allow_connections(server: str, database: str, *, allowed: bool) -> None:
    async def switch() -> None:
        connection = await asyncpg.connect(server)
        try:
            await connection.execute(f"ALTER DATABASE {database} WITH ALLOW_CONNECTIONS {allowed}")
            if not allowed:
                await connection.execute(
                    "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname = $1",
                    database,
                )
        finally:
            await connection.close()

    asyncio.run(switch())


# -- request ids and log lines ----------------------------------------------------------------


@pytest.mark.parametrize("path", ["/healthz", "/readyz", "/metrics", "/scim/v2/Users", "/nowhere"])
def test_answer_carries_the_request_id_that_was_sent(shared: Serving, path: str):
    assert ask(shared.url + path, X_Request_Id="trace.7f3a-0001").headers["X-Request-Id"] == "trace.7f3a-0001"


@pytest.mark.parametrize("sent", ["short", "with space inside", "x" * 200, "<script>alert</script>"])
def test_answer_carries_a_fresh_request_id_when_an_unsound_one_was_sent(shared: Serving, sent: str):
    answered = ask(shared.url + "/healthz", X_Request_Id=sent).headers["X-Request-Id"]
    assert answered not in {sent, ""}


def test_log_line_of_a_request_says_what_was_done_and_how_it_ended(shared: Serving):
    name = f"trace-{uuid4().hex}"
    shared.scim("/Users/unknown", X_Request_Id=name)
    (line,) = until(
        lambda: [found for found in shared.running.lines("request.answered") if found["request_id"] == name],
        "the line was not written",
    )
    del line["timestamp"], line["milliseconds"]
    assert line == {
        "event": "request.answered",
        "level": "info",
        "request_id": name,
        "method": "GET",
        "route": "/scim/v2/Users/{id}",
        "status": 404,
    }


def test_log_lines_hold_no_personal_data_and_no_secrets(shared: Serving):
    address, given, wrong = f"user-{uuid4().hex}@example.com", f"Given{uuid4().hex}", f"scim_{uuid4().hex}"
    body = {"userName": address, "name": {"givenName": given}, "externalId": f"ext-{given}"}
    created = shared.scim("/Users", method="POST", body=body)
    user = created.json["id"]
    shared.scim("/Users", method="POST", body=body)
    shared.scim(f"/Users/{user}", method="PUT", body={"userName": "somebody@elsewhere.example"})
    shared.scim("/Users?filter=" + quote(f'userName eq "{address}"'))
    shared.scim(f"/Users/{address}")
    ask(f"{shared.url}/{address}")
    ask(f"{shared.url}/scim/v2/Users/{user}", token=wrong)
    shared.scim(f"/Users/{user}", method="DELETE", X_Request_Id=(last := f"trace-{uuid4().hex}"))
    until(lambda: last in shared.running.stderr, "the last line was not written")
    written = shared.running.stderr + shared.running.stdout
    personal = [address, given, "elsewhere", user, wrong, shared.token, "127.0.0.1:", "acme"]
    assert [value for value in personal if value in written.replace(started_line(shared), "")] == []


def started_line(serving: Serving) -> str:
    """The one line that may say an address: our own."""
    return next(line for line in serving.running.stderr.splitlines() if "serve.started" in line)
