"""`python -m benchmarks servers`: why the web process is started as it is.

Each comparison starts the image's own command and another way beside it, asks both in turn over
eight connections (another number where it says so), as fast as answers come, and tells the median
turn: answers a second and what an answer costs. One process each, so that cores do not hide what
threads do. All of it takes seven minutes.
"""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from importlib.util import find_spec
from statistics import median
from typing import Any

from benchmarks.loading import bouncer
from benchmarks.loading.asking import QUESTIONS, Outcome, ask
from benchmarks.loading.site import ROOT, Running, Site, image_command, memory, site
from benchmarks.report import Report

TENANTS, METERS = 10, 3
TURNS, SECONDS = 3, 3.0
KINDS = list(QUESTIONS)
GUNICORN = (
    "python -m gunicorn --worker-class gthread --workers 1 --threads 4 --bind 127.0.0.1:$PORT "
    "--log-level warning --worker-tmp-dir /dev/shm config.wsgi:application"
)


def changed(**options: str) -> list[str]:
    """Return the image's command with other options, of which `_` is a `-`; APP names the app."""
    shell, flag, words = image_command()
    for name, value in options.items():
        option = f"--{name.replace('_', '-')}"
        if name == "app":
            words = words.replace("config.wsgi:application", value)
        elif option in words:
            before, _, after = words.partition(f"{option} ")
            words = f"{before}{option} {value} {after.partition(' ')[2]}"
        else:
            words = words.replace("config.wsgi", f"{option} {value} config.wsgi")
    return [shell, flag, words]


@dataclass
class Side:
    """One way to serve: how it is started, and what came of asking it."""

    command: list[str] = field(default_factory=image_command)
    env: dict[str, str] = field(default_factory=dict)
    asked: dict[str, Any] = field(default_factory=dict)
    found: list[Outcome] = field(default_factory=list)

    def middle(self, what: Callable[[Outcome], float]) -> float:
        return median(what(one) for one in self.found)


def cost(one: Outcome) -> float:
    """Processor time of web and PostgreSQL for a request [ms]."""
    return one.cost("web") + one.cost("PostgreSQL")


class Comparisons:
    def __init__(self, made: Site, report: Report) -> None:
        self.site, self.report = made, report

    def compare(self, title: str, ours: Side, other: Side, kinds: list[str] = KINDS) -> None:
        """Ask both ways in turn, and put into the report how much better ours is."""
        with self._served(ours, other) as webs:
            for turn in range(TURNS + 1):
                for side, web in zip((ours, other), webs, strict=True):
                    seconds = SECONDS if turn else SECONDS / 2
                    found = ask(self.site, [web], kinds, seconds=seconds, seed=turn, **side.asked)
                    if found.wrong:
                        raise RuntimeError(f"{title}: {found.wrong[:3]}")
                    # The first turn warms both up.
                    side.found += [found] if turn else []
            held = [memory(web.process.pid) for web in webs]
        rate = [side.middle(lambda one: one.rate) for side in (ours, other)]
        slow = [side.middle(lambda one: one.quantile(0.99)) for side in (ours, other)]
        spent = [side.middle(cost) for side in (ours, other)]
        self.report.rate(title, "answers/s", *rate)
        self.report.cost(f"{title}, p99", "ms", *slow)
        self.report.cost(f"{title}, an answer", "ms of processors", *spent)
        self.report.notes.append(f"{title}: {held[0]:.0f} MB beside {held[1]:.0f} MB")

    @contextmanager
    def _served(self, *sides: Side) -> Iterator[list[Running]]:
        with ExitStack() as stack:
            yield [stack.enter_context(self.site.web(one.command, **one.env)) for one in sides]


def largest_script() -> str:
    """Return the address of the largest script that pages ask for: Plotly's."""
    folder = ROOT / "staticfiles"
    path = max(folder.glob("vendor/*.min.*.js"), key=lambda one: one.stat().st_size)
    return f"/static/{path.relative_to(folder)}"


def main() -> None:
    report = Report()
    with site(tenants=TENANTS, meters=METERS) as made:
        compare = Comparisons(made, report).compare
        if find_spec("gunicorn"):
            gunicorn = ["sh", "-c", f"DATABASE_POOL_SIZE=8 exec {GUNICORN}"]
            compare("granian, beside gunicorn (gthread)", Side(), Side(gunicorn))
        for threads in ("1", "2", "8"):
            other = Side(changed(blocking_threads=threads))
            compare(f"4 threads, beside {threads}", Side(), other)
        if bouncer.found():
            with bouncer.pgbouncer(made.env["DATABASE_URL"]) as url:
                other = Side(env={"DATABASE_URL": url})
                compare("PostgreSQL itself, beside PgBouncer by session", Side(), other)
        compare("a pool of 8, beside 2", Side(), Side(env={"DATABASE_POOL_SIZE": "2"}))
        variant = changed(app="benchmarks.loading.variants:application")
        for name, title in (("thawed", "not frozen"), ("rarely", "a tenth of the collections")):
            other = Side(variant, {"VARIANT": name})
            compare(f"frozen after the start, beside {title}", Side(), other)
        with_zlib = Side(env={"DJANGO_SETTINGS_MODULE": "benchmarks.loading.zlib_settings"})
        compare("packed by ISA-L, beside zlib", Side(), with_zlib)
        year = ["API year"]
        zlib = Side(env=with_zlib.env)
        compare("a year packed by ISA-L, beside zlib", Side(), zlib, year)
        compare("a year packed, beside not packed", Side(), Side(asked={"encoding": ""}), year)
        many = {"connections": 64}
        few = Side(changed(backpressure="16"), asked=many)
        compare("64 connections, beside --backpressure 16", Side(asked=many), few, ["API month"])
        mounted = Side(changed(static_path_mount=str(ROOT / "staticfiles")))
        compare("scripts by whitenoise, beside granian", Side(), mounted, [largest_script()])
    report.show()
    report.save()
