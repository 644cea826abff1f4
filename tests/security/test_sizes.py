"""Requests that are too much: a body, a form, an address, a nesting, a list; refused in words."""

import json
from typing import Any
from uuid import uuid4

import pytest
from django.conf import settings as product
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.files.uploadhandler import TemporaryFileUploadHandler
from django.test import Client

from tests.conftest import Customer

pytestmark = pytest.mark.django_db
SITES = "/api/v1/sites/"
JSON = "application/json"


def send(customer: Customer, body: str | bytes, path: str = SITES, kind: str = JSON) -> Any:
    client = Client(HTTP_HOST=customer.domain)
    return client.post(path, body, content_type=kind, **customer.bearer)


@pytest.mark.parametrize(
    ("body", "status", "words"),
    [
        ('{"name": "' + "x" * 1_100_000 + '"}', 413, "larger than"),
        ('{"name": "' + "x" * 5_000 + '"}', 400, "name"),
        ("[" * 100_000 + "]" * 100_000, 400, "JSON"),
        ('{"a":' * 100_000 + "1" + "}" * 100_000, 400, "JSON"),
        ("[" * 900 + "]" * 900, 400, ""),
        ('{"name": ' + "9" * 100_000 + "}", 400, ""),
        ('{"name": 1e999999999}', 400, ""),
        (json.dumps({f"field{n}": n for n in range(20_000)}), 400, "field"),
        ('{"name": "a", "name": "b"', 400, "JSON"),
        (b"\xff\xfe{}", 400, "UTF-8"),
        (b"\x00" * 1000, 400, "JSON"),
    ],
    ids=str,
)
def test_a_body(acme: Customer, body: str | bytes, status: int, words: str) -> None:
    told = send(acme, body)
    assert told.status_code == status
    assert told.headers["Content-Type"] == "application/problem+json"
    assert words in json.dumps(told.json())
    assert len(told.content) < 20_000, "what came is not sent back"


@pytest.mark.parametrize("packed", ["gzip", "br", "deflate", "gzip, gzip"])
def test_nothing_is_unpacked(acme: Customer, packed: str) -> None:
    client = Client(HTTP_HOST=acme.domain)
    body = b"\x1f\x8b" + b"\0" * 100
    for path in (SITES, "/api/v1/readings/"):
        told = client.post(path, body, JSON, HTTP_CONTENT_ENCODING=packed, **acme.bearer)
        assert told.status_code == 415


@pytest.mark.parametrize("path", ["/sign-in/", "/admin/login/", "/password/"])
def test_a_form(acme: Customer, path: str) -> None:
    """Django's own bounds: so many fields, and so much that is no file."""
    client = acme.client()
    many = "&".join(f"f{n}=1" for n in range(product.DATA_UPLOAD_MAX_NUMBER_FIELDS + 1))
    large = "a=" + "x" * (product.DATA_UPLOAD_MAX_MEMORY_SIZE + 1)
    for body in (many, large):
        told = client.post(path, body, content_type="application/x-www-form-urlencoded")
        assert told.status_code in {400, 413}, len(body)
    files = {f"file{n}": SimpleUploadedFile("x", b"x") for n in range(200)}
    assert client.post(path, files).status_code == 400


def test_nobody_fills_a_disk_before_the_sign_in(
    acme: Customer, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A file that a stranger sends to the form of the sign-in is not kept beyond its bound."""
    settings.UPLOAD_MAX_BYTES = 100_000
    settings.FILE_UPLOAD_MAX_MEMORY_SIZE = 0
    written: list[int] = []

    whole = TemporaryFileUploadHandler.receive_data_chunk

    def counted(self: Any, raw_data: bytes, start: int) -> Any:
        written.append(len(raw_data))
        return whole(self, raw_data, start)

    monkeypatch.setattr(TemporaryFileUploadHandler, "receive_data_chunk", counted)
    file = SimpleUploadedFile("large.bin", b"x" * 1_000_000)
    told = Client(HTTP_HOST=acme.domain).post("/sign-in/", {"username": file, "password": "x"})
    assert told.status_code in {200, 400, 413}
    assert sum(written) <= 100_000


def test_an_address(acme: Customer) -> None:
    client = Client(HTTP_HOST=acme.domain)
    some = ",".join(str(uuid4()) for _ in range(2_000))
    asked = [
        {"meter": some, "start": "2023-01-01", "end": "2023-01-02"},
        {"search": "x" * 60_000},
        {"search": "\0"},
        {"page": "9" * 5_000},
        {"limit": "9" * 400},
        {"start": "2023-01-01" * 5_000},
        {f"field{n}": "1" for n in range(2_000)},
        {"timezone": "../" * 5_000},
        {"timezone": "../../etc/passwd"},
        {"resolution": "P" + "9" * 5_000 + "D"},
    ]
    for query in asked:
        for path in ("/api/v1/meters/", "/api/v1/readings/", "/meterdata/measurement"):
            told = client.get(path, query, **acme.bearer)
            assert told.status_code < 500, (path, str(query)[:60])
            assert len(b"".join(told)) < 100_000


def test_a_search_of_many_wildcards_is_no_pattern(acme: Customer) -> None:
    """What is looked for is a text: `%` and `_` stand for themselves."""
    client = Client(HTTP_HOST=acme.domain)
    assert client.get("/api/v1/meters/", {"search": "%"}, **acme.bearer).json()["count"] == 0
    assert client.get("/api/v1/meters/", {"search": "_" * 40}, **acme.bearer).json()["count"] == 0
