"""The installation's figures in the form of Prometheus, asked for no more often than is of use."""

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from threading import Lock
from time import monotonic

from django.utils import timezone
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from monitoring.looking import Look, Observer, Seen
from monitoring.questions import ENDED, SUMS, Figures

# Several servers may scrape, or somebody reload a browser; the database is asked so often [s].
EVERY = 15.0


class InstallationCollector(Collector):
    """Looks at the installation when it is scraped.

    Parameters
    ----------
    look
        Takes a look at a moment.
    every
        How long a look is shown before another is taken [s].
    """

    def __init__(
        self, look: Callable[[datetime], Look] | None = None, *, every: float = EVERY
    ) -> None:
        self._every, self._take, self._lock = every, look or Observer().look, Lock()
        self._look, self._until = Look(0, None, None), 0.0

    def describe(self) -> list[Metric]:
        """Name nothing beforehand: otherwise the registry would look as soon as it is made."""
        return []

    def collect(self) -> Iterator[Metric]:
        with self._lock:
            if monotonic() >= self._until:
                self._look = self._take(timezone.now())
                self._until = monotonic() + self._every
            look = self._look
        yield from told(look)


def told(look: Look) -> Iterator[Metric]:
    """Put a look into metrics. What could not be asked is left out, and said to be."""
    ok = GaugeMetricFamily(
        "lastgang_look_ok", "Whether it could be asked at the last look.", labels=("of",)
    )
    ok.add_metric(("database",), look.tenants is not None)
    ok.add_metric(("queue",), look.messages is not None)
    yield ok
    yield GaugeMetricFamily(
        "lastgang_look_seconds", "Time that the last look took.", value=look.seconds
    )
    if look.messages is not None:
        yield GaugeMetricFamily(
            "lastgang_queue_messages", "Messages no worker has taken.", value=look.messages
        )
    if look.tenants is not None:
        yield from _states(look.tenants)
        asked = {name: seen for name, seen in look.tenants.items() if seen.figures}
        yield from _present({name: seen.figures for name, seen in asked.items() if seen.figures})
        yield from _counters({name: seen.totals for name, seen in asked.items()})


def _states(tenants: dict[str, Seen]) -> Iterator[Metric]:
    ok = GaugeMetricFamily(
        "lastgang_tenant_look_ok", "Whether the tenant could be asked.", labels=("tenant",)
    )
    suspended = GaugeMetricFamily(
        "lastgang_tenant_suspended", "Whether the tenant is suspended.", labels=("tenant",)
    )
    for name, seen in tenants.items():
        suspended.add_metric((name,), seen.is_suspended)
        if not seen.is_suspended:
            ok.add_metric((name,), seen.figures is not None)
    yield from (suspended, ok)


def _present(tenants: dict[str, Figures]) -> Iterator[Metric]:
    """How things stand."""
    yield _gauge(
        "lastgang_ingestion_lag_oldest_seconds",
        "Age of the last success of the meter that is furthest behind.",
        {name: one.oldest for name, one in tenants.items()},
    )
    yield _gauge(
        "lastgang_ingestion_lag_median_seconds",
        "Median age of the meters' last success.",
        {name: one.median for name, one in tenants.items()},
    )
    yield _by_state(
        "lastgang_feeds",
        "Meters, by how their source answers for them.",
        ("paused", "given_up", "failing", "unread", "well"),
        {name: one.feeds for name, one in tenants.items()},
    )
    yield _by_state(
        "lastgang_sources",
        "Sources; a resting one is left alone for a while after failures.",
        ("paused", "resting", "failing", "well"),
        {name: one.sources for name, one in tenants.items()},
    )
    yield _by_state(
        "lastgang_runs",
        "Runs that are not over.",
        ("waiting", "running", "paused"),
        {name: one.runs for name, one in tenants.items()},
    )
    yield _gauge(
        "lastgang_run_waiting_oldest_seconds",
        "For how long the run has been waiting that waits longest.",
        {name: one.waited or 0.0 for name, one in tenants.items()},
    )
    yield _gauge(
        "lastgang_gaps_open",
        "Gaps between readings that are still asked for.",
        {name: one.gaps for name, one in tenants.items()},
    )
    yield _by_state(
        "lastgang_letters",
        "Mails that are due, and those given up within a day.",
        ("due", "given_up"),
        {name: one.letters for name, one in tenants.items()},
    )
    yield _gauge(
        "lastgang_watch_age_seconds",
        "Time since the schedule last had the tenant looked at.",
        {name: one.watched for name, one in tenants.items()},
    )


def _counters(tenants: dict[str, list[int]]) -> Iterator[Metric]:
    """What has been done since the exporter's start."""
    by_name = {name: dict(zip(SUMS, sums, strict=False)) for name, sums in tenants.items()}
    readings = CounterMetricFamily(
        "lastgang_readings", "Readings taken in, by outcome.", labels=("tenant", "outcome")
    )
    for name, sums in by_name.items():
        for outcome in ("new", "corrected", "unchanged", "rejected"):
            readings.add_metric((name, outcome), sums[outcome])
    yield readings
    for key, metric, words in (
        ("requests", "lastgang_upstream_requests", "Requests to upstreams."),
        ("retries", "lastgang_upstream_retries", "Requests to upstreams that had to be repeated."),
        ("bytes", "lastgang_upstream_bytes", "What upstreams answered [bytes]."),
        ("meters", "lastgang_meter_reads", "Times that a meter was asked for."),
        ("failed", "lastgang_meter_failures", "Times that a meter could not be read."),
    ):
        counter = CounterMetricFamily(metric, words, labels=("tenant",))
        for name, sums in by_name.items():
            counter.add_metric((name,), sums[key])
        yield counter
    ended = CounterMetricFamily(
        "lastgang_runs_ended", "Runs that are over, by how they ended.", labels=("tenant", "state")
    )
    for name, totals in tenants.items():
        for state, value in zip(ENDED, totals[len(SUMS) :], strict=True):
            ended.add_metric((name, state.value), value)
    yield ended


def _gauge(metric: str, words: str, values: dict[str, float | None]) -> Metric:
    gauge = GaugeMetricFamily(metric, words, labels=("tenant",))
    for name, value in values.items():
        if value is not None:
            gauge.add_metric((name,), value)
    return gauge


def _by_state(
    metric: str, words: str, states: Sequence[str], values: dict[str, tuple[int, ...]]
) -> Metric:
    gauge = GaugeMetricFamily(metric, words, labels=("tenant", "state"))
    for name, counts in values.items():
        for state, count in zip(states, counts, strict=True):
            gauge.add_metric((name, state), count)
    return gauge
