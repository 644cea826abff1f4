"""The upload page: choose a file, look at it, say what is missing, store it."""

import io
import re
import zipfile
from typing import Any
from uuid import uuid4

import pytest
from django.conf import LazySettings
from django.core.files.uploadedfile import SimpleUploadedFile
from django.http import HttpResponse
from django.test import Client

from accounts.models import User
from ingestion.inbox import MOST_UPLOADS, Upload, UploadPart
from ingestion.models import RejectedReading, Run
from ingestion.tasks import tidy_record
from meters.models import Meter
from tests.conftest import Customer
from tests.ingestion.doors.test_workbooks import book
from tests.ingestion.doors.writing import Form, steady, write
from tests.ingestion.plant import EXPORT, make_meter, stored

ADDRESS = "/ingestion/upload/"
AUTUMN = write(steady("2023-10-28T22:00+00:00", "2023-10-29T23:00+00:00"), Form(encoding="cp1252"))


@pytest.fixture
def client(in_acme: Customer) -> Client:
    return in_acme.client()


@pytest.fixture
def meter(in_acme: Customer) -> Meter:
    return make_meter("Bäckerei")


def bring(client: Client, content: bytes, name: str = "Lastgang 2023.csv") -> str:
    """Upload a file and return the address of its preview."""
    response = client.post(ADDRESS, {"file": SimpleUploadedFile(name, content)})
    assert response.status_code == 302, response.content.decode()
    return response.headers["Location"]


def text_of(response: HttpResponse) -> str:
    assert response.status_code == 200
    text = re.sub(
        r"<(script|style|datalist).*?</\1>", "", response.content.decode(), flags=re.DOTALL
    )
    return " ".join(re.sub(r"<[^>]*>", " ", text).split())


def say(client: Client, address: str, **choices: str) -> str:
    response = client.post(address, choices)
    assert response.status_code == 302, text_of(response)
    return text_of(client.get(address))


def test_from_a_file_to_its_run(client: Client, in_acme: Customer, meter: Meter) -> None:
    address = bring(client, AUTUMN)
    page = text_of(client.get(address))
    assert "The times carry no offset. Name the zone" in page
    assert "Nothing says of which meter the readings are" in page
    assert "Store" not in page.replace("stored", "")
    assert not Run.objects.exists()
    page = say(client, address, meter="Bäckerei", timezone="Europe/Zurich")
    assert "Store 100 readings" in page
    assert "29 October 2023 in Europe/Zurich, clocks go back" in page
    assert "The day has 25 hours, and 100 readings of a register begin on it." in page
    assert not Run.objects.exists()
    assert not stored(meter.muid)
    response = client.post(f"{address}store/", follow=True)
    run = Run.objects.get()
    assert response.redirect_chain == [(run.get_absolute_url(), 302)]
    report = text_of(response)
    assert "Lastgang 2023.csv: 100 new, 0 corrected, 0 unchanged, 0 refused." in report
    assert f"upload, {in_acme.email}" in report
    assert (run.name, run.trigger, run.person) == ("Lastgang 2023.csv", "upload", in_acme.email)
    assert run.bytes == len(AUTUMN)
    assert len(stored(meter.muid)) == 100
    # The file is let go of; asking again does nothing again.
    assert not UploadPart.objects.exists()
    again = client.post(f"{address}store/", follow=True)
    assert "was stored before" in text_of(again)
    assert client.get(address).headers["Location"] == run.get_absolute_url()
    assert Run.objects.count() == 1


def test_what_would_be_refused_is_shown_and_then_kept(client: Client, meter: Meter) -> None:
    lines = ["Zeit;kWh", "26.03.2023 01:45;1", "26.03.2023 02:15;2", "26.03.2023 03:00;=1+1"]
    lines += [f"26.03.2023 04:{minute:02};1" for minute in (0, 15, 30, 45)]
    address = bring(client, "\n".join(lines).encode())
    page = say(client, address, meter=str(meter.muid), timezone="Europe/Zurich")
    assert "the clock of Europe/Zurich never showed it: clocks went forward over it" in page
    assert "26.03.2023 03:00;=1+1" in page
    assert "Store 5 readings" in page
    assert not RejectedReading.objects.exists()
    client.post(f"{address}store/")
    assert sorted(RejectedReading.objects.values_list("row", flat=True)) == [3, 4]


