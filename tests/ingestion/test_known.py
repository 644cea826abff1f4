"""Days that come as they are stored: neither read nor merged, and yet the same is done."""

from collections.abc import Sequence
from dataclasses import astuple, replace
from uuid import uuid4

import numpy as np
import pytest
from django.db import connection
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ingestion.batch import Batch, RegisterKey
from ingestion.comparing import StoredDays
from ingestion.known import KnownDays
from ingestion.layout import Incoming
from ingestion.record import Counts
from ingestion.registers import LockedRegister
from ingestion.store import store
from meters.models import DailyProfile, Register
from meters.profiles import read_days, read_unknown_days
from meters.zones import zone
from tests.ingestion.ledger import Ledger, incoming
from tests.ingestion.plant import (
    EXPORT,
    IMPORT,
    JANUARY,
    QUARTER,
    batch,
    check_days,
    fingerprint,
    make_meter,
    stored,
)

pytestmark = pytest.mark.usefixtures("in_acme")

ZURICH = zone("Europe/Zurich")
DAY = 86_400
# Register (0 or 1), instant [s], value, quality.
Told = list[tuple[int, int, float, int]]


@st.composite
def deliveries(draw: st.DrawFn, steps: Sequence[int] = (QUARTER,)) -> list[Told]:
    """Stretches of some days of two registers, sent whole, in part, changed, twice and mixed up."""
    told: list[Told] = []
    for _ in range(draw(st.integers(2, 6))):
        delivery: Told = []
        if told and draw(st.booleans()):
            delivery += draw(st.sampled_from(told))
        else:
            for register in draw(st.sampled_from([[0], [1], [0, 1]])):
                begins = JANUARY + draw(st.integers(0, 40)) * 6 * QUARTER
                value, n = draw(st.sampled_from([0.0, -0.0, 1.5])), draw(st.integers(1, 300))
                step = draw(st.sampled_from(steps))
                delivery += [(register, begins + i * step, value, 1) for i in range(n)]
        for at in draw(st.lists(st.integers(0, len(delivery) - 1), max_size=4)):
            register, instant, value, quality = delivery[at]
            change = draw(st.sampled_from(["value", "quality", "gone", "twice", "zero"]))
            if change == "gone" and len(delivery) > 1:
                delivery = [one for one in delivery if one[:2] != (register, instant)] or delivery
                break
            changed = {
                "value": (register, instant, value + 0.25, quality),
                "quality": (register, instant, value, 3 - quality),
                "zero": (register, instant, -0.0 if value == 0 else 0.0, quality),
            }.get(change, delivery[at])
            delivery = [*delivery, changed] if change == "twice" else [
                *delivery[:at], changed, *delivery[at + 1 :]
            ]  # fmt: skip
        order = draw(st.sampled_from(["rising", "falling", "any"]))
        if order != "rising":
            delivery = delivery[::-1] if order == "falling" else draw(st.permutations(delivery))
        told.append(delivery)
    return told


def columns(delivery: Told) -> Sequence[np.ndarray]:
    kinds = (np.int64, np.int64, np.float64, np.int16)
    found = zip(*delivery, strict=True)
    return [np.array(column, dtype=kind) for column, kind in zip(found, kinds, strict=True)]


