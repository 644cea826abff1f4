"""The simulator's kinds of meters: that each is what it says, and the same whoever asks."""

from dataclasses import replace
from datetime import UTC, datetime
from itertools import pairwise
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pytest
import requests

from ingestion.simulator import business
from ingestion.simulator.catalogue import default_meters
from ingestion.simulator.localtime import year_clock
from ingestion.simulator.meter import EXPORT, IMPORT, Kind, SyntheticMeter
from ingestion.simulator.models import generator
from ingestion.simulator.server import running_simulator
from ingestion.simulator.synthetic import readings, year_readings
from ingestion.simulator.weather import temperature

ZURICH = ZoneInfo("Europe/Zurich")
METERS = default_meters(
    1,
    "Europe/Zurich",
    47.38,
    8.54,
    1,
    1,
    1,
    prosumers=2,
    businesses=4,
    heat_pumps=4,
    chargers=4,
    productions=2,
)
BEGIN = datetime(2023, 1, 1, tzinfo=ZURICH)
END = datetime(2024, 1, 1, tzinfo=ZURICH)


def of_kind(kind: Kind) -> list[SyntheticMeter]:
    return [meter for meter in METERS if meter.kind == kind]


def days_of(values: np.ndarray) -> np.ndarray:
    """The year 2023 by days of 96 quarter-hours since local midnight in winter time [kW]."""
    assert len(values) == 365 * 96
    return values.reshape(365, 96) * 4


@pytest.mark.parametrize("meter", METERS, ids=lambda meter: meter.name)
def test_pieces_equal_the_whole_in_both_registers(meter: SyntheticMeter) -> None:
    start = int(datetime(2022, 12, 28, 3, 17, tzinfo=UTC).timestamp())
    stop = start + 9 * 86_400
    whole = readings(meter, start, stop)
    edges = [start, *range(start + 5000, stop, 150_000), stop]
    pieces = [readings(meter, a, b) for a, b in pairwise(edges)]
    assert np.array_equal(np.concatenate([piece.values for piece in pieces]), whole.values)
    if meter.second_obis is None:
        assert whole.second is None
    else:
        seconds = [piece.second for piece in pieces if piece.second is not None]
        assert np.array_equal(np.concatenate(seconds), whole.second)


def test_a_prosumer_nets_what_it_uses_and_what_its_roof_makes() -> None:
    for meter in of_kind("prosumer"):
        net = year_readings(meter, 2023)
        used = year_readings(replace(meter, kind="household"), 2023)
        assert net.second is not None
        made = used.values - net.values + net.second
        # What is left of the household is the roof: none by night, and never less than none.
        assert made.min() >= -2 * meter.step - 1e-9
        by_day = days_of(made)
        assert by_day[:, :16].max() <= 8 * meter.step + 1e-9
        assert 3 * 700 < made.sum() < 12 * 1200
        # Within a quarter-hour both directions may count.
        assert ((net.values > 0) & (net.second > 0)).any()


@pytest.mark.parametrize("year", [2023, 2024])
@pytest.mark.parametrize("interval", [300, 900, 3600])
def test_what_is_made_is_never_less_than_what_is_fed_in(year: int, interval: int) -> None:
    for prosumer, roof in zip(of_kind("prosumer"), of_kind("production"), strict=True):
        assert roof.roof_of == prosumer.muid
        net = year_readings(replace(prosumer, interval=interval), year)
        made = year_readings(replace(roof, interval=interval), year)
        assert net.second is not None
        assert np.array_equal(net.instants, made.instants)
        on_site = made.values - net.second
        assert on_site.min() >= 0
        # What is used on site and what is drawn are together what the household uses.
        used = year_readings(replace(prosumer, kind="household", interval=interval), year)
        difference = on_site + net.values - used.values
        assert np.abs(difference).max() <= 4 * prosumer.step + 1e-9
        assert 0.05 < on_site.sum() / made.values.sum() < 0.95


def test_production_is_that_of_a_prosumer() -> None:
    roof = of_kind("production")[0]
    with pytest.raises(ValueError, match="prosumer's roof"):
        replace(roof, roof_of="")
    with pytest.raises(ValueError, match="prosumer's roof"):
        replace(of_kind("household")[0], roof_of=roof.roof_of)


def test_both_registers_stand_in_one_row() -> None:
    meter = of_kind("prosumer")[0]
    now = datetime(2024, 6, 1, tzinfo=UTC)
    with running_simulator(meters=[meter], now=now) as sim:
        query = {"muid": meter.muid, "measurement": "energy", "limit": "96"}
        query |= {"start": "2023-06-01", "stop": "2023-06-02"}
        address = f"{sim.base_url}/meterdata/measurement"
        rows: list[dict[str, Any]] = requests.get(address, params=query, timeout=10).json()["data"]
    found = readings(meter, datetime(2023, 6, 1, tzinfo=UTC), datetime(2023, 6, 2, tzinfo=UTC))
    assert [row[IMPORT] for row in reversed(rows)] == found.values.tolist()
    assert found.second is not None
    assert [row[EXPORT] for row in reversed(rows)] == found.second.tolist()


