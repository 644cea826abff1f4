"""Many meters from one file: by the service, the command and the page."""

import io
from pathlib import Path
from uuid import UUID

import pytest
from django.contrib.admin.models import LogEntry
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.management import CommandError, call_command

from accounts.models import User
from ingestion.doors.table import DoorError
from ingestion.models import Feed
from ingestion.registration import Became, Registration, register_meters
from ingestion.store import store
from meters.models import Meter, Site
from tests.conftest import Customer
from tests.ingestion.doors.test_workbooks import book
from tests.ingestion.plant import JANUARY, batch, make_meter, make_source

ONE, TWO = (UUID(int=7 << 64 | n, version=4) for n in (1, 2))
FILE = f"""MUID;Bezeichnung;Zählpunkt;Standort;Zeitzone;Quelle
{ONE};Bäckerei;CH-1;Mühle;Europe/Zurich;Portal
{TWO};Dach;;Mühle;;
"""
ADDRESS = "/ingestion/register/"


def register(text: str, **more: bool) -> Registration:
    return register_meters(text.encode("cp1252"), default_zone="Europe/Berlin", **more)


def became(found: Registration) -> list[str]:
    return [str(line.became) for line in found.lines]


def test_all_of_a_file_and_again(in_acme: Customer) -> None:
    portal = make_source("https://portal.example", name="Portal")
    found = register(FILE)
    assert found.is_kept
    assert became(found) == ["registered", "registered"]
    assert found.remarks == ("1 meter without a zone: kept in Europe/Berlin.",)
    one, two = Meter.objects.get(muid=ONE), Meter.objects.get(muid=TWO)
    assert (one.name, one.metering_point, one.timezone) == ("Bäckerei", "CH-1", "Europe/Zurich")
    assert one.site == two.site == Site.objects.get(name="Mühle")
    assert two.timezone == "Europe/Berlin"
    assert list(Feed.objects.values_list("meter", "source")) == [(one.pk, portal.pk)]
    again = register(FILE)
    assert became(again) == ["unchanged", "unchanged"]
    assert again.remarks == ()


def test_what_a_line_says_otherwise_is_changed(in_acme: Customer) -> None:
    make_source("https://portal.example", name="Portal")
    make_source("https://other.example", name="Other")
    register(FILE)
    found = register(FILE.replace("Bäckerei", "Backstube").replace(";Portal", ";Other"))
    assert became(found) == ["changed", "unchanged"]
    assert found.lines[0].words == "name was Bäckerei; source was Portal"
    assert Feed.objects.get().source.name == "Other"
    # Empty cells leave things as they are.
    assert became(register(f"muid,name\n{ONE},\n{TWO},Dach\n")) == ["unchanged", "unchanged"]
    assert Meter.objects.get(muid=ONE).name == "Backstube"


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("x;A", "“x” is no MUID"),
        (";A", "the MUID is missing"),
        (f"{TWO};", "the name is missing"),
        (f"{ONE};B", "line 2 names the same meter"),
        (f"{TWO};A;;;Europe/Zürich", "did you mean Europe/Zurich?"),
        (f"{TWO};A;;;;nowhere", "there is no source “nowhere”; there are “Portal”"),
        (f"{TWO};{'A' * 101}", "name: Ensure this value has at most 100 characters"),
        (f"{TWO};A;{'9' * 41}", "metering_point: Ensure"),
        (f"{TWO};A;;{'S' * 101}", "name: Ensure"),
    ],
)
def test_one_wrong_line_and_nothing_is_stored(in_acme: Customer, line: str, words: str) -> None:
    make_source("https://portal.example", name="Portal")
    head, first, *_ = FILE.splitlines()
    found = register("\n".join([head, first, line]))
    assert became(found) == ["registered", "wrong"]
    assert found.lines[1].number == 3
    assert words in found.lines[1].words
    assert not found.is_kept
    assert not Meter.objects.exists()
    assert not Site.objects.exists()


def test_a_zone_stays_once_there_are_readings(in_acme: Customer) -> None:
    meter = make_meter("Mine")
    store(batch(meter.muid, [(JANUARY, 1.0)]))
    found = register(f"muid;name;timezone\n{meter.muid};Other;Europe/Berlin\n")
    assert became(found) == ["wrong"]
    assert "already has readings, kept in local days of Europe/Zurich" in found.lines[0].words
    assert Meter.objects.get().name == "Mine"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[]", "this file is JSON"),
        ("muid;zone\n1;2", "names no column name"),
        ("a;b\n1;2", "names no column muid and none name"),
        ("muid;name", "no line below"),
        ("muid;name;MUID\n1;2;3", "Two columns hold the muid"),
    ],
)
def test_files_that_are_none(in_acme: Customer, text: str, words: str) -> None:
    with pytest.raises(DoorError, match=words):
        register(text)


