"""The registers of a batch: found or made, and locked for whoever writes their readings.

Written in SQL: a sweep locks ten thousand registers, of each of which the store wants a few fields.
"""

from collections.abc import Collection, Iterable, Sequence
from typing import Any, NamedTuple
from uuid import UUID

from django.db import connection

from ingestion.batch import RegisterKey

FIELDS = "r.id, m.muid, r.obis, r.measurement, m.timezone, r.interval"
# Meters have some tens of registers: four quantities and more, by phase, tariff and direction. A
# source that invents codes would make them without end.
MOST_REGISTERS = 200


class UnknownMeterError(ValueError):
    """Readings of a meter that the tenant does not have."""


class LockedRegister(NamedTuple):
    """What the store knows of a register while it writes its readings.

    Attributes
    ----------
    pk, obis, measurement, interval
        Of the register; the interval [s] is None where its readings have shown none yet.
    muid, timezone
        Of its meter.
    is_new
        Whether it was made just now, and so has no readings.
    """

    pk: int
    muid: UUID
    obis: str
    measurement: str
    timezone: str
    interval: int | None
    is_new: bool


def locked_registers(keys: Sequence[RegisterKey]) -> list[LockedRegister | None]:
    """Make the registers that are missing and lock all of them, in the order of their keys.

    Returns
    -------
    The registers in the order of `keys`; None where one would be more than a meter may have
    (`MOST_REGISTERS`). Of those that are missing the first ones of `keys` find room.

    Raises
    ------
    UnknownMeterError
        A meter does not exist here.
    """
    if not keys:
        return []
    locked = _locked(keys)
    missing = _without(locked, keys)
    if missing:
        _see_to_order(missing)
        locked |= _made(missing)
    if _without(locked, missing):
        # There is no room for them, or another writer has made them meanwhile.
        locked |= _locked(keys)
    return [locked.get((key.muid, key.obis)) for key in keys]


Found = dict[tuple[UUID, str], LockedRegister]


def _without(found: Found, keys: Iterable[RegisterKey]) -> list[RegisterKey]:
    return [key for key in keys if (key.muid, key.obis) not in found]


def _locked(keys: Iterable[RegisterKey]) -> Found:
    # The meters as well: who has waited for one to be cut anew must find its new zone, and of rows
    # that are joined but not locked the database shows what they were before; nor may one be erased
    # while its readings are written.
    return _found(
        f"SELECT {FIELDS}, false FROM meters_register r JOIN meters_meter m ON m.id = r.meter_id "
        "WHERE m.muid = ANY(%s) ORDER BY r.id FOR NO KEY UPDATE OF r FOR KEY SHARE OF m",
        [list({key.muid for key in keys})],
    )


def _see_to_order(keys: Iterable[RegisterKey]) -> None:
    """Let one writer at a time make registers of a meter, until its transaction ends.

    Two that count at once would both find room. Whoever only writes readings waits for neither.
    """
    muids = {key.muid for key in keys}
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT muid FROM meters_meter WHERE muid = ANY(%s) ORDER BY id FOR NO KEY UPDATE",
            [list(muids)],
        )
        if unknown := muids - {muid for (muid,) in cursor.fetchall()}:
            raise _unknown(unknown)


def _made(keys: Iterable[RegisterKey]) -> Found:
    """Make registers, as far as there is room; those that are there by now are left alone."""
    # One code is one register, whatever measurements it came under.
    named: dict[tuple[UUID, str], str] = {}
    for key in keys:
        name = (key.muid, key.obis)
        named[name] = min(key.measurement, named.get(name, key.measurement))
    return _found(
        "WITH m AS (SELECT id, muid, timezone, "
        "(SELECT count(*) FROM meters_register o WHERE o.meter_id = meters_meter.id) AS held "
        "FROM meters_meter WHERE muid = ANY(%s)), "
        "wanted AS (SELECT m.id, asked.obis, asked.measurement, "
        "m.held + row_number() OVER (PARTITION BY m.id ORDER BY asked.place) AS number "
        "FROM unnest(%s::uuid[], %s::text[], %s::text[]) WITH ORDINALITY "
        "AS asked(muid, obis, measurement, place) JOIN m ON m.muid = asked.muid "
        "LEFT JOIN meters_register o ON o.meter_id = m.id AND o.obis = asked.obis "
        "WHERE o.id IS NULL), r AS ("
        "INSERT INTO meters_register (meter_id, obis, measurement) "
        "SELECT id, obis, measurement FROM wanted WHERE number <= %s ORDER BY id, obis "
        "ON CONFLICT (meter_id, obis) DO NOTHING "
        "RETURNING id, meter_id, obis, measurement, interval) "
        f"SELECT {FIELDS}, true FROM r JOIN m ON m.id = r.meter_id",
        [
            sorted({muid for muid, _ in named}),
            [muid for muid, _ in named],
            [obis for _, obis in named],
            list(named.values()),
            MOST_REGISTERS,
        ],
    )


def _found(query: str, parameters: Sequence[Any]) -> Found:
    with connection.cursor() as cursor:
        cursor.execute(query, parameters)
        registers = map(LockedRegister._make, cursor.fetchall())
        return {(register.muid, register.obis): register for register in registers}


def _unknown(muids: Iterable[UUID]) -> UnknownMeterError:
    unknown = sorted(map(str, muids))
    others = f", nor {len(unknown) - 1:,} others" if len(unknown) > 1 else ""
    return UnknownMeterError(f"There is no meter {unknown[0]} here{others}. Register it first.")


def learn_intervals(intervals: dict[int, int]) -> None:
    """Note how long the intervals of registers are [s], by primary key."""
    if intervals:
        with connection.cursor() as cursor:
            cursor.execute(
                "UPDATE meters_register AS r SET interval = learnt.interval "
                "FROM unnest(%s::bigint[], %s::int[]) AS learnt(id, interval) "
                "WHERE r.id = learnt.id",
                [list(intervals), list(intervals.values())],
            )


def hold_meter(muid: UUID) -> bool:
    """Keep a meter from being erased until the transaction ends; False where there is none."""
    return bool(held_meters([muid]))


def held_meters(muids: Collection[UUID]) -> dict[UUID, int]:
    """Keep meters from being erased until the transaction ends; return the keys of those there are.

    Whatever is put down to a meter would fail where the meter went at the same moment.
    """
    if not muids:
        return {}
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT muid, id FROM meters_meter WHERE muid = ANY(%s) ORDER BY id FOR KEY SHARE",
            [list(muids)],
        )
        return dict(cursor.fetchall())
