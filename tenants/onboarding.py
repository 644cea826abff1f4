"""From a name to a working tenant, in one step that succeeds whole or leaves nothing behind."""

import re
import secrets
from dataclasses import dataclass

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import IntegrityError, transaction
from django_tenants.utils import schema_exists

from accounts.acts import from_command, record
from accounts.models import Act, User
from accounts.tokens import make_token
from tenants.hosts import checked_host
from tenants.models import Domain, Tenant, validate_timezone
from tenants.rights import may_make_schemas

# Names that would shadow a schema of PostgreSQL's or a host that an installation keeps to itself.
RESERVED = frozenset(
    """
    public information-schema www admin api app auth static assets mail smtp ftp ns ns1 ns2 status
    docs help support localhost template default postgres lastgang
    """.split()  # noqa: SIM905 - read as a sentence, not as a column of quotes
)
SLUG = re.compile(r"[a-z](?:[a-z0-9]|-(?=[a-z0-9])){1,39}")


class OnboardingError(ValueError):
    """The tenant can't be made; the text says why and what to write instead."""


@dataclass(frozen=True, slots=True)
class Onboarded:
    """A tenant that has just been made, with the secrets that are shown this once."""

    tenant: Tenant
    domain: str
    email: str
    password: str
    token: str


def new_password() -> str:
    """Make a password a person can copy: 96 bits in four groups."""
    text = secrets.token_hex(12)
    return "-".join(text[i : i + 6] for i in range(0, 24, 6))


def checked_slug(slug: str) -> str:
    if not SLUG.fullmatch(slug):
        raise OnboardingError(
            f"“{slug}” can't be a tenant's short name: 2 to 40 small letters a–z, digits and "
            "single hyphens, beginning with a letter; for example acme or solar-village."
        )
    if slug in RESERVED or slug.startswith("pg-"):
        raise OnboardingError(f"“{slug}” is reserved; choose another short name.")
    return slug


def checked_domain(domain: str) -> str:
    try:
        return checked_host(domain)
    except ValueError as error:
        raise OnboardingError(str(error)) from None


def check_rights() -> None:
    """Refuse to make a tenant with a role that only serves; half-way it would be said less well."""
    if not may_make_schemas():
        raise OnboardingError(
            "The role of DATABASE_URL may not make schemas: it serves, no more. Make tenants as "
            "the owner of the database."
        )


def create_tenant(
    *,
    slug: str,
    name: str = "",
    domain: str = "",
    timezone: str = "Europe/Zurich",
    language: str = "en",
    email: str = "",
    password: str = "",
) -> Onboarded:
    """Make a tenant: schema, domain, first administrator and an API token.

    Parameters
    ----------
    slug
        Short name, for instance ``solar-village``; the schema and the subdomain derive from it.
    name
        What people read; the short name with capitals where none is given.
    domain
        Host name; ``<slug>.<PUBLIC_DOMAIN>`` where none is given.
    timezone
        IANA name of the zone in which the tenant's days begin.
    language
        Of its mails and pages, for whoever has chosen no other: ``en`` or ``de``.
    email, password
        Sign-in of the first administrator; a password is made where none is given.

    Raises
    ------
    OnboardingError
        Something is malformed or taken. Nothing has been made.
    """
    slug = checked_slug(slug.strip())
    schema = slug.replace("-", "_")
    domain = checked_domain(domain or f"{slug}.{settings.PUBLIC_DOMAIN}")
    name = name.strip() or slug.replace("-", " ").title()
    email = User.objects.normalize_email(email.strip() or f"admin@{domain}")
    password = password or new_password()
    if language not in dict(settings.LANGUAGES):
        spoken = " and ".join(code for code, _name in settings.LANGUAGES)
        raise OnboardingError(f"“{language}” is not a language of pages and mails: {spoken} are.")
    try:
        validate_timezone(timezone)
        # The address of a development machine, admin@acme.localhost, is good enough for a sign-in.
        if not domain.endswith("localhost") or not email.endswith(domain):
            validate_email(email)
    except ValidationError as error:
        raise OnboardingError("; ".join(error.messages)) from None
    check_rights()

    if Tenant.objects.filter(schema_name=schema).exists():
        raise OnboardingError(f"There is already a tenant “{slug}”.")
    if schema_exists(schema):
        raise OnboardingError(
            f"The database already holds a schema “{schema}” that belongs to no tenant; choose "
            "another short name, or remove that schema first."
        )
    if Domain.objects.filter(domain=domain).exists():
        raise OnboardingError(f"The domain {domain} belongs to another tenant.")

    try:
        # PostgreSQL makes schemas and tables transactionally: a failure leaves nothing behind.
        with transaction.atomic():
            tenant = Tenant(schema_name=schema, name=name, timezone=timezone, language=language)
            tenant.save(verbosity=0)
            Domain.objects.create(tenant=tenant, domain=domain, is_primary=True)
            record(Act.What.TENANT_MADE, slug, by=from_command("create_tenant"), detail=domain)
            with tenant.entered():
                user = User.objects.create_superuser(email=email, password=password)
                token = make_token(person=user, by="create_tenant", name="made with the tenant")
    except IntegrityError as error:
        raise OnboardingError(
            f"Somebody else took “{slug}” or {domain} at this very moment."
        ) from error
    return Onboarded(tenant, domain, email, password, token.secret)
