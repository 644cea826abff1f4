"""A database role for each tenant: what it costs, and what it stops (docs/adr/0004).

Tried as it would be built: a role without login may work in its tenant's schema alone; the login is
a member of all, and becomes the tenant's where the search path is set, in the same round trip. The
baseline is the product as it is. Many roles are made and removed again, for they belong to the
whole server; so it wants the embedded one, or BENCH_SUPERUSER_URL, the address of a superuser.
Each figure is the fastest of its turns, for what is compared takes little time.
"""

import contextlib
import os
import secrets
import time
from collections.abc import Callable, Iterator
from typing import Any
from unittest import mock

import psycopg
from django.conf import settings
from django.db import connection
from django_tenants.utils import get_limit_set_calls
from psycopg import sql

from benchmarks.report import Report
from benchmarks.serving import Api, as_served
from benchmarks.storing import SLUG, ZONE, tenant
from meters.models import Meter
from tenants.models import Tenant
from tenants.onboarding import create_tenant
from tenants.postgresql.base import DatabaseWrapper
from tenants.schema import enter_public, in_public, public_schema

ROLE, LOGIN, OTHER = f"bench_{SLUG}", "bench_login", "bench-roles-other"
REQUESTS, TURNS, MANY = 20, 40, (1_000, 10_000)
TREASURE = "kormoran"
Work = Callable[[], object]
# The rights of a role on a schema, also on the tables that later migrations make.
RIGHTS = """
CREATE ROLE {role} NOLOGIN;
GRANT {role} TO {owner} WITH INHERIT FALSE, SET TRUE;
GRANT USAGE ON SCHEMA {schema} TO {role};
GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA {schema} TO {role};
GRANT USAGE, SELECT, UPDATE ON ALL SEQUENCES IN SCHEMA {schema} TO {role};
ALTER DEFAULT PRIVILEGES FOR ROLE {owner} IN SCHEMA {schema}
  GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO {role};
ALTER DEFAULT PRIVILEGES FOR ROLE {owner} IN SCHEMA {schema}
  GRANT USAGE, SELECT, UPDATE ON SEQUENCES TO {role};
"""
QUESTION = "SELECT name FROM {other}.meters_meter"
# What somebody sends who can put SQL of his own into ours.
ATTACKS = {
    "a name with another tenant's schema": QUESTION,
    "the same after RESET ROLE, as a second statement": f"SELECT 1; RESET ROLE; {QUESTION}",
    "within one SELECT, by set_config and a function that runs a query": (
        "SELECT set_config('role', 'none', true), (SELECT string_agg(word, ' ') FROM "
        "ts_stat('SELECT to_tsvector(''simple'', name) FROM {other}.meters_meter'))"
    ),
}


def run(report: Report) -> None:
    enter_public()
    with _superuser() as superuser, tenant():
        try:
            _requests(report, superuser)
            _attacks(report)
            _many(report, superuser)
        finally:
            connection.close()
            enter_public()
            _remove(superuser)


@contextlib.contextmanager
def _superuser() -> Iterator[psycopg.Connection[Any]]:
    if address := os.environ.get("BENCH_SUPERUSER_URL"):
        opened = psycopg.connect(address, autocommit=True)
    else:
        # Of the embedded server both have one password.
        opened = _connect("postgres", str(settings.DATABASES["default"]["PASSWORD"]))
    with opened:
        _remove(opened)
        yield opened


def _connect(user: str, password: str) -> psycopg.Connection[Any]:
    server = connection.settings_dict
    return psycopg.connect(
        host=server["HOST"],
        port=server["PORT"],
        dbname=server["NAME"],
        user=user,
        password=password,
        autocommit=True,
    )


def _give(superuser: psycopg.Connection[Any], role: str, schema: str) -> float:
    """Make a role with its rights; return what that takes [s]."""
    names = {"role": role, "schema": schema, "owner": str(connection.settings_dict["USER"])}
    statements = sql.SQL(RIGHTS).format(**{key: sql.Identifier(it) for key, it in names.items()})
    return _timed(lambda: superuser.execute(statements.as_string(superuser)))