def test_a_workbook_and_a_rehearsal(in_acme: Customer) -> None:
    rows = book([["muid", "name", "site"], [str(ONE), "=cmd|' /C calc'!A0", "A"], [None, None]])
    found = register_meters(rows, default_zone="UTC", keep=False)
    assert not found.is_kept
    assert not found.wrong or found.lines[0].words == "the name is missing"
    assert not Meter.objects.exists()


def test_by_command(in_acme: Customer, tmp_path: Path) -> None:
    file = tmp_path / "meters.csv"
    file.write_text(FILE.replace(";Portal", ";"))

    def run(*more: str) -> list[str]:
        out = io.StringIO()
        arguments = ["--tenant", "acme", "--file", str(file), *more]
        call_command("register_meters", *arguments, stdout=out, stderr=out)
        return out.getvalue().splitlines()

    assert run("--dry-run")[-1] == (
        "2 registered, 0 changed, 0 unchanged, 0 wrong. Nothing was kept."
    )
    assert not Meter.objects.exists()
    assert run()[1:] == [
        f"line 2  registered  {ONE}  Bäckerei",
        f"line 3  registered  {TWO}  Dach",
        "2 registered, 0 changed, 0 unchanged, 0 wrong.",
    ]
    assert run() == ["0 registered, 0 changed, 2 unchanged, 0 wrong."]
    file.write_text("muid;name\nx;y")
    with pytest.raises(CommandError, match=r"1 wrong\. Nothing was stored"):
        run()
    file.unlink()
    with pytest.raises(CommandError, match="can't be read: No such file"):
        run()


def test_on_the_page(in_acme: Customer) -> None:
    client = in_acme.client()

    def send(text: str, button: str = "register") -> tuple[int, str]:
        file = SimpleUploadedFile("meters.csv", text.encode())
        response = client.post(ADDRESS, {"file": file, button: ""})
        return response.status_code, response.content.decode()

    assert client.get(ADDRESS).status_code == 200
    good = FILE.replace(";Portal", ";")
    status, page = send(good, "check")
    assert (status, "The file is good." in page) == (200, True)
    assert not Meter.objects.exists()
    status, page = send(good)
    assert (status, "The meters are registered." in page) == (200, True)
    assert set(Meter.objects.values_list("muid", flat=True)) == {ONE, TWO}
    assert {entry.user.email for entry in LogEntry.objects.all()} == {in_acme.email}
    assert LogEntry.objects.count() == 2
    send(good)
    assert LogEntry.objects.count() == 2
    status, page = send("muid;name\n<script>;y")
    assert (status, "Nothing was stored." in page, "<script>;" in page) == (422, True, False)
    status, page = send("")
    assert (status, "The file is empty." in page) == (422, True)
    assert client.post(ADDRESS).status_code == 422


def test_who_may(in_acme: Customer, nordwind: Customer) -> None:
    with nordwind.tenant.entered():
        file = SimpleUploadedFile("meters.csv", FILE.replace(";Portal", ";").encode())
        assert nordwind.client().post(ADDRESS, {"file": file, "register": ""}).status_code == 200
        assert Meter.objects.filter(muid=ONE).exists()
    with in_acme.tenant.entered():
        assert not Meter.objects.filter(muid=ONE).exists()
        client = in_acme.client()
        assert ADDRESS in client.get("/meters/").content.decode()
        User.objects.filter(email=in_acme.email).update(is_superuser=False)
        assert client.get(ADDRESS).status_code == 403
        assert client.post(ADDRESS).status_code == 403
        assert ADDRESS not in client.get("/meters/").content.decode()
        unsigned = in_acme.client(signed_in=False).get(ADDRESS)
        assert unsigned.headers["Location"].startswith("/sign-in/")


def test_every_line_s_fate_is_counted(in_acme: Customer) -> None:
    found = register(FILE.replace(";Portal", ";"), keep=False)
    assert [found.count(one) for one in Became] == [2, 0, 0, 0]
