"""`scimserver health`: a question to a running server, for containers and their supervisors.

Exit code 0: it can serve. 1: it cannot, or nobody answers.
Proven by tests/database/test_cli_health.py.
"""

from http.client import HTTPException
from typing import Final
from urllib.error import HTTPError, URLError
from urllib.parse import urlsplit
from urllib.request import ProxyHandler, build_opener

import click

from scimserver.cli import show

_TIMEOUT_S: Final = 3.0


def _checked_url(_context: click.Context, _parameter: click.Parameter, value: str) -> str:
    parts = urlsplit(value)
    if parts.scheme not in {"http", "https"} or not parts.hostname or parts.query or parts.fragment:
        raise click.BadParameter("give the server's address, such as http://127.0.0.1:8080")
    return value.rstrip("/")


@click.command()
@click.option("--url", required=True, callback=_checked_url, help="Address of the server, without a path.")
@show.json_option
@click.pass_context
def health(context: click.Context, url: str, *, as_json: bool) -> None:
    """Ask the server at URL whether it and its database answer."""
    fault = fault_of(url + "/readyz")
    if as_json:
        show.document({"ready": fault is None, "fault": fault})
    else:
        show.sentence("ready" if fault is None else f"not ready: {fault}")
    context.exit(0 if fault is None else 1)


def fault_of(url: str) -> str | None:
    """Why a GET of the URL does not answer 200, or None if it does. Asks the server itself, no proxy."""
    try:
        with build_opener(ProxyHandler({})).open(url, timeout=_TIMEOUT_S) as answer:
            return None if answer.status == 200 else f"status {answer.status}"
    except HTTPError as error:
        error.close()
        return f"status {error.code}"
    except URLError as error:
        return str(error.reason)
    except (OSError, HTTPException, ValueError) as error:
        return str(error) or type(error).__name__