def test_an_inverter_draws_by_night() -> None:
    roof = replace(of_kind("photovoltaics")[0], standby=8.0, step=0.0001)
    found = readings(roof, BEGIN, END)
    assert (roof.obis, roof.second_obis) == (EXPORT, IMPORT)
    assert found.second is not None
    assert days_of(found.second)[:, :12].mean() == pytest.approx(0.008, rel=0.02)
    assert days_of(found.second)[:, 44:56].mean() < 0.001


def test_businesses_keep_their_hours_and_their_sundays() -> None:
    for meter in of_kind("business"):
        days = days_of(readings(meter, BEGIN, END).values)
        assert days.sum() / 4 == pytest.approx(20_000 * meter.scale, rel=0.25)
        traits = business.Traits.draw(generator(meter.seed, meter.muid, "traits", 0))
        if traits.last_day == 6:
            continue
        weekday = (np.arange(365) + 6) % 7  # 1 January 2023 was a Sunday
        assert days[weekday == 2].mean() > 1.15 * days[weekday == 6].mean()
        # 1 May was a Monday.
        assert days[120].mean() < 0.85 * days[[113, 127]].mean()


def test_business_hours_follow_the_clock() -> None:
    meter = of_kind("business")[0]
    found = readings(meter, BEGIN, END)
    local = year_clock("Europe/Zurich", 2023).to_local(found.instants)
    weekday = (local // 86_400 + 3) % 7 < 5
    slot = local % 86_400 // 900

    def opening(month: int) -> int:
        begin, end = (datetime(2023, m, 1, tzinfo=ZURICH).timestamp() for m in (month, month + 1))
        chosen = weekday & (found.instants >= begin) & (found.instants < end)
        usual = np.bincount(slot[chosen], found.values[chosen]) / np.bincount(slot[chosen])
        return int(np.argmax(usual > (usual.min() + usual.max()) / 2))

    assert abs(opening(2) - opening(6)) <= 1


def test_heat_pumps_run_the_more_the_colder_it_is() -> None:
    weather = generator(1, "Europe/Zurich/47/9", "temperature", 2023)
    for meter in of_kind("heat_pump"):
        found = readings(meter, BEGIN, END)
        days = days_of(found.values)
        assert days[:31].sum() > 4 * days[181:212].sum()
        clock = year_clock("Europe/Zurich", 2023)
        rng = np.random.Generator(np.random.PCG64())
        rng.bit_generator.state = weather.bit_generator.state
        outside = temperature(clock, found.instants, rng, 47.38).reshape(365, 96).mean(axis=1)
        cold = outside < 12
        assert np.corrcoef(outside[cold], days.mean(axis=1)[cold])[0, 1] < -0.8
        # On and off around the clock: it runs at every hour of the night.
        assert (days[:31, :20] > 0.3).mean() > 0.3


def test_a_wall_box_charges_in_rare_blocks_at_its_rating() -> None:
    for meter in of_kind("charging"):
        power = readings(meter, BEGIN, END).values * 4
        top = np.quantile(power[power > 1], 0.9)
        assert min(abs(top - rating) / rating for rating in (3.7, 7.4, 11, 22)) < 0.02
        assert power.max() < top * 1.02
        assert (power > 0.1).mean() < 0.35
        assert power[power > 0.9 * top].sum() > 0.6 * power.sum()


def test_who_keeps_no_hours_has_no_daily_habit() -> None:
    household = of_kind("household")[0]
    seen = []
    for regularity in (1.0, 0.0):
        values = year_readings(replace(household, regularity=regularity, missing_share=0), 2023)
        x = values.values - values.values.mean()
        seen.append(float((x[96:] * x[:-96]).sum() / (x * x).sum()))
    assert seen[0] > 0.3 > 0.2 > seen[1]


def test_who_does_little_does_it_at_the_usual_powers() -> None:
    household = replace(of_kind("household")[0], missing_share=0)
    usual = year_readings(household, 2023).values * 4
    quiet = year_readings(replace(household, activity=0.3, base=0.4), 2023).values * 4
    assert quiet.mean() < 0.55 * usual.mean()
    assert quiet.max() > 0.6 * usual.max()
    assert np.quantile(quiet, 0.02) == pytest.approx(0.4 * np.quantile(usual, 0.02), rel=0.15)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"regularity": 1.5}, "regularity is not within"),
        ({"activity": -0.1}, "activity is not within"),
        ({"base": 0.0}, "base is not within"),
        ({"standby": -1.0}, "standby -1.0 W"),
    ],
)
def test_impossible_habits_are_refused(change: dict[str, Any], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        replace(METERS[0], **change)