def _enter(self: Any, cursor: Any = None) -> None:
    """Set search path and role: what the product's backend would do."""
    if self._setting_search_path or (get_limit_set_calls() and self.search_path_set_schemas):
        return
    paths = self._get_cursor_search_paths()
    role = "NONE" if self.schema_name == public_schema() else f'"bench_{self.schema_name}"'
    self._setting_search_path = True
    try:
        cursor.execute(f'SET search_path = "{paths[0]}"; SET ROLE {role}')
        self.search_path_set_schemas = paths
    finally:
        self._setting_search_path = False


def _with_roles() -> Any:
    return mock.patch.object(DatabaseWrapper, "_handle_search_path", _enter)


def _requests(report: Report, superuser: psycopg.Connection[Any]) -> None:
    made = time.perf_counter()
    with in_public():
        create_tenant(slug=OTHER, timezone=ZONE)
    made = time.perf_counter() - made
    given = _give(superuser, ROLE, SLUG)
    report.cost("make a tenant with a role of its own, against without", "s", made + given, made)
    settings.API_RATE_PROGRAM = settings.API_RATE_TENANT = 10**9
    with as_served():
        _compare(report, Api())


def _compare(report: Report, api: Api) -> None:
    took: dict[bool, list[float]] = {False: [], True: []}
    for turn in range(TURNS + 1):
        for has_role in took:
            # A pooled connection keeps its role, so each way begins with a pool of its own.
            connection.close()
            connection.close_pool()  # type: ignore[attr-defined]
            with _with_roles() if has_role else contextlib.nullcontext():
                api.get("meters/", {})
                each = _timed(lambda: [api.get("meters/", {}) for _ in range(REQUESTS)]) / REQUESTS
            if turn:
                took[has_role].append(each)
    with_role, without = min(took[True]), min(took[False])
    report.cost("a request with a role, against without", "ms", with_role * 1e3, without * 1e3)
    pairs = sorted(one / two for one, two in zip(took[True], took[False], strict=True))
    low, middle, high = (pairs[len(pairs) * part // 4] for part in (1, 2, 3))
    report.notes.append(
        f"In half of {TURNS} turns a request with a role took {low:.2f} to {high:.2f} times one "
        f"without, the middle {middle:.2f}."
    )


def _attacks(report: Report) -> None:
    """Try what the role is there to stop, as the login that is a member of it."""
    with in_public():
        here, other = (Tenant.objects.named(slug) for slug in (SLUG, OTHER))
    with other.entered():
        Meter.objects.create(name=TREASURE, timezone=ZONE)
    connection.close()
    with _with_roles(), here.entered():
        for words, text in ATTACKS.items():
            try:
                with connection.cursor() as cursor:
                    cursor.execute(text.format(other=other.schema_name))
                    while cursor.nextset():
                        pass
                    told = "not stopped" if TREASURE in str(cursor.fetchall()) else "?"
            except Exception as error:  # noqa: BLE001 - what PostgreSQL says is the finding
                told = f"stopped: {str(error).splitlines()[0]}"
            report.notes.append(f"{words}: {told}")
            connection.close()


def _many(report: Report, superuser: psycopg.Connection[Any]) -> None:
    password = secrets.token_hex(12)
    superuser.execute(f"CREATE ROLE {LOGIN} LOGIN PASSWORD '{password}'")
    path = [_per_login(password, lambda own: own.execute("SET search_path = public"))]
    logins = [_login(password)]
    report.cost(
        "a login of the tenant's own for each request, against SET search_path",
        "ms",
        logins[0] * 1e3,
        path[0] * 1e3,
    )
    for count in MANY:
        made = _timed(lambda count=count: _make(superuser, count))
        report.notes.append(f"{count:,} roles and memberships, made in {made:.1f} s.")
        logins.append(_login(password))
        report.cost(
            f"log in as a member of {count:,} roles, against of none",
            "ms",
            logins[-1] * 1e3,
            logins[0] * 1e3,
        )
        path.append(_per_login(password, lambda own: own.execute("SET search_path = public")))
        first = _per_login(password, lambda own: own.execute("SET ROLE bench_role_7"))
        report.cost(
            f"first SET ROLE of a connection, member of {count:,}, against SET search_path",
            "ms",
            first * 1e3,
            min(path) * 1e3,
        )
        report.cost(
            f"SET ROLE again, member of {count:,}, against SET search_path",
            "ms",
            *(one * 1e3 for one in _again(password, superuser, count)),
        )
        after = _after_grant(password, superuser, count)
        report.cost(
            f"SET ROLE after somebody made a role, member of {count:,}, against SET search_path",
            "ms",
            after * 1e3,
            min(path) * 1e3,
        )


def _make(superuser: psycopg.Connection[Any], count: int) -> None:
    superuser.execute(
        f"""
        DO $$ BEGIN FOR n IN 1..{count} LOOP
          IF to_regrole('bench_role_' || n) IS NULL THEN
            EXECUTE format('CREATE ROLE %I NOLOGIN', 'bench_role_' || n);
            EXECUTE format('GRANT %I TO {LOGIN} WITH INHERIT FALSE, SET TRUE', 'bench_role_' || n);
          END IF;
        END LOOP; END $$
        """
    )


def _login(password: str) -> float:
    def once() -> None:
        with _connect(LOGIN, password):
            pass

    return min(_timed(once) for _ in range(TURNS))


def _per_login(password: str, work: Callable[[psycopg.Connection[Any]], object]) -> float:
    """Return what the first work of a connection costs [s]."""
    found = []
    for _ in range(TURNS):
        with _connect(LOGIN, password) as own:
            own.execute("SELECT 1")
            found.append(_timed(lambda own=own: work(own)))
    return min(found)


def _again(password: str, superuser: psycopg.Connection[Any], count: int) -> tuple[float, float]:
    with _connect(LOGIN, password) as own:

        def roles() -> None:
            for n in range(1, 201):
                own.execute(f"SET ROLE bench_role_{n * count // 200}")

        def paths() -> None:
            for n in range(1, 201):
                own.execute(f"SET search_path = s{n}")

        roles()
        found = [(_timed(roles) / 200, _timed(paths) / 200) for _ in range(TURNS)]
    return min(one for one, _ in found), min(one for _, one in found)


def _after_grant(password: str, superuser: psycopg.Connection[Any], count: int) -> float:
    """Return what SET ROLE costs an open connection after memberships have changed [s]."""
    found = []
    with _connect(LOGIN, password) as own:
        for n in range(TURNS):
            own.execute("SET ROLE bench_role_7")
            superuser.execute(f"CREATE ROLE bench_role_more_{n}")
            superuser.execute(f"GRANT bench_role_more_{n} TO {LOGIN} WITH INHERIT FALSE")
            own.execute("SELECT 1")
            found.append(_timed(lambda: own.execute("SET ROLE bench_role_8")))
            superuser.execute(f"DROP ROLE bench_role_more_{n}")
    return min(found)


def _timed(work: Work) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def _remove(superuser: psycopg.Connection[Any]) -> None:
    """Remove the roles, with what they were granted, and the other tenant."""
    for left in Tenant.objects.filter(schema_name=OTHER.replace("-", "_")):
        left.delete(force_drop=True)
    for (name,) in superuser.execute(
        "SELECT rolname FROM pg_roles WHERE rolname LIKE 'bench\\_%'"
    ).fetchall():
        superuser.execute(
            sql.SQL("DROP OWNED BY {0}; DROP ROLE {0}")
            .format(sql.Identifier(name))
            .as_string(superuser)
        )