def test_columns_can_be_said_otherwise(client: Client, meter: Meter) -> None:
    other = make_meter("Other")
    content = b"when;A;B;C\n2023-01-01T00:00Z;1;2;7\n2023-01-01T00:15Z;3;4;7\n"
    address = bring(client, content, "three.csv")
    assert "Several columns hold numbers" in text_of(client.get(address))
    said = {
        "column-1-role": "value",
        "column-1-meter": "Bäckerei",
        "column-2-role": "value",
        "column-2-register": "2.29.0",
        "column-2-unit": "wh",
        "column-2-meter": str(other.muid),
    }
    assert "Store 4 readings" in say(client, address, **said)
    # What was said stands in the form, so that it is sent again with the next change.
    page = client.get(address).content.decode()
    assert 'value="1-0:2.29.0*255"' in page
    assert 'value="Other"' in page
    client.post(f"{address}store/")
    assert [value for value, _ in stored(meter.muid).values()] == [1, 3]
    assert [value for value, _ in stored(other.muid, EXPORT).values()] == [0.002, 0.004]


def test_what_is_said_wrongly_is_told(client: Client, meter: Meter) -> None:
    address = bring(client, AUTUMN)
    said = {
        "meter": "nobody",
        "timezone": "Europe/Zürich",
        "column-1-register": "x",
        "column-1-unit": "stone",
    }
    page = text_of(client.post(address, said))
    assert "There is no meter “nobody” here." in page
    assert "did you mean Europe/Zurich?" in page
    assert "is not an OBIS code" in page
    assert "The unit “stone” is unknown" in page
    assert not Upload.objects.get().choices


def test_a_meter_that_there_is_not(client: Client) -> None:
    muid = uuid4()
    content = f"Zeit;{muid} kWh\n2023-01-01T00:00Z;1\n".encode()
    address = bring(client, content)
    page = text_of(client.get(address))
    assert f"There is no meter {muid} here. Register it first." in page
    assert not Run.objects.exists()


def test_workbooks_and_json(client: Client, meter: Meter) -> None:
    rows = [["Zeit", f"{meter.muid} kWh"], ["2023-01-01T00:00Z", 1.5]]
    page = text_of(client.get(bring(client, book(rows), "book.xlsx")))
    assert "The sheet “Lastgang” was read." in page
    assert "Store 1 reading" in page
    row = {"timestamp": "2023-01-01T00:00Z", "tags": {"muid": str(meter.muid)}}
    json = str([row | {"0100011D00FF": 1}]).replace("'", '"').encode()
    assert "Store 1 reading" in text_of(client.get(bring(client, json, "answer.json")))


def bomb() -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("[Content_Types].xml", b" " * 50_000_000)
    return out.getvalue()


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "The file is empty."),
        (b"\0\1\2\3", "neither text (CSV, JSON) nor an XLSX workbook"),
        (b"%PDF-1.7", "The file is a PDF."),
        (b"PK\x03\x04 no zip", "no XLSX workbook, or it is damaged"),
        (bomb(), "unpacks to far more than a table of readings would"),
        (b"a;b\n" + b"x" * 400_000, "field larger than field limit"),
        (b"a;b\n1;2\n", "There is no column of dates or times"),
        (b"[1, ", "not JSON"),
    ],
    ids=["empty", "binary", "pdf", "broken", "bomb", "line", "numbers", "json"],
)
def test_files_that_can_not_be_read(client: Client, content: bytes, words: str) -> None:
    address = bring(client, content)
    page = text_of(client.get(address))
    assert words in page
    assert "Store" not in page.replace("stored", "")
    stored_anyway = client.post(f"{address}store/", follow=True)
    assert "Nothing was stored." in text_of(stored_anyway)
    assert not Run.objects.exists()


