"""A tenant full of marks: texts and values that occur nowhere else, in every table that is shown.

Whatever of them turns up at another tenant's address has leaked.
"""

import time
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from django.contrib.admin import ModelAdmin
from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.auth.models import Group
from django.contrib.contenttypes.models import ContentType
from django.db import connection
from django.db.models import Model
from django.utils.http import urlsafe_base64_encode

from accounts.links import invitation_tokens, reset_tokens
from accounts.models import Act, AllowedOrigin, ApiToken, User
from accounts.sites import tenant_site
from ingestion.files import RowsFile, ingest_file
from ingestion.models import (
    Erasure,
    Feed,
    Gap,
    Outcome,
    ReadingRevision,
    RejectedReading,
    Run,
    Source,
    Upload,
)
from ingestion.upkeep import Keeping, Removal
from meters.models import Meter, Register, Site
from notices.models import Letter, Trouble
from notices.unsubscribing import unsubscribe_path
from tests.conftest import Customer
from tests.tenants.walk import Address

SHARED = UUID("5ca1ab1e-0000-4000-8000-000000000001")
IMPORT = "0100011D00FF"
NOWHERE = UUID("00000000-0000-4000-8000-00000000dead")


@dataclass
class Marked:
    """What a tenant holds.

    Attributes
    ----------
    word
        Part of each text.
    value
        Of each reading [kWh].
    texts
        Everything that belongs to it alone and that some address shows.
    objects
        One of each model that the admin knows.
    secrets
        What nobody but its holder may read, wherever it stands.
    """

    customer: Customer
    word: str
    value: float
    own: UUID
    texts: set[str] = field(default_factory=set)
    objects: dict[type[Model], Model] = field(default_factory=dict)
    secrets: set[str] = field(default_factory=set)

    def text(self, what: str) -> str:
        found = f"{self.word}-{what}"
        self.texts.add(found)
        return found

    def keep(self, one: Model) -> None:
        self.objects[type(one)] = one

    def fill(self, address: Address, name: str) -> list[Any] | None:
        """Say what a parameter of an address may be, so that it leads to this tenant's things."""
        if name == "muid":
            return [SHARED, self.own]
        if name == "format":
            return ["json", "api"]
        if name == "uidb64":
            return [urlsafe_base64_encode(str(self._of_link(address).pk).encode())]
        if name == "token" and address.name in LINKS:
            made = LINKS[address.name].make_token(self._of_link(address))
            self.secrets.add(made)
            return ["set-password", made]
        if name == "token":
            return [unsubscribe_path(self.customer.tenant, self._administrator()).split("/")[-2]]
        space, _, rest = address.name.rpartition(":")
        if space != "admin" and not address.route.startswith("admin/"):
            return self._of_page(space, address.name, name)
        if name == "url":
            return ["nothing/of/the/kind/"]
        if name == "app_label":
            return sorted({model._meta.app_label for model in tenant_site._registry})
        if name == "content_type_id":
            return list(ContentType.objects.values_list("pk", flat=True))
        if name == "object_id" and rest == "view_on_site":
            return [self.objects[Meter].pk]
        return self._of_model(rest, name)

    def _of_page(self, space: str, address: str, name: str) -> list[Any] | None:
        if address == "ingestion:run":
            return [run.pk for run in (self.objects[Run], self.objects[ReadingRevision].run)]  # type: ignore[attr-defined]
        if name == "key":
            return [self.objects[ApiToken].token_key]  # type: ignore[attr-defined]
        if address in NUMBERED:
            return [self.objects[NUMBERED[address]].pk]
        if space == "ingestion" and name == "pk":
            return [self.objects[Upload].pk]
        return [self.objects[Run].pk] if space == "runs-api" else None

    def _of_link(self, address: Address) -> User:
        """Return whom a link to choose a password is for."""
        invited = self.objects[User]
        assert isinstance(invited, User)
        return invited if address.name == "accounts:invitation" else self._administrator()

    def _administrator(self) -> User:
        return User.objects.get(email=self.customer.email)

    def _of_model(self, rest: str, name: str) -> list[Any] | None:
        if name not in {"object_id", "id"}:
            return None
        if rest == "auth_user_password_change":
            return [self.objects[User].pk]
        for model, one in self.objects.items():
            if rest.startswith(f"{model._meta.app_label}_{model._meta.model_name}_"):
                return [one.pk]
        # The catch of what used to be an object's address.
        return [self.objects[Meter].pk] if not rest or "/" in rest else None


# Buttons and things, by the model whose number stands in their address.
NUMBERED: dict[str, type[Model]] = {
    "ingestion:restore": ReadingRevision,
    "ingestion:cancel": Run,
    "ingestion:retry": Run,
    "ingestion:pause": Source,
    "ingestion:resume": Source,
    "ingestion:retry-meter": Feed,
    "record:ask-for-gap": Gap,
    "analytics:site": Site,
    "api:site-detail": Site,
    "api:register-detail": Register,
    "runs-api:source": Source,
    "runs-api:pause": Source,
    "runs-api:resume": Source,
    "accounts:remove-origin": AllowedOrigin,
    "accounts:person": User,
    "accounts:set-role": User,
    "accounts:send-link": User,
    "accounts:deactivate": User,
    "accounts:reactivate": User,
    "accounts:sign-out-person": User,
}
# Links that are sent to people, by what signs them.
LINKS = {"accounts:invitation": invitation_tokens, "accounts:reset": reset_tokens}


