"""What the figures say in words: of the recordings word for word, of the rest what matters."""

from pathlib import Path

import numpy as np
import pytest

from analytics.methods.analysis import analyse
from analytics.methods.load import Load
from analytics.sentences.loads import sentences
from analytics.sentences.words import NOTHING
from meters.wording import THIN, lasting, percent, power
from tests.analytics.loads import at, load, with_gaps
from tests.analytics.recorded import recorded_export, recorded_import


def said(of: Load, **known: float) -> dict[str, str]:
    """Return the sentences with plain spaces."""
    found = sentences(analyse(of, **known))
    return {name: text.replace(THIN, " ") for name, text in found.items()}


def test_of_the_recorded_import_in_words(recordings: Path) -> None:
    words = said(recorded_import(recordings))
    assert words["daily-habit"] == (
        "No daily habit is proved: the correlation with the day before is −0.075, negative and "
        "barely outside what chance gives (±0.062)."
    )
    assert words["echo"] == (
        "Within the day it resembles itself most after 9 h 45 min (rank correlation 0.322, chance "
        "gives ±0.076)."
    )
    # Of five weeks the range cuts two.
    assert words["weeks"] == (
        "Highest is 2023-W06 with 151 W on average, lowest 2023-W07 with 129 W."
    )
    assert words["spectrum"] == (
        "No period stands out from what a load with a memory shows by chance."
    )
    assert words["base-load"].startswith("The base load is 46 W: on a usual day the power is")
    assert words["peak"] == "The peak was 3.84 kW, on 20 Feb 2023, 16:00."
    assert words["annual"].startswith("A year of such weeks would come to 1 272 kWh (95 % sure: ")
    assert words["annual"].endswith("Mar–May, Jun–Aug and Sep–Nov were not seen and may differ.")
    assert words["anomalies"] == "Nothing odd was found."
    assert words["quality"] == "All 2 688 intervals are there."


def test_of_the_recorded_export_in_words(recordings: Path) -> None:
    words = said(recorded_export(recordings), corrections=2)
    assert words["daily-habit"] == (
        "The load repeats daily: its correlation with the day before is 0.422, and chance gives no "
        "more than ±0.181."
    )
    assert words["echo"] == "No rhythm within the day is proved."
    assert words["weekly-habit"].startswith("No weekly habit is proved: the correlation with the")
    assert words["histogram"].startswith("The power is exactly 0 in 62.5 % of the intervals; of")
    assert words["base-load"] == "There is no base load: on a usual day the power falls to 0."
    assert words["duration"].startswith("Half of the time or longer there is no power, and for 5 %")
    assert words["night"] == (
        "Between 22:00 and 06:00 falls 0 % of the energy, in 33 % of the time."
    )
    assert words["spectrum"].startswith(
        "Of how the load varies, a swing of 24 h (31 %) explains most; besides it 12 h (10 %)"
    )
    assert words["pattern"].startswith("Told from the other days, the time of day explains 39 %")
    assert words["quality"].endswith("2 readings were corrected after they had first come.")


def test_of_a_year_with_gaps_clock_changes_and_a_spike() -> None:
    t = np.arange(366 * 96)
    power_ = (2 + np.sin(2 * np.pi * t / 96)) * np.where(t // 96 % 7 >= 5, 0.3, 1)
    power_ += np.random.default_rng(1).gamma(2, 0.2, len(t))
    power_ = with_gaps(power_, 0.03)
    power_[5000] = 30
    words = said(load(power_))
    assert "On 27 Oct 2024 the clock showed 02:00 to 03:00 twice, and the map" in words["heat"]
    assert words["heat"].endswith("On 31 Mar 2024 the clock showed 02:00 to 03:00 not at all.")
    assert words["anomalies"].startswith("There is 1 spike. It began on 22 Feb 2024, 02:00: 30.0 k")
    assert words["weekly-habit"].startswith("The load repeats weekly: its correlation with the w")
    assert words["annual"].startswith("The last 365 days came to 17 ")
    assert words["quality"].startswith("1 120 of 35 136 intervals are missing (96.8 % complete). T")
    assert words["groups-weekday"].startswith("Highest is Wednesday with 57.70 kWh a day on aver")


def test_little_is_claimed_of_little() -> None:
    three_days = said(load(np.random.default_rng(2).gamma(2, 0.2, 3 * 96)))
    assert three_days["daily-habit"] == "A daily habit shows in four days of readings or more."
    assert three_days["weekly-habit"] == "A weekly habit shows in four weeks of readings or more."
    assert "less than two whole weeks can't say how sure that is" in three_days["annual"]
    assert three_days["anomalies"].startswith("Nothing impossible was found.")
    constant = said(load(np.full(30 * 96, 0.5)))
    assert constant["daily-habit"] == "The load does not vary, so no daily habit can show."
    assert constant["groups-hour"] == "All are alike: 500 W on average."
    nothing = said(load(np.full(96, np.nan)))
    told = {name for name, text in nothing.items() if any(c.isdigit() for c in text)}
    assert told <= {"quality", "annual"}
    assert nothing["peak"] == nothing["base-load"] == nothing["anomalies"] == NOTHING


@pytest.mark.parametrize("interval", [60, 900, 3600, 86_400])
def test_every_sentence_ends_and_holds_no_bare_python(interval: int) -> None:
    power_ = np.random.default_rng(3).gamma(2, 0.2, 900)
    for of in (power_, power_ * 1000, np.zeros(900), -power_):
        for text in said(load(of, interval=interval, start=at(2024, 10, 20, 22))).values():
            assert text.endswith(".")
            assert text[0].isupper() or text[0].isdigit()
            assert not {"nan", "None", "inf", "np.float64", "[", "{"} & set(text.split())


def test_figures_are_written_with_their_units() -> None:
    assert power(0.0474) == f"47{THIN}W"
    assert power(0.0) == f"0{THIN}W"
    assert power(0.0049) == f"4.9{THIN}W"
    assert power(0.99949) == f"999{THIN}W"
    assert power(0.9996) == f"1.00{THIN}kW"
    assert power(-1234.5) == f"−1{THIN}234{THIN}kW"
    assert power(None) == power(float("nan")) == "–"
    assert percent(0.625, 1) == f"62.5{THIN}%"
    seconds = (60, 2700, 11_700, 86_400, 216_000, 604_800)
    assert [lasting(s).replace(THIN, " ") for s in seconds] == [
        "1 min", "45 min", "3 h 15 min", "24 h", "2.5 days", "7 days"
    ]  # fmt: skip
