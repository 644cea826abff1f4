"""An installation of its own: servers that may be killed, worker and scheduler as processes.

Run as a program it is the hand that works inside the installation, for the test's own Django is
connected elsewhere: one order a line, one answer a line, both JSON.
"""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from config.embedded import Embedded

ROOT = Path(__file__).resolve().parents[3]
WORKER = (
    "celery --quiet -A config.celery worker --loglevel WARNING --without-gossip --without-mingle"
)
SCHEDULER = "celery --quiet -A config.celery beat --loglevel WARNING"


@dataclass
class Installation:
    """Servers of its own, and the processes that a test starts and kills."""

    home: Path
    env: dict[str, str]
    hand: "subprocess.Popen[str]" = field(init=False)
    running: dict[str, "subprocess.Popen[bytes]"] = field(default_factory=dict)

    def start(self, name: str, command: str) -> None:
        """Start a process in a session of its own, so that it can be killed with its children."""
        log = (self.home / f"{name}.log").open("ab")
        with log:
            self.running[name] = subprocess.Popen(
                [sys.executable, "-m", *command.split()],
                cwd=ROOT,
                env=self.env,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    def kill(self, name: str) -> None:
        """Kill a process and its children with SIGKILL."""
        process = self.running.pop(name)
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()

    def kill_server(self, name: str) -> None:
        """Kill PostgreSQL's or Redis' main process with SIGKILL; its keeper starts it again."""
        state = json.loads((self.home / "servers" / name / "state.json").read_text())
        os.kill(state["pid"], signal.SIGKILL)

    def work_inside(self) -> None:
        self.hand = subprocess.Popen(
            [sys.executable, "-m", __name__],
            cwd=ROOT,
            env=self.env,
            text=True,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )

    def do(self, order: str, **options: Any) -> Any:
        """Have something done inside the installation; again where the database is just gone."""
        assert self.hand.stdin
        assert self.hand.stdout
        deadline = time.monotonic() + 60
        while True:
            self.hand.stdin.write(json.dumps([order, options]) + "\n")
            self.hand.stdin.flush()
            line = self.hand.stdout.readline()
            assert line, "the hand inside the installation has died"
            answer, error = json.loads(line)
            if not error:
                return answer
            assert time.monotonic() < deadline, error
            time.sleep(0.2)

    def log(self) -> str:
        return "".join(path.read_text()[-4000:] for path in self.home.glob("*.log"))


@contextmanager
def installation(home: Path, **more: str) -> Iterator[Installation]:
    """Set an installation up, with its public schema and no tenant."""
    servers = Embedded(home / "servers", durable=False)
    with ExitStack() as stack:
        stack.callback(servers.delete)
        lease = servers.lease()
        stack.callback(lease.close)
        env = os.environ | lease.variables() | {"LOG_LEVEL": "WARNING", "CACHE_URL": ""} | more
        made = Installation(home, env)
        subprocess.run(
            [sys.executable, "manage.py", "migrate_schemas", "--shared", "--verbosity", "0"],
            cwd=ROOT,
            env=env,
            check=True,
        )
        made.work_inside()
        try:
            yield made
        finally:
            for name in list(made.running):
                made.kill(name)
            made.hand.kill()
            made.hand.communicate()


# --- Inside the installation --------------------------------------------------------------------


def main() -> None:
    import django
    from django.db import Error, connection

    django.setup()
    for line in sys.stdin:
        order, options = json.loads(line)
        try:
            answer = [ORDERS[order](**options), ""]
        except Error as error:
            answer = [None, str(error)]
        finally:
            connection.close()
        print(json.dumps(answer), flush=True)  # noqa: T201


def make_tenant(slug: str) -> str:
    from tenants.onboarding import create_tenant

    return str(create_tenant(slug=slug).tenant.schema_name)


def _inside(work: Callable[..., Any]) -> Callable[..., Any]:
    def wrapped(schema: str, **options: Any) -> Any:
        from tenants.models import Tenant

        with Tenant.objects.get(schema_name=schema).entered():
            return work(**options)

    return wrapped


def make_source(address: str, muids: list[str], due: bool = True, **options: Any) -> int:
    """Make a source with its meters; its first sweep is due, or far in the future."""
    from datetime import timedelta

    from django.db import transaction
    from django.utils import timezone

    from ingestion.models import Feed, Source
    from meters.models import Meter

    with transaction.atomic():
        source = Source.objects.create(
            name=f"Source {Source.objects.count() + 1}",
            address=address,
            sweep_minutes=100_000,
            next_sweep_at=timezone.now() + timedelta(days=0 if due else 1000),
            **options,
        )
        meters = Meter.objects.bulk_create([Meter(muid=muid, name=muid) for muid in muids])
        Feed.objects.bulk_create([Feed(meter=meter, source=source) for meter in meters])
    return int(source.pk)


def runs() -> list[list[Any]]:
    """Return each run's key, state, worker, and how many workers have had it."""
    from ingestion.models import Run

    told = Run.objects.order_by("pk").values_list("pk", "state", "worker", "attempts", "error")
    return [list(one) for one in told]


def counts() -> dict[str, Any]:
    """Tell what is stored and what the record says of it, in one snapshot."""
    from django.db import connection, transaction
    from django.db.models import Sum

    from ingestion.models import Outcome, ReadingRevision, Run
    from meters.models import DailyProfile
    from tests.ingestion.plant import check_rows

    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        rows = check_rows()
        totals = DailyProfile.objects.values("register").annotate(n=Sum("count"), t=Sum("total"))
        return {
            "rows": rows,
            "meters": sorted((one["n"], round(one["t"], 6)) for one in totals),
            "runs": Run.objects.aggregate(n=Sum("new"))["n"] or 0,
            "outcomes": Outcome.objects.aggregate(n=Sum("new"))["n"] or 0,
            "corrected": Run.objects.aggregate(n=Sum("corrected"))["n"] or 0,
            "revisions": ReadingRevision.objects.count(),
        }


def forget_leases() -> int:
    """Let the leases of dead workers run out now, where a test can't wait for it."""
    from datetime import timedelta

    from django.utils import timezone

    from ingestion.models import Run

    gone = timezone.now() - timedelta(seconds=1)
    return Run.objects.filter(state=Run.State.RUNNING).update(lease_until=gone)


def end_all() -> None:
    """Leave nothing to do in any tenant."""
    from ingestion.models import Run
    from tenants.models import Tenant

    for tenant in Tenant.objects.all():
        with tenant.entered():
            Run.objects.filter(state__in=Run.OPEN).update(state=Run.State.CANCELLED)


ORDERS: dict[str, Callable[..., Any]] = {
    "make_tenant": make_tenant,
    "end_all": end_all,
    **{one.__name__: _inside(one) for one in (make_source, runs, counts, forget_leases)},
}

if __name__ == "__main__":
    main()
