"""How the analysis is described in the OpenAPI document."""

from typing import Any

from rest_framework import serializers

from analytics.api.answers import CLOCK_CHANGES
from analytics.hypothesis import Kind
from analytics.methods.anomalies import Kind as Odd
from analytics.methods.correlation import Verdict
from meters.api.words import direction_field

ODD = [str(one) for one in Odd]
VERDICTS = [str(one) for one in Verdict]
KINDS = [str(one) for one in Kind]

Rows = serializers.Serializer[dict[str, object]]


def _number(words: str = "", *, nullable: bool = True) -> serializers.FloatField:
    return serializers.FloatField(allow_null=nullable, help_text=words)


def _numbers(words: str) -> serializers.ListField:
    return serializers.ListField(child=serializers.FloatField(allow_null=True), help_text=words)


def _matrix(words: str) -> serializers.ListField:
    row = serializers.ListField(child=serializers.FloatField(allow_null=True))
    return serializers.ListField(child=row, help_text=words)


def _counts(words: str) -> serializers.ListField:
    return serializers.ListField(child=serializers.IntegerField(), help_text=words)


def _texts(words: str, **more: Any) -> serializers.ListField:
    return serializers.ListField(child=serializers.CharField(), help_text=words, **more)


class PeakSerializer(Rows):
    power = _number("[kW]", nullable=False)
    start = serializers.DateTimeField(help_text="Where its interval begins.")


class AnnualSerializer(Rows):
    energy = _number("Of 365 days [kWh].", nullable=False)
    low = _number("95 % sure: at least [kWh].")
    high = _number("95 % sure: at most [kWh].")
    is_measured = serializers.BooleanField(help_text="Whether it rests on a full year.")
    weeks = serializers.IntegerField(help_text="How many whole weeks the bounds rest on.")
    unseen = _texts("Seasons of which less than a week is known.")


class KeyFiguresSerializer(Rows):
    energy = _number("Of what is known [kWh].")
    mean_power = _number("[kW]")
    base_load = _number("Median over the days of each day's 5 % quantile [kW].")
    peak = PeakSerializer(allow_null=True)
    load_factor = _number("Mean power over peak power.")
    full_load_hours = _number("For how long the peak would give the same energy [h].")
    night_share = _number("Share of the energy between 22:00 and 06:00.")
    night_time = _number("Share of the known time that is night.")
    weekday_ratio = _number("Mean power of Monday to Friday over that of the weekend.")
    zero_share = _number("Share of the intervals that are exactly 0.")
    annual = AnnualSerializer(allow_null=True)


class BandsSerializer(Rows):
    mean = _numbers("One for each label.")
    median = _numbers("One for each label.")
    low = _numbers("10 % quantile.")
    high = _numbers("90 % quantile.")
    count = _counts("How many values there are.")


class GroupingSerializer(Rows):
    by = serializers.CharField(help_text="As asked for in `group`.")
    labels = _texts("One for each group.")
    power = BandsSerializer(help_text="Of intervals' mean power [kW].")
    energy = BandsSerializer(help_text="Of the energy of each time that the group occurred [kWh].")


class ClockChangeSerializer(Rows):
    day = serializers.DateField()
    time = serializers.CharField()
    change = serializers.ChoiceField(
        choices=list(CLOCK_CHANGES.values()),
        help_text="doubled: the clock showed it twice, and the mean stands there; skipped: never.",
    )


class HeatSerializer(Rows):
    days = serializers.ListField(child=serializers.DateField(), help_text="Local dates, the rows.")
    times = _texts("Local times of day, the columns.")
    power = _matrix("Mean power [kW], null where nothing is known.")
    clock_changes = ClockChangeSerializer(many=True)


class CalendarSerializer(Rows):
    mondays = serializers.ListField(
        child=serializers.DateField(), help_text="With which the weeks begin, the rows."
    )
    energy = _matrix("Of each day, Monday first [kWh]; null where nothing is known.")
    completeness = _matrix("The share of each day that is known.")


class DurationSerializer(Rows):
    share = _numbers("After which share of the known time each point stands, rising.")
    power = _numbers("[kW], falling.")


class HistogramSerializer(Rows):
    edges = _numbers("Of the bins [kW], one more than there are bins.")
    counts = _counts("How many intervals fall into each.")
    zeros = serializers.IntegerField(
        help_text="Intervals of exactly 0, told apart where they are over a tenth; else 0."
    )


class LjungBoxSerializer(Rows):
    lags = serializers.IntegerField(help_text="How many lags are tested together.")
    statistic = _number(nullable=False)
    p_value = _number(nullable=False)


class HabitSerializer(Rows):
    period = serializers.IntegerField(help_text="[s]")
    value = _number("Autocorrelation at that lag.")
    band = _number("Half the width of its 95 % band.")
    pairs = serializers.IntegerField()
    verdict = serializers.ChoiceField(choices=VERDICTS)


class CorrelationSerializer(Rows):
    interval = serializers.IntegerField(help_text="Length of a lag [s].")
    lags = _counts("0, 1, 2, …")
    values = _numbers("Autocorrelation at each lag.")
    band = _numbers("Half the width of Bartlett's 95 % band at each lag.")
    pairs = _counts("From how many pairs each was told.")
    white_noise_band = _number("Half the width of white noise's, too narrow for loads.")
    partial = _numbers(  # type: ignore[assignment]
        "Partial autocorrelation at the first lags, from 0 on."
    )
    ljung_box = LjungBoxSerializer(allow_null=True)
    daily = HabitSerializer()
    weekly = HabitSerializer(help_text="Of what the daily pattern leaves.")


