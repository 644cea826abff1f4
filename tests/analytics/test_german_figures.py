"""What charts and ranges say in German: axes, legends, hovers, dates, resolutions."""

import re
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import numpy as np
import pytest
from django.utils import translation

from analytics.figures import compared, curves, groups, habits, maps
from analytics.figures.writing import lag, short
from analytics.methods.aligning import Rolled
from analytics.methods.analysis import Analysis, analyse
from analytics.methods.grouping import By, group
from analytics.methods.load import Load, LoadError
from analytics.methods.statistics import typical_day
from analytics.period import CHOICES, OFFERED, read_period
from analytics.resolutions import energy_by, lacking, local_pieces, quantity_of
from meters.grid import Cadence, Grid, Resolution
from meters.obis import ObisCode
from meters.series import Buckets, Series, Statistic
from meters.wording import THIN
from tests.analytics.loads import ZURICH, load, series, with_gaps
from tests.analytics.speaking import assert_same, both
from tests.tenants.test_german import strings

OCTOBER = int(datetime(2024, 10, 25, 22, tzinfo=UTC).timestamp())  # clocks go back on the 27th
MARCH = int(datetime(2024, 3, 29, 23, tzinfo=UTC).timestamp())  # and forward on the 31st
DATES = re.compile(r"\d{4}-\d\d-\d\d(T.*Z)?")


def in_german(say: Callable[[], Any]) -> Any:
    with translation.override("de"):
        return say()


def words(figure: dict[str, Any]) -> list[str]:
    """Return the texts of a figure that somebody reads."""
    return [
        text
        for text in strings(figure)
        if re.search(r"[A-Za-z]", text) and not DATES.fullmatch(text)
    ]


def buckets(resolution: str, start: int = OCTOBER, days: int = 3) -> Buckets:
    """Quarter-hours, some missing and some estimated, rolled up."""
    n = days * 96
    kept = np.flatnonzero(np.arange(n) % 50 > 2)
    quality = np.where(kept % 7 == 0, 2, 1).astype(np.int16)
    of = Series(
        start + 900 * kept,
        np.full(len(kept), 900),
        np.ones(len(kept)),
        quality,
        Cadence.steady(900),
    )
    grid = Grid(start, start + 900 * n, Resolution.parse(resolution), ZURICH)
    return of.resample(grid, Statistic.SUM, now=start + 900 * n)


def curve(of: Buckets) -> curves.Curve:
    return curves.Curve("A", "import", "kW", of, curves.mean_power(of))


