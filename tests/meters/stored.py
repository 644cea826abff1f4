"""Stored readings for tests: day rows laid out and written apart from the code that reads them."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np
import psycopg
import pytest
from django.contrib.auth.models import Permission
from django.test.client import Client
from django.utils.http import urlencode

from accounts.models import ApiToken, User
from ingestion.files import RowsFile, ingest_file
from meters.models import DailyProfile, Meter, Register
from meters.zones import zone
from tests.conftest import RECORDED_EXPORT, RECORDED_IMPORT, Customer

IMPORT, EXPORT = "1-0:1.29.0*255", "1-0:2.29.0*255"
STATE, POWER, DEMAND, UNKNOWN = (
    "1-0:1.8.0*255",
    "1-0:1.7.0*255",
    "1-0:1.6.0*255",
    "1-0:99.1.0*255",
)


def at(text: str, name: str = "UTC") -> int:
    """Local wall time to an instant [s]."""
    return int(datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(name)).timestamp())


def make_meter(**more: object) -> Meter:
    return Meter.objects.create(**{"name": "Meter", "timezone": "Europe/Zurich", **more})


def make_register(meter: Meter, obis: str = IMPORT, interval: int | None = 900) -> Register:
    return Register.objects.create(meter=meter, obis=obis, interval=interval)


@dataclass
class Readings:
    """One register's readings, each with its own interval, in order."""

    instants: np.ndarray
    intervals: np.ndarray
    values: np.ndarray
    qualities: np.ndarray

    @classmethod
    def steady(
        cls, start: int, end: int, interval: int = 900, value: float | None = None
    ) -> "Readings":
        """Without a gap, from `start` to `end`; 1, 2, 3, … where no value is given."""
        instants = np.arange(start, end, interval, dtype=np.int64)
        n = len(instants)
        values = np.arange(1.0, n + 1) if value is None else np.full(n, value)
        return cls(instants, np.full(n, interval), values, np.ones(n, dtype=np.int64))

    def only(self, mask: np.ndarray) -> "Readings":
        return Readings(
            self.instants[mask], self.intervals[mask], self.values[mask], self.qualities[mask]
        )


def write(register: Register, readings: Readings) -> None:
    """Store readings as day rows, by the ORM; each local day has one interval and phase."""
    starts, dates = zone(register.meter.timezone).day_starts(
        int(readings.instants[0]), int(readings.instants[-1]) + 1
    )
    rows = []
    for begin, end, day in zip(starts[:-1], starts[1:], dates.tolist(), strict=True):
        index = np.flatnonzero((readings.instants >= begin) & (readings.instants < end))
        if not len(index):
            continue
        interval = int(readings.intervals[index[0]])
        first = int(begin + (readings.instants[index[0]] - begin) % interval)
        slots = -(-(int(end) - first) // interval)
        values: list[float | None] = [None] * slots
        qualities = [0] * slots
        for i in index:
            slot, behind = divmod(int(readings.instants[i]) - first, interval)
            assert behind == 0
            values[slot], qualities[slot] = float(readings.values[i]), int(readings.qualities[i])
        kinds = {quality for quality in qualities if quality}
        rows.append(
            DailyProfile(
                register=register,
                day=day,
                first=datetime.fromtimestamp(first, UTC),
                interval=interval,
                values=values,
                qualities=qualities,
                total=sum(v for v in values if v is not None)
                if register.code.is_summable
                else None,
                count=len(index),
                quality=kinds.pop() if len(kinds) == 1 else None,
                version=1,
            )
        )
    DailyProfile.objects.bulk_create(rows)


def store_recordings(customer: Customer, folder: Path) -> None:
    """Store the challenge's two recorded responses."""
    with customer.tenant.entered():
        for muid in (RECORDED_IMPORT, RECORDED_EXPORT):
            rows = json.loads((folder / f"{muid}.json").read_text())["data"]
            file = RowsFile(rows, register_zone="Europe/Zurich")
            assert ingest_file(file, worker="test").counts.new == 2688


@contextmanager
def statements() -> Iterator[list[str]]:
    """List what is sent to PostgreSQL, COPY included, which Django's own counting doesn't see."""
    sent: list[str] = []

    def noting(real: Callable) -> Callable:
        def note(cursor: psycopg.Cursor, query: object, *args: object, **more: object) -> object:
            sent.append(query if isinstance(query, str) else query.as_string(cursor))
            return real(cursor, query, *args, **more)

        return note

    with pytest.MonkeyPatch.context() as patch:
        for name in ("execute", "copy"):
            patch.setattr(psycopg.Cursor, name, noting(getattr(psycopg.Cursor, name)))
        yield sent


def account(
    customer: Customer, *permissions: str, staff: bool = False, email: str = "clerk@example.com"
) -> "Api":
    """Make an account with these permissions and no other, and a token of its own."""
    with customer.tenant.entered():
        user = User.objects.create_user(email, is_staff=staff)
        user.user_permissions.set(
            Permission.objects.get(content_type__app_label=app, codename=name)
            for app, name in (one.split(".") for one in permissions)
        )
        _, token = ApiToken.objects.create(user=user)
    return Api(replace(customer, email=email, token=token))


class Api:
    """A program that asks a tenant's API with its token."""

    def __init__(self, customer: Customer) -> None:
        self.customer = customer
        self.client = Client(HTTP_HOST=customer.domain)

    def get(self, path: str, query: dict[str, object] | str = "", **headers: str):
        text = query if isinstance(query, str) else urlencode(query)
        return self.client.get(
            f"/api/v1/{path}" + (f"?{text}" if text else ""), **self.customer.bearer, **headers
        )

    def send(self, method: str, path: str, body: object = None, **headers: str):
        """Send JSON; text goes as it is."""
        sent = body if isinstance(body, str | bytes) else json.dumps(body)
        return self.client.generic(
            method.upper(),
            f"/api/v1/{path}",
            b"" if body is None else sent,
            content_type="application/json",
            **{**self.customer.bearer, **headers},
        )

    def readings(self, meter: object, **query: object) -> dict:
        """Ask for readings that must come."""
        response = self.get(f"meters/{meter}/readings/", query)
        assert response.status_code == 200, response.content
        return response.json()
