"""Every command of ours works in the tenant that it is told, and shows and changes no other.

The commands are found by looking. Whoever adds one is told to say in `commands_given` with what it
is tried, or why it is not.
"""

import io
import re
from collections.abc import Iterator
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from typing import Any

import pytest
from django.apps import apps
from django.conf import settings
from django.contrib.sessions.models import Session
from django.core.management import (
    BaseCommand,
    CommandError,
    call_command,
    get_commands,
    load_command_class,
)
from django.db import connection
from django.db.models import Model
from django.utils import timezone

from accounts.models import Act, User
from ingestion.models import Source, Upload
from meters.models import Site
from tenants.commands import TenantCommand
from tenants.models import Tenant
from tests.conftest import Customer
from tests.tenants import queued
from tests.tenants.busy import assert_asked_by, busy
from tests.tenants.commands_given import (
    ELSEWHERE,
    GIVEN,
    OF_LIBRARIES,
    OF_NEITHER,
    OF_OPERATORS,
    prepare,
)
from tests.tenants.marks import NOWHERE, Marked
from tests.tenants.test_every_task import undone
from tests.tenants.test_isolation import BOTH_WAYS, pair
from tests.tenants.traces import (
    Watched,
    assert_nothing,
    holdings,
    operators_holdings,
    standing,
    watched,
)
from tests.tenants.unpacking import words_in

# What a command prints this once, for whoever called it.
PRINTED = re.compile(r"^  (?:password|API token|link) +(\S+)$", re.MULTILINE)
# What is in each of the two whose file is looked into.
WORDS = {"nordwind": "haubentaucher", "acme": "zaunkoenig"}


def own_commands() -> dict[str, BaseCommand]:
    """Return the commands of our apps, by name, also those in place of a library's."""
    ours = {
        one.name for one in apps.get_app_configs() if Path(one.path).parent == settings.BASE_DIR
    }
    found = {
        name: load_command_class(app, name)
        for name, app in sorted(get_commands().items())
        if app in ours
    }
    unknown = set(found) - set(GIVEN) - set(ELSEWHERE)
    if unknown:
        pytest.fail(f"Say in tests/tenants/commands_given.py with what {unknown} are tried.")
    assert len(found) > 20
    return found


def run(command: str, line: list[str]) -> tuple[bool, str]:
    """Call a command; say whether it did what it was told, and all that it wrote."""
    out = io.StringIO()
    with redirect_stdout(out), redirect_stderr(out):
        try:
            call_command(command, *line, stdout=out, stderr=out)
        except CommandError as error:
            return False, f"{out.getvalue()}\n{error}"
        except SystemExit:
            # By its code `attention` tells how bad it is.
            pass
    return True, out.getvalue()


def follow(seen: Watched, told: str, mine: Marked, others: Marked, *, but: str) -> None:
    """Search all that a command has left behind; what it printed once stands nowhere else."""
    schema = mine.customer.tenant.schema_name
    assert not [one for one in mine.secrets if one in told], "a secret is shown again"
    seen.printed |= set(PRINTED.findall(told))
    while message := queued.taken():
        assert message.tenant == schema, message
        assert_nothing(message.text, others, "a message", but=but)
    assert_nothing(told, others, "what was printed", but=but)
    assert_nothing(holdings(mine.customer.tenant), others, "a table", but=but)
    for made in Tenant.objects.exclude(pk__in=[mine.customer.tenant.pk, others.customer.tenant.pk]):
        for one in (mine, others):
            assert_nothing(holdings(made), one, f"a table of {made}", but=but)
    assert mine.word not in operators_holdings(), "the operators' tables know something"
    seen.assert_clean(mine, others, but=but)


@pytest.fixture(autouse=True)
def _sends_mail(settings: Any) -> None:
    settings.SENDS_MAIL = True
    queued.clear()


@pytest.mark.django_db
@BOTH_WAYS
def test_a_command_keeps_to_the_tenant_that_it_is_told(
    marked: tuple[Marked, Marked], way: int, tmp_path: Path
) -> None:
    mine, others = pair(marked, way)
    with busy(*marked) as asked:
        before, everyone = standing(others.customer), others.customer.domain
        for name in sorted(set(own_commands()) & set(GIVEN)):
            if name in OF_NEITHER and way < 0:
                continue
            with watched(tmp_path, marked):
                lines = GIVEN[name](mine, mine)
            for line in lines:
                with undone(), watched(tmp_path, marked) as seen:
                    prepare(name, mine)
                    done, told = run(name, line)
                    assert done, (name, line, told)
                    but = everyone if name in OF_OPERATORS else ""
                    follow(seen, told, mine, others, but=but)
                    for report in tmp_path.glob("*.html"):
                        report.unlink()
                    assert standing(others.customer) == before, (name, line)
    assert asked
    assert_asked_by(mine, asked, others)


@pytest.mark.django_db
@BOTH_WAYS
def test_what_another_tenant_has_is_not_found_by_a_command(
    marked: tuple[Marked, Marked], way: int, tmp_path: Path
) -> None:
    mine, others = pair(marked, way)
    tried = []
    with busy(*marked) as asked:
        before = standing(others.customer)
        for name in sorted(set(own_commands()) & set(GIVEN)):
            with watched(tmp_path, marked):
                own, lines = GIVEN[name](mine, mine), GIVEN[name](others, mine)
            for line in lines:
                if line in own and "--file" not in line:
                    continue
                with undone(), watched(tmp_path, marked) as seen:
                    prepare(name, mine)
                    done, told = run(name, line)
                    assert not done, (name, line, told)
                    tried.append(name)
                    follow(seen, told, mine, others, but=f"{line} {seen.files()}")
                    assert standing(others.customer) == before, (name, line)
    assert asked == [], "no upstream is asked for what is another's"
    assert len(set(tried)) > 12