class DominantPeriodSerializer(Rows):
    length = _number("[s]", nullable=False)
    share = _number("Of the variance that a sinusoid of it explains.", nullable=False)
    p_value = _number("How probable red noise shows as much.", nullable=False)


class SpectrumSerializer(Rows):
    periods = DominantPeriodSerializer(
        many=True, help_text="Those that stand out, strongest first."
    )
    lengths = _numbers("Periods [s], falling.")
    shares = _numbers("The most that a period around each explains of the variance.")
    limits = _numbers("Above which a peak is no chance.")


class ShareSerializer(Rows):
    explained = _number("Of the variance, of these readings.", nullable=False)
    held_out = _number("The same told from the other readings alone.", nullable=False)


class SharesSerializer(Rows):
    time_of_day = ShareSerializer(allow_null=True)
    weekday = ShareSerializer(allow_null=True)
    remainder = ShareSerializer(allow_null=True)


class PatternSerializer(Rows):
    times = _texts("Local times of day.")
    mean = _number("[kW]")
    daily = _numbers("Mean power by time of day [kW].")
    weekly = _matrix("What each weekday, Monday first, adds to it [kW]; null below two weeks.")
    shares = SharesSerializer()


class AnomalySerializer(Rows):
    kind = serializers.ChoiceField(choices=ODD)
    start = serializers.DateTimeField()
    end = serializers.DateTimeField()
    power = _number("What stands out [kW].")
    usual = _number("What is usual there, or the limit that is broken [kW].")
    reason = serializers.CharField()


class MonthSerializer(Rows):
    month = serializers.CharField(help_text="Such as 2023-02.")
    expected = serializers.IntegerField(help_text="Intervals.")
    known = serializers.IntegerField()
    estimated = serializers.IntegerField()
    completeness = _number(nullable=False)


class HoleSerializer(Rows):
    start = serializers.DateTimeField()
    end = serializers.DateTimeField()
    missing = serializers.IntegerField(help_text="Intervals.")


class DataQualitySerializer(Rows):
    expected = serializers.IntegerField(
        help_text="Intervals from the first reading of the range to its last."
    )
    known = serializers.IntegerField()
    estimated = serializers.IntegerField(help_text="Of those known, that nobody vouches for.")
    corrected = serializers.IntegerField(
        help_text="Of those known, that were replaced after they had first come."
    )
    completeness = _number()
    months = MonthSerializer(many=True)
    holes = HoleSerializer(many=True, help_text="Longest first.")


class EvidenceSerializer(Rows):
    rule = serializers.CharField()
    sentence = serializers.CharField()
    weight = _number(
        "How much likelier it is with this kind than with the average of all [nat].",
        nullable=False,
    )
    source = serializers.CharField(help_text="Of the measure.")  # type: ignore[assignment]


class StatementSerializer(Rows):
    kind = serializers.ChoiceField(choices=KINDS)
    title = serializers.CharField()
    confidence = _number("0 to 1; those of all statements add up to 1.", nullable=False)
    evidence_for = EvidenceSerializer(many=True, help_text="The weightiest first.")
    evidence_against = EvidenceSerializer(many=True)
    would_settle = _texts("What data would confirm or refute it.")


class StepSerializer(Rows):
    register = serializers.CharField()
    step = _number("Of which all values are multiples [kWh].", nullable=False)


class LongitudeSerializer(Rows):
    centre = _number("Mean time of day of the energy [h UTC].")
    equation = _number("Mean equation of time [min].")
    degrees = _number("East positive [°].")
    by_chance = _number("Standard deviation from day to day [°].")
    placement = _number("For not knowing to which moment a value belongs [°].")
    error = _number("Both, and the roof's direction [°].")


class RemarksSerializer(Rows):
    steps = StepSerializer(many=True)
    interpolated = serializers.BooleanField(help_text="Values run straight between full hours.")
    longitude = LongitudeSerializer(allow_null=True)
    sentences = _texts("All of it in words.")


class HypothesisSerializer(Rows):
    days = _number("How much time is known.", nullable=False)
    statements = StatementSerializer(many=True, help_text="The most confident first.")
    remarks = RemarksSerializer()


class AnalysisSerializer(Rows):
    """The analysis of one register; parts that were not asked for are left out."""

    meter = serializers.UUIDField(help_text="MUID.")
    timezone = serializers.CharField(help_text="The meter's, on whose clock days are told.")
    start = serializers.DateTimeField()
    end = serializers.DateTimeField()
    register = serializers.CharField(allow_null=True, help_text="null where none can be analysed.")
    direction = direction_field(allow_null=True)
    interval = serializers.IntegerField(allow_null=True, help_text="Length of an interval [s].")
    figures = KeyFiguresSerializer(required=False)
    groups = GroupingSerializer(many=True, required=False)
    heat = HeatSerializer(required=False)
    calendar = CalendarSerializer(required=False)
    duration = DurationSerializer(required=False)
    histogram = HistogramSerializer(required=False)
    correlation = CorrelationSerializer(required=False)
    spectrum = SpectrumSerializer(required=False)
    pattern = PatternSerializer(required=False)
    anomalies = AnomalySerializer(many=True, required=False, help_text="Oldest first.")
    quality = DataQualitySerializer(required=False)
    sentences = serializers.DictField(
        child=serializers.CharField(), required=False, help_text="What each figure says, by name."
    )
    hypothesis = HypothesisSerializer(required=False)
    notes = _texts("What is to be known about it, in words.", required=False)
