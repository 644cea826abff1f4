import pytest
from django.core.management import CommandError, call_command
from django.db import connection

from accounts.models import ApiToken, User
from tenants.models import Domain, Tenant
from tenants.onboarding import OnboardingError, create_tenant


def schemas() -> set[str]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT nspname FROM pg_namespace WHERE nspname NOT LIKE 'pg\\_%'")
        return {name for (name,) in cursor.fetchall()}


@pytest.mark.django_db
def test_a_tenant_works_in_one_step() -> None:
    made = create_tenant(slug="solar-village", email="Ada@Solar.example", timezone="Asia/Kathmandu")

    assert made.tenant.schema_name == "solar_village"
    assert made.tenant.name == "Solar Village"
    assert made.domain == "solar-village.localhost"
    assert Domain.objects.get(domain=made.domain).tenant == made.tenant
    assert not User.objects.filter(email__iexact=made.email).exists(), "an account in public"
    with made.tenant.entered():
        user = User.objects.get()
        assert user.check_password(made.password)
        assert user.is_superuser
        token = ApiToken.objects.get()
        assert made.token not in (token.digest, token.token_key)
        assert made.token.startswith(token.token_key)


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("slug", "words"),
    [
        ("", "can't be"),
        ("a", "can't be"),
        ("Acme", "can't be"),
        ("acme_2", "can't be"),
        ("2acme", "can't be"),
        ("ac--me", "can't be"),
        ("acme-", "can't be"),
        ("ümlaut", "can't be"),
        ('a"; DROP SCHEMA public; --', "can't be"),
        ("x" * 60, "can't be"),
        ("public", "reserved"),
        ("admin", "reserved"),
        ("pg-catalog", "reserved"),
        ("acme", "already a tenant"),
    ],
)
def test_a_bad_or_taken_name_leaves_nothing_behind(slug: str, words: str) -> None:
    before = schemas(), Tenant.objects.count(), Domain.objects.count()
    with pytest.raises(OnboardingError, match=words):
        create_tenant(slug=slug)
    assert (schemas(), Tenant.objects.count(), Domain.objects.count()) == before


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"domain": "acme.localhost"}, "belongs to another tenant"),
        ({"domain": "https://x.example"}, "not a host name"),
        ({"domain": "x.example:8000"}, "not a host name"),
        ({"domain": "localhost"}, "bare domain"),
        ({"timezone": "Europe/Zürich"}, "not a time zone"),
        ({"timezone": "../../etc/passwd"}, "not a time zone"),
        ({"email": "nobody"}, "valid email"),
    ],
)
def test_a_bad_setting_leaves_nothing_behind(arguments: dict[str, str], words: str) -> None:
    before = schemas(), Tenant.objects.count()
    with pytest.raises(OnboardingError, match=words):
        create_tenant(slug="fresh", **arguments)
    assert (schemas(), Tenant.objects.count()) == before


@pytest.mark.django_db
def test_a_schema_that_belongs_to_nobody_is_left_alone() -> None:
    with connection.cursor() as cursor:
        cursor.execute("CREATE SCHEMA orphan; CREATE TABLE orphan.precious (x int)")
    with pytest.raises(OnboardingError, match="belongs to no tenant"):
        create_tenant(slug="orphan")
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM orphan.precious")


@pytest.mark.django_db
def test_a_failure_half_way_leaves_nothing_behind(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*args: object, **kwargs: object) -> None:
        raise RuntimeError("the disk is full")

    monkeypatch.setattr(ApiToken, "save", fail)
    before = schemas(), Tenant.objects.count()
    with pytest.raises(RuntimeError, match="disk"):
        create_tenant(slug="fresh")
    assert (schemas(), Tenant.objects.count()) == before


@pytest.mark.django_db
def test_the_command_prints_the_secrets_once(capsys: pytest.CaptureFixture[str]) -> None:
    call_command("create_tenant", "fresh", "--email", "ada@fresh.example")
    printed = capsys.readouterr().out
    tenant = Tenant.objects.named("fresh")
    with tenant.entered():
        user = User.objects.get(email="ada@fresh.example")
    password = next(line.split()[-1] for line in printed.splitlines() if "password " in line)
    assert user.check_password(password)
    with pytest.raises(CommandError, match="already a tenant"):
        call_command("create_tenant", "fresh")


@pytest.mark.django_db
def test_lost_password_and_token_have_commands(capsys: pytest.CaptureFixture[str]) -> None:
    made = create_tenant(slug="fresh")
    call_command("reset_password", "--tenant", "fresh", made.email.upper())
    call_command("create_token", "--tenant", "fresh.localhost", made.email, "--revoke-others")
    words = capsys.readouterr().out.split()
    with made.tenant.entered():
        assert not User.objects.get().check_password(made.password)
        assert User.objects.get().check_password(words[words.index("password") + 1])
        assert ApiToken.objects.count() == 1
    with pytest.raises(CommandError, match="Nobody among Fresh"):
        call_command("create_token", "--tenant", "fresh", "else@fresh.example")
    with pytest.raises(CommandError, match="no tenant “nowhere”"):
        call_command("create_token", "--tenant", "nowhere", made.email)