@pytest.mark.django_db
def test_a_command_for_all_tenants_keeps_them_apart(
    marked: tuple[Marked, Marked], tmp_path: Path
) -> None:
    done = 0
    names = {one.customer.tenant.schema_name: other for one, other in (marked, marked[::-1])}
    with busy(*marked) as asked:
        for name, command in own_commands().items():
            if not isinstance(command, TenantCommand) or not command.all_tenants_allowed:
                continue
            asked.clear()
            with undone(), watched(tmp_path, marked) as seen:
                ended, told = run(name, ["--all-tenants"])
                assert ended, (name, told)
                done += 1
                for line in told.splitlines():
                    shown = [one.word for one in marked if one.word in line]
                    assert len(shown) < 2, f"{name} tells of both in one line: {line}"
                for mine, others in (marked, marked[::-1]):
                    assert_nothing(holdings(mine.customer.tenant), others, f"after {name} a table")
                    own = [one for one in asked if f"/{mine.word}" in one.path]
                    assert_asked_by(mine, own, others)
                seen.assert_log_clean(names)
                while message := queued.taken():
                    assert_nothing(message.text, names[message.tenant], f"a message of {name}")
    assert done > 5


@pytest.mark.django_db
@pytest.mark.parametrize(
    "line",
    [
        ["dumpdata", "--natural-foreign"],
        ["axes_list_attempts"],
        ["clearsessions"],
        ["createsuperuser", "--noinput", "--email", "ada@example.com"],
        ["remove_stale_contenttypes", "--noinput"],
        ["axes_reset"],
    ],
    ids=lambda line: line[0],
)
def test_a_librarys_command_stays_in_the_tenant_it_is_called_in(
    marked: tuple[Marked, Marked], line: list[str], tmp_path: Path
) -> None:
    """Called by django-tenants' `tenant_command`, which enters the schema before."""
    mine, others = marked
    before = standing(others.customer)
    with undone(), watched(tmp_path, marked) as seen:
        done, told = run("tenant_command", ["-s", mine.customer.tenant.schema_name, *line])
        assert done, told
        assert_nothing(told, others, "what was printed")
        connection.set_schema_to_public()  # type: ignore[attr-defined]
        assert standing(others.customer) == before
        assert mine.word not in operators_holdings()
        seen.assert_clean(mine, others)
        if line[0] == "dumpdata":
            assert mine.word in told


@pytest.mark.django_db
def test_a_librarys_command_for_all_tenants_works_in_each(
    marked: tuple[Marked, Marked], tmp_path: Path
) -> None:
    with busy(*marked), watched(tmp_path, marked):
        assert run("all_tenants_command", ["clearsessions"])[0]
        for mine, others in (marked, marked[::-1]):
            with mine.customer.tenant.entered():
                assert not Session.objects.filter(expire_date__lte=timezone.now()).exists()
            assert_nothing(holdings(mine.customer.tenant), others, "a table")
            assert mine.word not in operators_holdings()


def test_the_libraries_commands_are_those_that_we_know() -> None:
    found = {
        name
        for name, app in get_commands().items()
        if not str(app).startswith("django.") and name not in own_commands()
    }
    assert found == set(OF_LIBRARIES), "say in commands_given why they may be there"


@pytest.fixture
def two(committed: dict[str, Customer]) -> Iterator[tuple[Marked, Marked]]:
    """Give both tenants a few marks, which other connections see as well."""
    made: list[Model] = []
    marked = [_little(committed[slug], word, made) for slug, word in WORDS.items()]
    yield marked[0], marked[1]
    for one, things in zip(marked, (made[:3], made[3:]), strict=True):
        with one.customer.tenant.entered():
            for thing in things:
                thing.delete()
    Act.objects.filter(what=Act.What.TENANT_EXPORTED).delete()


def _little(customer: Customer, word: str, made: list[Model]) -> Marked:
    marked = Marked(customer, word, 0, NOWHERE)
    marked.secrets |= {customer.token, customer.password, f"{word}-upstream-secret"}
    with customer.tenant.entered():
        person = User.objects.create_user(f"{marked.text('person')}@example.com")
        Upload.objects.keep(person.pk, marked.text("upload"), [marked.text("cell").encode()])
        site = Site.objects.create(name=marked.text("site"))
        source = Source.objects.create(
            name=marked.text("source"),
            address="https://upstream.example",
            token=f"{word}-upstream-secret",
        )
    made += [person, site, source]
    return marked


def test_a_tenants_file_holds_it_alone(two: tuple[Marked, Marked], tmp_path: Path) -> None:
    mine, others = two
    before = standing(others.customer)
    path = str(tmp_path / "taken.zip")
    with watched(tmp_path, two) as seen:
        done, told = run("export_tenant", [mine.customer.tenant.slug, path])
        assert done, told
        follow(seen, told, mine, others, but="")
    held = words_in(Path(path).read_bytes())
    missing = {one for one in mine.texts if one not in held}
    assert not missing, "these are not in the file, so their like of others would not be seen"
    assert not [one for one in mine.secrets if one in held], "secrets are digests, or encrypted"
    assert standing(others.customer) == before