@pytest.fixture(scope="module")
def analysed() -> Analysis:
    t = np.arange(60 * 96)
    power = 1 + np.sin(2 * np.pi * t / 96) * np.where(t // 96 % 7 >= 5, 0.3, 1)
    return analyse(load(with_gaps(power + np.random.default_rng(1).gamma(2, 0.2, len(t)), 0.05)))


DRAWN: dict[str, Callable[[Analysis], Any]] = {
    "groups of power": lambda told: groups.grouped(told.groups[By.WEEKDAY], "import", energy=False),
    "groups of energy": lambda told: groups.grouped(told.groups[By.MONTH], "import", energy=True),
    "many groups": lambda told: groups.grouped(told.groups[By.TIME], "import", energy=False),
    "duration": lambda told: groups.duration(told.duration, "import"),
    "histogram": lambda told: groups.histogram(told.histogram, "import"),
    "pattern": lambda told: groups.weekly_pattern(told.pattern, "import"),
    "completeness": lambda told: groups.completeness(told.quality, "import"),
    "correlogram": lambda told: habits.correlogram(told.correlation, "import"),
    "partial": lambda told: habits.partial_correlogram(told, "import"),
    "periodogram": lambda told: habits.periodogram(told.spectrum, "import"),
    "heat": lambda told: maps.heat(told.heat),
    "calendar": lambda told: maps.calendar(told.calendar),
    "typical day": lambda told: curves.typical_day_curve(typical_day(told.load), "import"),
    "load curve": lambda _: curves.load_curve([curve(buckets("PT1H"))], ZURICH, "PT1H"),
    "spring": lambda _: curves.load_curve([curve(buckets("PT1H", MARCH))], ZURICH, "PT1H"),
    "days": lambda _: curves.energy_bars([curve(buckets("P1D"))], ZURICH),
    "weeks": lambda _: curves.energy_bars([curve(buckets("P1W"))], ZURICH, "P1W"),
    "months": lambda _: curves.energy_bars([curve(buckets("P1M"))], ZURICH, "P1M"),
}


@pytest.mark.parametrize("name", DRAWN)
def test_every_figure_says_the_same_in_german(name: str, analysed: Analysis) -> None:
    drawn = both(lambda: DRAWN[name](analysed))
    spoken = type(drawn)(words(drawn.english), words(drawn.german))
    assert_same(spoken)


def test_hovers_write_dates_as_german_does() -> None:
    formats = [
        in_german(lambda: curves.energy_bars([], ZURICH, one))["layout"]["xaxis"]["hoverformat"]  # noqa: B023
        for one in ("P1D", "P1W", "P1M")
    ]
    assert formats == ["%a %-d. %b %Y", "Woche vom %-d. %b %Y", "%B %Y"]


def test_maps_write_dates_as_german_does(analysed: Analysis) -> None:
    [cells] = in_german(lambda: maps.heat(analysed.heat))["data"]
    assert cells["hovertemplate"].startswith("%{x|%a %-d. %b %Y}, %{y}<br>")
    [weeks] = in_german(lambda: maps.calendar(analysed.calendar))["data"]
    assert list(weeks["y"]) == ["Mo", "Di", "Mi", "Do", "Fr", "Sa", "So"]
    assert weeks["customdata"][0][0].startswith("Mo. 1. Jan. 2024")
    assert maps.calendar(analysed.calendar)["data"][0]["y"][:2] == ["Mon", "Tue"]


def test_the_mean_alone_has_a_hover_among_many_groups(analysed: Analysis) -> None:
    """It is found by its name, which depends on the language."""
    drawn = in_german(lambda: DRAWN["many groups"](analysed))
    told = {trace["name"]: trace.get("hovertemplate") for trace in drawn["data"]}
    assert [name for name, hover in told.items() if hover] == ["Mittelwert"]
    assert told["Mittelwert"].startswith("Mittelwert %{y:.3~f} kW<br>")


def test_clock_changes_gaps_and_estimates_are_told() -> None:
    autumn = in_german(lambda: DRAWN["load curve"](None))  # type: ignore[arg-type]
    spring = in_german(lambda: DRAWN["spring"](None))  # type: ignore[arg-type]
    assert [note["text"] for note in autumn["layout"]["annotations"]] == ["Uhr 1 h zurück"]
    assert [note["text"] for note in spring["layout"]["annotations"]] == ["Uhr 1 h vor"]
    assert {trace["name"] for trace in autumn["data"]} == {"A", "A, geschätzt"}
    bars = in_german(lambda: DRAWN["days"](None))  # type: ignore[arg-type]
    assert re.fullmatch(
        r" · \d+ von 96 Intervallen · \d+ geschätzt", bars["data"][0]["customdata"][0]
    )


def test_what_is_compared_is_told_with_its_own_days() -> None:
    of = buckets("P1D")
    days = np.array(["2024-03-01", "2024-03-04", "NaT"], dtype="datetime64[D]")
    last = np.array(["2024-03-03", "2024-03-04", "NaT"], dtype="datetime64[D]")
    line = compared.Line("B", "kW", "kWh", of, of.edges[:-1], of.values, "P1D", is_elsewhen=True)
    bars = compared.Bars("B", "kWh", Rolled(of, days, last), is_elsewhen=True)

    def drawn() -> list[str]:
        figure = curves.energy_bars([curve(of)], ZURICH)
        return words(compared.add_bars(compared.add_lines(figure, [line], ZURICH), [bars]))

    assert_same(both(drawn))
    assert in_german(lambda: compared.days_in_words(days, last)) == [
        "1. März 2024 bis 3. März 2024",
        "Mo. 4. März 2024",
        "",
    ]
    assert in_german(lambda: compared.moments(np.array([OCTOBER]), ZURICH)) == [
        "Sa. 26. Okt. 2024, 00:00 +02:00"
    ]


def test_numbers_are_short_and_written_as_the_language_does() -> None:
    numbers = (0.0, 0.5, 0.12345, 12.3456, 123.456, 1234.5, 0.000123456, -2.5, 999.6)
    said = both(lambda: [short(one) for one in numbers])
    assert said.english == [
        "0", "0.5", "0.123", "12.3", "123", f"1{THIN}230", "0.000123", "−2.5", f"1{THIN}000"
    ]  # fmt: skip
    assert_same(said)
    lags = both(lambda: [lag(one) for one in (900, 5400, 86_400, 7 * 86_400, 216_000)])
    assert lags.english == ["15 min", "1.5 h", "24 h", "7 d", "2.5 d"]
    assert lags.german == ["15 min", "1,5 h", "24 h", "7 d", "2,5 d"]


def period(**parameters: str) -> Any:
    now = int(datetime(2024, 11, 5, 9, 30, tzinfo=UTC).timestamp())
    return read_period(parameters, zone=ZURICH, now=now, first=None, last_end=now)


@pytest.mark.parametrize(
    ("start", "end", "said"),
    [
        ("2024-10-27", "2024-10-28", "27. Oktober 2024"),
        ("2024-03-01", "2024-03-06", "1. bis 5. März 2024"),
        ("2024-02-28", "2024-03-06", "28. Februar bis 5. März 2024"),
        ("2023-12-30", "2024-01-02", "30. Dezember 2023 bis 1. Januar 2024"),
    ],
)
def test_ranges_are_told(start: str, end: str, said: str) -> None:
    assert in_german(lambda: period(start=start, end=end).words) == said
    assert_same(both(lambda: period(start=start, end=end).words))


def test_presets_and_resolutions_are_told() -> None:
    found = period(range="week")
    spoken = both(
        lambda: [
            *(one["label"] for one in found.presets),
            *(one["label"] for one in found.resolutions),
        ]
    )
    assert_same(spoken)
    assert {"Gestern", "7 Tage", "Monat", "Alles", "Tag", "Automatisch (15 Minuten)"} <= set(
        spoken.german
    )
    assert len(spoken.german) == len(OFFERED) + len(CHOICES)


@pytest.mark.parametrize(
    "parameters",
    [
        {"start": "2024-10-28"},
        {"start": "2024-10-28", "end": "2024-10-28"},
        {"start": "1991-01-01", "end": "2034-01-01"},
        {"resolution": "PT5M"},
        {"start": "2004-01-01", "end": "2024-01-01", "resolution": "PT15M"},
    ],
)
def test_what_cant_be_shown_is_said(parameters: dict[str, str]) -> None:
    spoken = both(lambda: list(period(**parameters).warnings))
    assert_same(spoken)


@pytest.mark.parametrize(
    "resolution",
    ["PT5M", "PT10M", "PT15M", "PT30M", "PT1H", "PT2H", "P1D", "P1W", "P1M", "P1Y"],
)
def test_charts_are_named_by_their_resolution(resolution: str) -> None:
    assert_same(
        both(
            lambda: [
                quantity_of("kW", resolution),
                energy_by(resolution),
                local_pieces(resolution),
                lacking(1, 20, resolution),
                lacking(2000, 20_000, resolution),
            ]
        )
    )


def test_old_readings_are_told_from_yesterdays() -> None:
    old = int(datetime(2023, 3, 1, tzinfo=UTC).timestamp())

    def said() -> list[Any]:
        found = read_period(
            {"range": "yesterday"}, zone=ZURICH, now=old + 900_000, first=None, last_end=old
        )
        return [*found.warnings, *(one["label"] for one in found.presets)]

    assert_same(both(said))
    warning = "Von gestern gibt es keine Messwerte; die letzten sind vom 1. März 2023."
    assert in_german(said)[0] == warning
    today = in_german(lambda: period(range="day"))
    assert in_german(lambda: today.presets[0]["label"]) == "Letzter Tag"


def test_a_chart_is_named_as_german_does() -> None:
    assert in_german(lambda: quantity_of("Mittlere Leistung", "PT15M")) == (
        "Mittlere Leistung je 15 Minuten"
    )
    assert in_german(lambda: energy_by("P1D")) == "Energie je Tag"
    assert in_german(lambda: lacking(1, 28, "P1D")) == "Für 1 von 28 Tagen fehlen Messwerte."


def test_what_has_no_load_is_refused_in_german() -> None:
    volts = ObisCode.parse("1-0:32.7.0*255")

    def refused(make: Callable[[], object]) -> str:
        with pytest.raises((LoadError, ValueError)) as caught:
            make()
        return str(caught.value)

    of = load(np.ones(96))
    said = in_german(lambda: refused(lambda: Load.of(series(np.ones(9)), ZURICH, volts)))
    assert said.startswith("Das Register 1-0:32.7.0*255 (")
    assert "hat keinen Lastgang" in said
    assert_same(both(lambda: refused(lambda: group(of, Resolution.parse("PT5M")))))
    far = {"start": 0, "end": 8_000_000 * 900}
    assert_same(both(lambda: refused(lambda: Load.of_energy(series(np.ones(9)), ZURICH, **far))))