@settings(
    max_examples=80,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(deliveries())
def test_what_is_not_read_is_what_would_have_been(told: list[Told]) -> None:
    meter = make_meter()
    codes = (IMPORT, EXPORT)
    keys = tuple(RegisterKey(meter.muid, obis, "energy") for obis in codes)
    plain: list[dict[int, tuple[float, int]]] = [{}, {}]
    for delivery in told:
        index, instants, values, qualities = columns(delivery)
        came = Batch(keys, index, instants, values, qualities, np.arange(len(index)))
        done = store(came)
        new = corrected = 0
        for (register, instant), one in {
            (register, instant): (value, quality) for register, instant, value, quality in delivery
        }.items():
            new += instant not in plain[register]
            corrected += plain[register].get(instant, one) != one
            plain[register][instant] = one
        assert (done.counts.new, done.counts.corrected) == (new, corrected)
        for obis, expected in zip(codes, plain, strict=True):
            assert stored(meter.muid, obis) == expected
        compare(came, [Register.objects.get(meter=meter, obis=obis).pk for obis in codes])
    check_days()


@settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(deliveries(steps=(QUARTER, QUARTER, QUARTER, 2 * QUARTER, 300)))
def test_what_is_not_merged_changes_nothing_of_what_is(told: list[Told]) -> None:
    ledger = Ledger()
    for delivery in told:
        check_rest(delivery, ledger)
        ledger.take(delivery)
        check_rest(delivery, ledger)


def check_rest(delivery: Told, ledger: Ledger) -> None:
    """Merge a delivery whole, and but for what is known; the same comes of it."""
    readings, _ = incoming(delivery).in_order()
    known, table = KnownDays.of(readings, ZURICH), ledger.table
    unsent = np.isin(table.digests, known.digests)
    blank = np.repeat(unsent, table.slots)
    sent = replace(
        table,
        values=np.where(blank, np.nan, table.values),
        qualities=np.where(blank, 0, table.qualities).astype(np.int16),
    )
    registers = [
        LockedRegister(pk, uuid4(), IMPORT, "energy", "Europe/Zurich", ledger.known.get(pk), False)
        for pk in (0, 1)
    ]
    stored = StoredDays(
        readings, ZURICH, registers, 900,
        known.unchanged(sent, unsent, ledger.known), lambda: known.filled(sent, unsent),
    )  # fmt: skip
    rest, whole = stored.merged_rest(), stored.merged()
    assert repr(astuple(rest)) == repr(astuple(whole))


def compare(came: Batch, registers: list[int]) -> None:
    """Read the days of a batch in both ways, for the batch as it came and as it stands now."""
    register = np.array(registers)[came.index]
    readings, _ = Incoming(register, came.instants, came.values, came.qualities).in_order()
    known = KnownDays.of(readings, ZURICH)
    first, last = int(readings.instants.min()) // DAY - 1, int(readings.instants.max()) // DAY + 1
    table, unsent = read_unknown_days(registers, first, last, known.digests)
    filled, whole = known.filled(table, unsent), read_days(registers, first, last)
    for name in ("register", "day", "first", "interval", "slots", "qualities", "version"):
        assert getattr(filled, name).tolist() == getattr(whole, name).tolist(), name
    assert filled.values.tobytes() == whole.values.tobytes()


def whole_days(n: int, value: float = 1.0) -> list[tuple[int, float]]:
    begins = JANUARY - 3600  # a local midnight
    return [(begins + i * QUARTER, value + i) for i in range(n * 96)]


def unsent(muid_batch: Batch, register: int) -> list[bool]:
    known = KnownDays.of(
        Incoming(
            np.full(len(muid_batch), register), muid_batch.instants, muid_batch.values,
            muid_batch.qualities,
        ),
        ZURICH,
    )  # fmt: skip
    return read_unknown_days([register], 0, 60_000, known.digests)[1].tolist()


def test_of_whole_days_that_come_again_no_values_are_read() -> None:
    meter = make_meter()
    store(batch(meter.muid, whole_days(3)))
    register = Register.objects.get().pk
    assert unsent(batch(meter.muid, whole_days(3)), register) == [True] * 3
    assert unsent(batch(meter.muid, whole_days(3)[:-1]), register) == [True, True, False]
    assert unsent(batch(meter.muid, whole_days(3), quality=2), register) == [False] * 3
    before = fingerprint()
    assert store(batch(meter.muid, whole_days(3))).counts == Counts(unchanged=288)
    assert fingerprint() == before


def test_the_last_reading_of_a_day_makes_it_known() -> None:
    meter = make_meter()
    for n in (288, 287):
        store(batch(meter.muid, whole_days(3)[:n]))
    register = Register.objects.get().pk
    assert unsent(batch(meter.muid, whole_days(3)), register) == [True] * 3


def test_a_zero_that_changes_its_sign_changes_nothing() -> None:
    meter = make_meter()
    zeros = [(at, 0.0) for at, _ in whole_days(2)]
    store(batch(meter.muid, zeros))
    before = fingerprint()
    done = store(batch(meter.muid, [(at, -value) for at, value in zeros]))
    assert done.counts == Counts(unchanged=192)
    assert fingerprint() == before


def test_rows_of_before_there_were_digests_are_compared_as_ever() -> None:
    meter = make_meter()
    store(batch(meter.muid, whole_days(3)))
    with connection.cursor() as cursor:
        cursor.execute("UPDATE daily_profile SET digest = NULL")
    assert store(batch(meter.muid, whole_days(3))).counts == Counts(unchanged=288)
    assert not DailyProfile.objects.exclude(digest=None).exists(), "nothing is written for it alone"
    late = [*whole_days(3)[:-1], (whole_days(3)[-1][0], 9.0)]
    assert store(batch(meter.muid, late)).counts == Counts(corrected=1, unchanged=287)
    assert DailyProfile.objects.exclude(digest=None).count() == 1
    check_days()
