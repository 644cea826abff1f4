"""What each of our commands is given in the walk over all of them.

Each entry is a function of whose things are named and of the tenant in which they are looked for:
with one's own things a command does its work, with another tenant's it finds nothing.
"""

import csv
import io
import json
from collections.abc import Callable
from pathlib import Path

from django.db import connection

from accounts.models import AllowedOrigin, ApiToken, User
from ingestion.models import Feed, Run, Source
from tenants.lifecycle import suspend
from tests.ingestion.upstreams import row
from tests.tenants.marks import Marked

Lines = list[list[str]]
Given = Callable[[Marked, Marked], Lines]

# Commands that are not run here, and where their turn is.
ELSEWHERE = {
    "demo": "makes tenants of its own and serves them: tests/config/test_demo.py",
    "simulate_upstream": "stands for somebody else's upstream and asks no database",
    "diffsettings": "knows of settings alone: tests/config/test_secret_files.py",
    "grant_serving": "gives rights in every schema and reads no row: tests/tenants/test_rights.py",
    "export_tenant": "reads in a transaction of its own: test_a_tenants_file_holds_it_alone",
    "restore_tenant": "makes a tenant of such a file, row by row: tests/tenants/test_archive.py",
}
# It takes seconds, and knows of neither tenant: once is enough.
OF_NEITHER = {"create_tenant"}
# Commands of libraries, and why each may be there: operators call them, nobody else can.
OF_LIBRARIES = {
    "all_tenants_command": "enters one tenant after the other",
    "tenant_command": "enters the tenant that it is told",
    "clone_tenant": "makes a tenant out of another, people and tokens included, when asked to",
    "collectstatic_schemas": "knows of files alone",
    "create_domain": "writes in public",
    "create_missing_schemas": "makes empty schemas",
    "create_tenant_superuser": "as tenant_command",
    "delete_domain": "writes in public",
    "migrate": "refused, for it knows no tenants",
    "migrate_schemas": "ours runs it: tests/tenants/test_migrating.py",
    "rename_schema": "takes a tenant along as a whole",
    "axes_list_attempts": "of the schema it is called in",
    "axes_reset": "of the schema it is called in",
    "axes_reset_failure_logs": "of the schema it is called in",
    "axes_reset_ip": "of the schema it is called in",
    "axes_reset_ip_username": "of the schema it is called in",
    "axes_reset_logs": "of the schema it is called in",
    "axes_reset_username": "of the schema it is called in",
    "generateschema": "knows of no rows",
    "spectacular": "knows of no rows",
}
# Commands that operators have to see all tenants with; they name each by slug and domain, no more.
OF_OPERATORS = {"list_tenants", "export_metrics"}


def _in(here: Marked, *lines: list[str]) -> Lines:
    return [["--tenant", here.customer.tenant.slug, *line] for line in lines]


def _named(here: Marked, *lines: list[str]) -> Lines:
    return [[here.customer.tenant.slug, *line] for line in lines]


def _person(things: Marked) -> str:
    person = things.objects[User]
    assert isinstance(person, User)
    return person.email


def _token(things: Marked) -> str:
    token = things.objects[ApiToken]
    assert isinstance(token, ApiToken)
    return str(token.token_key)


def _origin(things: Marked) -> str:
    origin = things.objects[AllowedOrigin]
    assert isinstance(origin, AllowedOrigin)
    return origin.origin


def _source(things: Marked) -> str:
    source = things.objects[Source]
    assert isinstance(source, Source)
    return source.name


def _run(things: Marked, state: Run.State) -> str:
    with things.customer.tenant.entered():
        return str(Run.objects.filter(state=state, source__isnull=False).latest("pk").pk)


def _readings(things: Marked) -> str:
    """Write a file in the upstream's shape into the folder of the walk; return its name."""
    body = {"data": [row(things.own, "2024-03-02T00:00:00.000Z", things.value)]}
    Path("readings.json").write_text(json.dumps(body))
    return "readings.json"


def _meters(things: Marked) -> str:
    text = io.StringIO()
    lines = csv.writer(text, delimiter=";")
    lines.writerow(["muid", "name", "source"])
    lines.writerow([str(things.own), things.text("renamed"), _source(things)])
    Path("meters.csv").write_text(text.getvalue())
    return "meters.csv"


def _create_tenant(things: Marked, here: Marked) -> Lines:
    if things is here:
        return [["walked", "--email", "ada@walked.example"]]
    return [[things.customer.tenant.slug], ["walked", "--domain", things.customer.domain]]


def _queue(things: Marked, here: Marked) -> Lines:
    failed, waiting = (_run(things, state) for state in (Run.State.FAILED, Run.State.QUEUED))
    source = _source(things)
    own = [[], ["--retry-meters"]] if things is here else []
    lines = [
        ["--pause", source],
        ["--resume", source],
        ["--cancel", waiting],
        ["--retry", failed],
    ]
    return _in(here, *own, *lines)


def _invite(things: Marked, here: Marked) -> Lines:
    again = ["--again", _person(things)]
    if things is not here:
        return _in(here, again)
    guest = f"guest@{here.word}.example"
    return _in(here, [guest], [guest, "--link"], again)


GIVEN: dict[str, Given] = {
    "attention": lambda _, here: _in(here, [], ["--json"]),
    "change_domain": lambda things, here: _named(here, [things.customer.domain]),
    "create_tenant": _create_tenant,
    "create_token": lambda things, here: _in(here, [things.customer.email]),
    "delete_tenant": lambda things, here: (
        _named(here, ["--now", things.customer.tenant.slug]) + (_named(here, []) * (things is here))
    ),
    "erase_meter": lambda things, here: _in(
        here, ["--meter", str(things.own), "--reason", "moved away", "--yes"]
    ),
    "export_metrics": lambda _things, _here: [["--once"]],
    "ingest": lambda things, here: _in(
        here, ["--meter", str(things.own)], ["--file", _readings(things)]
    ),
    "invite": _invite,
    "list_tenants": lambda _things, _here: [[]],
    "list_tokens": lambda things, here: (
        _in(here, [things.customer.email]) + _in(here, []) * (things is here)
    ),
    "origins": lambda things, here: _in(here, ["--disallow", _origin(things)]),
    "queue": _queue,
    "recut": lambda things, here: _in(
        here, ["--meter", str(things.own), "--timezone", "Europe/Athens"]
    ),
    "register_meters": lambda things, here: _in(here, ["--file", _meters(things)]),
    "repair_gaps": lambda things, here: _in(here, ["--meter", str(things.own)]),
    "report": lambda things, here: _in(
        here, ["--meter", str(things.own)], ["--meter", str(things.own), "--output", "-"]
    ),
    "reset_password": lambda things, here: _in(here, [things.customer.email]),
    "resume_tenant": lambda _, here: _named(here, []),
    "revoke_token": lambda things, here: _in(here, [_token(things)]),
    "rotate_keys": lambda _, here: _in(here, []),
    "suspend_tenant": lambda _, here: _named(here, ["--why", "an unpaid bill"]),
    "tidy_record": lambda _, here: _in(here, []),
}


def prepare(command: str, here: Marked) -> None:
    """Bring a tenant to where a command has something to do."""
    if command in {"resume_tenant", "delete_tenant"}:
        suspend(here.customer.tenant, by="the walk")
    with here.customer.tenant.entered():
        Feed.objects.filter(meter__muid=here.own).update(failures=0)
    # What is checked at a transaction's end is checked now, for the walk's never comes to one.
    connection.check_constraints()