def test_names_and_contents_can_do_no_harm(client: Client, meter: Meter) -> None:
    evil = "<script>alert(1)</script>"
    content = f"x{evil};kWh\n2023-01-01T00:00Z;{evil}\n2023-01-01T00:15Z;1\n"
    address = bring(client, f"{content}2023-01-01T00:30Z;1\n".encode(), f"..\\{evil}.csv")
    page = client.get(address).content.decode()
    assert evil not in page
    page = say(client, address, meter=str(meter.muid))
    assert "Store 2 readings" in page
    response = client.post(f"{address}store/", follow=True)
    assert evil not in response.content.decode()
    assert "/" not in Run.objects.get().name


def test_too_large(client: Client, settings: LazySettings) -> None:
    settings.UPLOAD_MAX_BYTES = 100_000
    content = SimpleUploadedFile("large.csv", b"x" * 200_000)
    response = client.post(ADDRESS, {"file": content})
    assert response.status_code == 422
    assert "The file is larger than 97.7" in response.content.decode().replace("\xa0", " ")
    assert not Upload.objects.exists()
    assert client.post(ADDRESS).status_code == 422


def test_files_are_kept_for_a_while_and_not_too_many(client: Client, meter: Meter) -> None:
    addresses = [bring(client, AUTUMN) for _ in range(MOST_UPLOADS + 1)]
    assert Upload.objects.count() == MOST_UPLOADS
    assert client.get(addresses[0]).status_code == 404
    Upload.objects.update(expires_at="2020-01-01T00:00Z")
    assert client.get(addresses[-1]).status_code == 404
    address = bring(client, AUTUMN)
    assert Upload.objects.count() == 1
    client.post(f"{address}discard/")
    assert not UploadPart.objects.exists()


def post_all(client: Client, address: str) -> list[int]:
    return [
        client.get(address).status_code,
        client.post(address, {}).status_code,
        client.post(f"{address}store/").status_code,
        client.post(f"{address}discard/").status_code,
    ]


def test_nobody_else_sees_it(
    client: Client, in_acme: Customer, nordwind: Customer, meter: Meter
) -> None:
    address = bring(client, AUTUMN)
    with nordwind.tenant.entered():
        assert post_all(nordwind.client(), address) == [404] * 4
    with in_acme.tenant.entered():
        User.objects.create_superuser("other@acme.localhost", "only-for-this-7")
        other = Client(HTTP_HOST=in_acme.domain)
        other.post("/sign-in/", {"username": "other@acme.localhost", "password": "only-for-this-7"})
        assert post_all(other, address) == [404] * 4
        assert Upload.objects.count() == 1
        # Who may only look is not even shown the way.
        User.objects.filter(email="other@acme.localhost").update(is_superuser=False)
        assert post_all(other, address) == [403] * 4
        assert other.get(ADDRESS).status_code == 403
        assert ADDRESS not in other.get("/ingestion/").content.decode()
    assert ADDRESS in client.get("/ingestion/").content.decode()
    unsigned = in_acme.client(signed_in=False).get(address)
    assert unsigned.headers["Location"].startswith("/sign-in/")


def test_the_store_is_asked_of_a_bounded_number_of_queries(
    client: Client, meter: Meter, django_assert_max_num_queries: Any
) -> None:
    address = bring(client, AUTUMN)
    say(client, address, meter="Bäckerei", timezone="Europe/Zurich")
    with django_assert_max_num_queries(60):
        client.get(address)


def test_the_clock_lets_go_of_what_nobody_stored(
    client: Client, in_acme: Customer, nordwind: Customer
) -> None:
    bring(client, AUTUMN)
    with nordwind.tenant.entered():
        bring(nordwind.client(), AUTUMN)
        Upload.objects.update(expires_at="2020-01-01T00:00Z")
    with nordwind.tenant.entered():
        assert tidy_record() == 1
        assert not UploadPart.objects.exists()
    with in_acme.tenant.entered():
        assert tidy_record() == 0
        assert UploadPart.objects.count() == 1