def mark(customer: Customer, *, word: str, value: float, own: UUID, first_key: int = 0) -> Marked:
    """Fill a tenant. With `first_key` its objects' numbers are none that another tenant has."""
    marked = Marked(customer, word, value, own)
    marked.secrets |= {customer.token, customer.password, f"{word}-upstream-secret"}
    with customer.tenant.entered():
        if first_key:
            _number_from(customer.tenant.schema_name, first_key)
        _meters(marked)
        _people(marked)
        _upkeep(marked)
        for meter in Meter.objects.all():
            marked.texts.add(meter.name)
        missing = {
            model
            for model, admin in tenant_site._registry.items()
            if isinstance(admin, ModelAdmin) and model not in marked.objects
        }
        assert not missing, f"make one of {missing} in tests/tenants/marks.py"
    return marked


def _number_from(schema: str, first: int) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT sequencename FROM pg_sequences WHERE schemaname = %s AND sequencename LIKE %s",
            [schema, "%\\_id\\_seq"],
        )
        for (name,) in cursor.fetchall():
            # Unlike setval this goes back with the transaction.
            cursor.execute(f'ALTER SEQUENCE "{schema}"."{name}" RESTART WITH {first}')


def _meters(marked: Marked) -> None:
    site = Site.objects.create(name=marked.text("site"), address=marked.text("street"))
    source = Source.objects.create(
        name=marked.text("source"),
        address=f"https://{marked.text('upstream')}.example",
        note=marked.text("note"),
        token=f"{marked.word}-upstream-secret",
    )
    for muid, name in ((SHARED, "shared"), (marked.own, "own")):
        meter = Meter.objects.create(
            muid=muid,
            name=marked.text(f"meter-{name}"),
            site=site,
            metering_point=marked.text(f"point-{name}"),
        )
        Feed.objects.create(meter=meter, source=source, last_error=marked.text("last-error"))
    rows = [_row(muid, at, marked.value) for muid in (SHARED, marked.own) for at in _quarters()]
    ingest_file(RowsFile(rows), worker="marks")
    bad = _row(SHARED, _quarters()[3], marked.text("raw"))
    corrected = ingest_file(
        RowsFile([_row(SHARED, _quarters()[0], marked.value / 2), bad]), worker="marks"
    ).run
    run = Run.objects.create(
        source=source, trigger=Run.Trigger.ADMIN, state=Run.State.FAILED, error=marked.text("error")
    )
    Outcome.objects.create(
        run=run, meter=meter, error=marked.text("failure"), warnings=[marked.text("warning")]
    )
    ReadingRevision.objects.update(reason=marked.text("reason"))
    since = _quarters()[0] - timedelta(days=9)
    gap = Gap.objects.create(
        register=meter.registers.get(), start=since, stop=since + timedelta(hours=1), missing=4,
        at_first=4,
    )  # fmt: skip
    for one in (site, source, meter, meter.feed, run, gap, RejectedReading.objects.get()):
        marked.keep(one)
    marked.keep(meter.registers.get())
    marked.keep(ReadingRevision.objects.select_related("run").get(run=corrected))
    marked.texts |= {str(marked.own), f"{marked.value:.6g}"}


def _upkeep(marked: Marked) -> None:
    marked.keep(Keeping.objects.create())
    now = datetime.now(UTC)
    marked.keep(Removal.objects.create(kind=Removal.Kind.RUNS, day=now.date(), rows=3, before=now))


def _people(marked: Marked) -> None:
    user = User.objects.create_user(
        email=f"{marked.text('person')}@example.com",
        first_name=marked.text("first"),
        invited_at=datetime.now(UTC),
        invited_by=marked.text("inviter"),
    )
    group = Group.objects.create(name=marked.text("group"))
    user.groups.add(group)
    token, secret = ApiToken.objects.create(user=user, name=marked.text("token"))
    marked.secrets.add(secret)
    origin = AllowedOrigin.objects.create(
        origin=f"https://{marked.text('origin')}.example", note=marked.text("whose")
    )
    marked.keep(
        Act.objects.create(
            by=marked.text("actor"), what=Act.What.TOKEN_MADE, about=marked.text("about")
        )
    )
    for one in (user, group, token, origin):
        marked.keep(one)
    administrator = User.objects.get(email=marked.customer.email)
    letter = Letter.objects.create(
        user=administrator, subject=marked.text("subject"), events=[], error=marked.text("bounce")
    )
    meter = marked.objects[Meter]
    trouble = Trouble.objects.create(
        kind=Trouble.Kind.SILENT, meter=meter, seen_at=datetime.now(UTC)
    )
    marked.keep(letter)
    marked.keep(trouble)
    LogEntry.objects.create(
        user=administrator,
        content_type=ContentType.objects.get_for_model(Meter),
        object_id=str(marked.objects[Meter].pk),
        object_repr=marked.text("logged"),
        action_flag=CHANGE,
        change_message="",
    )
    content = f"Zeit;{marked.text('column')}\n2023-01-01T00:00Z;{marked.text('cell')}\n"
    marked.keep(
        Erasure.objects.create(
            person=marked.text("eraser"), reason=marked.text("erased"), counts={"readings": 7}
        )
    )
    marked.keep(Upload.objects.keep(administrator.pk, marked.text("upload"), [content.encode()]))
    marked.texts |= {administrator.email, marked.customer.domain, token.token_key}


def _quarters() -> list[datetime]:
    """The quarter-hours of the last two days that are over."""
    last = int(time.time()) // 900 - 1
    return [datetime.fromtimestamp(900 * (last - i), UTC) for i in range(192, 0, -1)]


def _row(muid: UUID, at: datetime, value: object) -> dict[str, object]:
    return {
        "measurement": "energy",
        "timestamp": at.strftime("%Y-%m-%dT%H:%M:%S.000Z"),
        "tags": {"muid": str(muid), "quality": "measured"},
        IMPORT: value,
    }


def since() -> str:
    return (datetime.now(UTC) - timedelta(days=2)).date().isoformat()
