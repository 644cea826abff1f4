"""Files for spreadsheets: numbers stay numbers, and nothing in them is a formula."""

import csv
import io
from uuid import UUID

import openpyxl
import pytest

from ingestion.download import FORMULA, harmless
from ingestion.files import RowsFile, ingest_file
from meters.models import Meter
from tests.conftest import Customer

pytestmark = pytest.mark.django_db
METER = UUID("dddddddd-0000-4000-8000-00000000000d")
# Sum of active power, which is below nothing while there is more fed in than used.
NET_POWER = "0100100700FF"


@pytest.fixture
def answers(acme: Customer) -> dict[str, bytes]:
    """The same readings in both forms; one of them is negative."""
    with acme.tenant.entered():
        Meter.objects.create(muid=METER, name="=1+1", metering_point="@SUM(A1)")
        rows = [
            {
                "measurement": "power",
                "timestamp": f"2023-01-01T00:{15 * n:02}:00.000Z",
                "tags": {"muid": str(METER), "quality": "measured"},
                NET_POWER: value,
            }
            for n, value in enumerate([-1.5, 2.25, 0.0, -0.001])
        ]
        done = ingest_file(RowsFile(rows), worker="test")
        assert done.counts.new == 4
    client = acme.client(signed_in=False)
    path = f"/api/v1/meters/{METER}/readings/?start=2023-01-01T00:00Z&end=2023-01-01T01:00Z"
    found = {}
    for form in ("csv", "xlsx"):
        answer = client.get(f"{path}&format={form}", **acme.bearer)
        assert answer.status_code == 200
        found[form] = b"".join(answer.streaming_content)  # type: ignore[attr-defined]
    return found


def test_negative_numbers_stay_numbers_in_csv(answers: dict[str, bytes]) -> None:
    head, *rows = csv.reader(io.StringIO(answers["csv"].decode()))
    [place] = [n for n, name in enumerate(head) if name.startswith("value")]
    assert [float(row[place]) for row in rows] == [-1.5, 2.25, 0.0, -0.001]
    for row in rows:
        others = row[:place] + row[place + 1 :]
        assert not [cell for cell in others if cell.startswith(FORMULA)]


def test_a_workbook_holds_values_alone(answers: dict[str, bytes]) -> None:
    book = openpyxl.load_workbook(io.BytesIO(answers["xlsx"]))
    kinds = {cell.data_type for row in book["Readings"].iter_rows() for cell in row}
    assert "f" not in kinds
    head, *rows = book["Readings"].iter_rows(values_only=True)
    values = [row[head.index("value")] for row in rows]
    assert values == [-1.5, 2.25, 0.0, -0.001]
    assert not book.defined_names


@pytest.mark.parametrize("sign", ["=", "+", "-", "@", "\t", "\r", "\n", " =", "\u00a0+"])
def test_texts_from_outside_are_made_harmless(sign: str) -> None:
    assert harmless(f"{sign}cmd|' /C calc'!A0") == f"'{sign}cmd|' /C calc'!A0"
