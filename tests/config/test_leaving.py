"""A web process that is about to go has its clients come back over other connections."""

from collections.abc import Iterable
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from django.test import Client

from config.leaving import stay
from config.wsgi import Guarded


@pytest.fixture
def leaving(tmp_path: Path, settings: Any) -> Path:
    file = tmp_path / "leaving"
    settings.LEAVING_FILE = str(file)
    return file


def answered() -> list[tuple[str, str]]:
    """Ask an application that answers at once; return the headers of the answer."""
    told: list[tuple[str, str]] = []

    def application(environ: dict[str, Any], start: Any) -> Iterable[bytes]:
        start("200 OK", [("Content-Type", "text/plain")])
        return [b"here"]

    body = Guarded(application)({"wsgi.input": BytesIO()}, lambda _, head, *rest: told.extend(head))
    assert b"".join(body) == b"here"
    return told


def test_answers_close_their_connections_while_the_file_is_there(leaving: Path) -> None:
    assert ("Connection", "close") not in answered()
    leaving.touch()
    assert ("Connection", "close") in answered()
    assert ("Content-Type", "text/plain") in answered()


@pytest.mark.django_db
def test_it_is_not_ready_but_alive(leaving: Path) -> None:
    client = Client(HTTP_HOST="10.1.2.3")
    assert client.get("/readyz").status_code == 200
    leaving.touch()
    ready = client.get("/readyz")
    assert (ready.status_code, ready.json()["process"]) == (503, "leaving")
    assert client.get("/healthz").status_code == 200


def test_one_that_starts_takes_the_file_of_the_one_before_away(leaving: Path) -> None:
    stay()
    leaving.touch()
    stay()
    assert not leaving.exists()


def test_nothing_is_looked_for_where_no_file_is_named(settings: Any) -> None:
    settings.LEAVING_FILE = ""
    stay()
    assert ("Connection", "close") not in answered()
