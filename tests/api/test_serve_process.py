"""`scimserver serve` as processes: one port, several workers, signals, and what it refuses to start with."""

import asyncio
import os
import signal
import socket
import ssl
import subprocess
import sys
from collections.abc import Generator
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from http.client import HTTPException
from ipaddress import ip_address
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit
from uuid import uuid4

import asyncpg
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from prometheus_client.parser import text_string_to_metric_families

from tests.conftest import Administration
from tests.processes import (
    PUBLIC_URL,
    ROOT,
    Program,
    Reply,
    ask,
    asked,
    is_alive,
    is_postgres_alive,
    postgres_pid,
    program,
    provision,
    until,
)
from tests.processes import data_dir as data_dir

GIVING_UP = """
import socket, sys
from scimserver.cli.supervisor import Supervisor
def die(lifeline):
    raise ValueError("cannot start")
sys.exit(Supervisor(
    workers=2, listening=socket.socket(), work=die, database_answers=lambda: True, drain_s=1
).run())
"""

REFUSED_CREDENTIALS = """
    SELECT coalesce((entry::jsonb ->> 'count')::int, 1) FROM log_entries WHERE event = 'credential.refuse'
"""


class Serving:
    """A server of two workers over a database outside of it."""

    def __init__(self, running: Program, dsn: str, token: str) -> None:
        self.running = running
        self.dsn = dsn
        self.token = token
        self.url = running.url()

    def scim(self, path: str, **request: Any) -> Reply:
        return ask(f"{self.url}/scim/v2{path}", **{"token": self.token, **request})

    def create_user(self, name: str) -> Reply:
        return self.scim("/Users", method="POST", body={"userName": name})

    def metric(self, sample: str, **labels: str) -> float:
        """The sum of a metric's samples with these labels."""
        text = ask(f"{self.url}/metrics").text
        return sum(
            found.value
            for family in text_string_to_metric_families(text)
            for found in family.samples
            if found.name == sample and labels.items() <= found.labels.items()
        )


@pytest.fixture(scope="module")
def shared(database_administration: Administration, database_template: str) -> Generator[Serving]:
    """One server for all tests that leave it as it was."""
    with database_administration.database(f"TEMPLATE {database_template} STRATEGY file_copy") as dsn:
        token = asyncio.run(provision(dsn))
        with program("serve", port=0, workers=2, database_url=dsn, public_url=PUBLIC_URL) as running:
            yield Serving(running, dsn, token)


@pytest.fixture
def serving(database_dsn: str) -> Generator[Serving]:
    """A server that only this test uses."""
    token = asyncio.run(provision(database_dsn))
    with program("serve", port=0, workers=2, database_url=database_dsn, public_url=PUBLIC_URL) as running:
        yield Serving(running, database_dsn, token)


def two_workers(serving: Serving) -> tuple[int, int]:
    """The two, when both are there."""
    first, second = until(
        lambda: found if len(found := sorted(serving.running.workers())) == 2 else None,
        "there are not two workers",
    )
    return first, second


def fresh_name() -> str:
    return f"user-{uuid4().hex}@example.com"


# -- one port, several workers ---------------------------------------------------------------------


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


def test_worker_that_is_killed_is_replaced_and_its_counts_stay(shared: Serving):
    shared.scim("/ResourceTypes")
    before = shared.metric("scimserver_requests_total", route="/scim/v2/ResourceTypes")
    killed = two_workers(shared)
    for worker in killed:
        os.kill(worker, signal.SIGKILL)
    until(lambda: two_workers_other_than(shared, killed), "the workers were not replaced")
    until(lambda: answers(shared), "the new workers do not answer")
    assert shared.metric("scimserver_requests_total", route="/scim/v2/ResourceTypes") == before


def two_workers_other_than(serving: Serving, former: tuple[int, int]) -> bool:
    return len(serving.running.workers() - set(former)) == 2


def answers(serving: Serving) -> bool:
    try:
        return ask(f"{serving.url}/readyz").status == 200
    except (OSError, HTTPException):
        return False


def test_serve_gives_up_when_no_worker_lives():
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    ended = subprocess.run(
        [sys.executable, "-c", GIVING_UP], env=environment, capture_output=True, text=True, check=False
    )
    assert ended.returncode == 3, ended.stderr
    assert "serve.gave_up" in ended.stdout + ended.stderr


# -- whether it can serve --------------------------------------------------------------------------


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


# -- request ids and log lines ---------------------------------------------------------------------


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
    address, given, wrong = fresh_name(), f"Given{uuid4().hex}", f"scim_{uuid4().hex}"
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


# -- the end ---------------------------------------------------------------------------------------


def test_sigterm_lets_a_running_request_end_and_refuses_new_connections(serving: Serving):
    with ThreadPoolExecutor(1) as threads:
        waiting = asyncio.run(create_while_locked(serving, threads))
        assert waiting.result().status == 201
    assert serving.running.wait() == 0
    assert len(asked(serving.dsn, "SELECT id FROM users")) == 1


async def create_while_locked(serving: Serving, threads: ThreadPoolExecutor) -> Future[Reply]:
    """A request that began before SIGTERM, and could only go on when nobody listened any more."""
    connection = await asyncpg.connect(serving.dsn)
    try:
        async with connection.transaction():
            await connection.execute("LOCK TABLE users")
            waiting = threads.submit(serving.create_user, fresh_name())
            while not await connection.fetchval("SELECT count(*) FROM pg_locks WHERE NOT granted"):
                assert not waiting.done()
            serving.running.signal(signal.SIGTERM)
            until(lambda: not is_listening(serving.url), "the server still listens")
            assert not waiting.done()
    finally:
        await connection.close()
    return waiting


def is_listening(url: str) -> bool:
    parts = urlsplit(url)
    try:
        with socket.create_connection((parts.hostname, parts.port), timeout=5):
            return True
    except ConnectionRefusedError:
        return False


def test_refused_credentials_that_were_only_counted_are_logged_when_the_server_stops(serving: Serving):
    for _ in range(7):
        assert serving.scim("/Users", token="scim_unknown").status == 401
    serving.running.signal(signal.SIGINT)
    assert serving.running.wait() == 0
    assert sum(asked(serving.dsn, REFUSED_CREDENTIALS)) == 7


def test_workers_and_postgres_end_when_the_first_process_is_killed(data_dir: Path):
    with program("serve", port=0, data_dir=data_dir, public_url=PUBLIC_URL) as running:
        running.url()
        workers = running.workers()
        assert len(workers) == 2
        running.process.kill()
        until(lambda: not any(map(is_alive, workers)), "workers live on")
        until(lambda: not is_postgres_alive(data_dir), "PostgreSQL lives on")


def test_serve_ends_when_its_own_postgres_does(data_dir: Path):
    with program("serve", port=0, data_dir=data_dir, public_url=PUBLIC_URL) as running:
        running.url()
        os.kill(postgres_pid(data_dir), signal.SIGKILL)
        assert running.wait() == 3
        assert running.lines("serve.database_ended")


# -- TLS -------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A certificate of 127.0.0.1, signed by itself, and its key: two files."""
    folder = tmp_path_factory.mktemp("tls")
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "scim.test")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder(subject_name=name, issuer_name=name, public_key=key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(hours=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False)
        .sign(key, hashes.SHA256())
    )
    (folder / "cert.pem").write_bytes(made.public_bytes(serialization.Encoding.PEM))
    (folder / "key.pem").write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
    )
    return folder / "cert.pem", folder / "key.pem"


def test_serve_ends_tls_with_the_certificate_it_was_given(certificate: tuple[Path, Path], database_dsn: str):
    cert, key = certificate
    with program(
        "serve",
        port=0,
        workers=1,
        database_url=database_dsn,
        public_url=PUBLIC_URL,
        tls_cert=cert,
        tls_key=key,
    ) as running:
        url = running.url(scheme="https")
        assert ask(f"{url}/readyz", tls=ssl.create_default_context(cafile=cert)).status == 200


# -- what it does not start with -------------------------------------------------------------------


def test_serve_names_all_mistakes_at_once(tmp_path: Path):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        missing = tmp_path / "none.pem"
        with program("serve", port=port, tls_cert=missing, colour="red", workers="many") as running:
            assert running.wait() == 2
            assert running.stderr.splitlines() == [
                "SCIMSERVER_COLOUR: is not a setting; see `scimserver settings` for those there are",
                "SCIMSERVER_WORKERS: Input should be a valid integer, unable to parse string as an integer",
                "SCIMSERVER_PUBLIC_URL: is not set; it is the URL under which clients reach the server",
                f"SCIMSERVER_TLS_CERT: {missing} cannot be read: No such file or directory",
                "SCIMSERVER_TLS_KEY: is not set; certificate and key go together",
                f"SCIMSERVER_PORT: cannot listen on 127.0.0.1:{port}: Address already in use",
            ]


def test_serve_refuses_a_certificate_and_a_key_that_do_not_fit(certificate: tuple[Path, Path]):
    cert, _ = certificate
    with program("serve", port=0, public_url=PUBLIC_URL, tls_cert=cert, tls_key=cert) as running:
        assert running.wait() == 2
        assert running.stderr.startswith("SCIMSERVER_TLS_CERT: certificate and key cannot be used together")


def test_serve_says_what_to_run_when_the_database_is_not_migrated(bare_database_dsn: str):
    with program("serve", port=0, database_url=bare_database_dsn, public_url=PUBLIC_URL) as running:
        assert running.wait() == 3
        assert "0001_foundation" in running.stderr
        assert "run `scimserver migrate`" in running.stderr


def test_serve_ends_when_no_database_answers(tmp_path: Path):
    nowhere = f"postgresql://nobody@/nothing?host={tmp_path}"
    with program("serve", port=0, database_url=nowhere, public_url=PUBLIC_URL) as running:
        assert running.wait() == 3
        assert running.stderr.startswith("the database does not answer")
