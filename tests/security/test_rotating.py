"""Keys that are taken out of use: secrets are encrypted anew, and what was signed stays good."""

import io
import threading
from typing import Any

import pytest
from cryptography.fernet import Fernet
from django.core.management import call_command
from django.core.management.base import CommandError
from django.db import connection, transaction
from django.test import Client
from django.utils import timezone

from accounts.links import reset_link
from accounts.models import Act, User
from ingestion import rotating
from ingestion.models import Source
from ingestion.rotating import rotate
from notices.unsubscribing import unsubscribe_path
from tenants.models import Tenant
from tests.conftest import Customer
from tests.ingestion.conftest import committed
from tests.ingestion.plant import make_source

__all__ = ["committed"]
OLD, NEW, GONE = (Fernet.generate_key().decode() for _ in range(3))


def sources_of(tenant: Tenant, *tokens: str) -> None:
    with tenant.entered():
        for token in tokens:
            make_source("http://127.0.0.1:1", token=token, name=f"Source of {token}")


def tokens_of(tenant: Tenant) -> list[str]:
    with tenant.entered():
        return [source.token for source in Source.objects.order_by("pk")]


def rotated(*names: str) -> str:
    said = io.StringIO()
    call_command("rotate_keys", *names, stdout=said, stderr=said)
    return said.getvalue()


def acts() -> list[tuple[str, str]]:
    kept = Act.objects.filter(what=Act.What.KEYS_ROTATED).order_by("pk")
    return list(kept.values_list("about", "detail"))


def test_then_the_old_key_can_be_taken_away(
    acme: Customer, nordwind: Customer, settings: Any
) -> None:
    """From every tenant, also one that rests: resumed, it finds its secrets."""
    settings.FIELD_ENCRYPTION_KEYS = [OLD]
    sources_of(acme.tenant, "a", "b")
    sources_of(nordwind.tenant, "c")
    Tenant.objects.filter(pk=nordwind.tenant.pk).update(suspended_at=timezone.now())
    settings.FIELD_ENCRYPTION_KEYS = [NEW, OLD]
    said = rotated("--all-tenants")
    assert said == (
        "acme: 2 encrypted anew, 0 were already.\n"
        "nordwind: 1 encrypted anew, 0 were already.\n"
        "The first key opens every secret; the others can be taken away.\n"
    )
    assert acts() == [
        ("acme", "2 encrypted anew, 0 that no key opens"),
        ("nordwind", "1 encrypted anew, 0 that no key opens"),
    ]
    # Nothing is left to do, and nothing is put on record of it.
    assert "acme: 0 encrypted anew, 2 were already." in rotated("--all-tenants")
    assert len(acts()) == 2
    settings.FIELD_ENCRYPTION_KEYS = [NEW]
    assert (tokens_of(acme.tenant), tokens_of(nordwind.tenant)) == (["a", "b"], ["c"])


def test_a_secret_whose_key_is_gone_is_named_and_kept(
    acme: Customer, nordwind: Customer, settings: Any
) -> None:
    settings.FIELD_ENCRYPTION_KEYS = [GONE]
    sources_of(acme.tenant, "lost")
    settings.FIELD_ENCRYPTION_KEYS = [OLD]
    sources_of(acme.tenant, "kept")
    sources_of(nordwind.tenant, "theirs")
    settings.FIELD_ENCRYPTION_KEYS = [NEW, OLD]
    with pytest.raises(CommandError, match="Not done for acme; done for the other tenants"):
        rotated("--all-tenants")
    assert acts()[0] == ("acme", "1 encrypted anew, 1 that no key opens")
    with pytest.raises(CommandError, match="The key of Source of lost is not among"):
        rotated("--tenant", "acme")
    # The key is found again: nothing was lost by all this.
    settings.FIELD_ENCRYPTION_KEYS = [NEW, GONE]
    assert rotated("--tenant", "acme") == "acme: 1 encrypted anew, 1 were already.\n"
    settings.FIELD_ENCRYPTION_KEYS = [NEW]
    assert (tokens_of(acme.tenant), tokens_of(nordwind.tenant)) == (["lost", "kept"], ["theirs"])


def test_broken_off_it_is_taken_up(
    acme: Customer, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rotating, "SLICE", 2)
    settings.FIELD_ENCRYPTION_KEYS = [OLD]
    sources_of(acme.tenant, *"abcde")
    settings.FIELD_ENCRYPTION_KEYS = [NEW, OLD]
    whole, calls = rotating._rotate_row, []

    def broken(*arguments: Any) -> Any:
        calls.append(arguments)
        if len(calls) == 4:
            raise KeyboardInterrupt
        return whole(*arguments)

    monkeypatch.setattr(rotating, "_rotate_row", broken)
    with pytest.raises(KeyboardInterrupt):
        rotate(acme.tenant, by="test")
    # The first slice is done and on record, of the second nothing.
    assert acts() == [("acme", "2 encrypted anew, 0 that no key opens")]
    monkeypatch.setattr(rotating, "_rotate_row", whole)
    found = rotate(acme.tenant, by="test")
    assert (found.renewed, found.current) == (3, 2)
    settings.FIELD_ENCRYPTION_KEYS = [NEW]
    assert tokens_of(acme.tenant) == list("abcde")


def test_what_is_entered_meanwhile_stays(committed: Tenant, settings: Any) -> None:
    """A row that somebody has in hand is waited for, and read as it is then."""
    settings.FIELD_ENCRYPTION_KEYS = [OLD]
    sources_of(committed, "before")
    settings.FIELD_ENCRYPTION_KEYS = [NEW, OLD]
    pid, done = threading.Event(), threading.Event()

    def rotating_beside() -> None:
        try:
            with connection.cursor():
                pid.set()
            rotate(committed, by="test")
        finally:
            Act.objects.filter(about=committed.slug).delete()
            connection.close()
            done.set()

    beside = threading.Thread(target=rotating_beside)
    with committed.entered(), transaction.atomic():
        source = Source.objects.select_for_update().get()
        beside.start()
        assert pid.wait(30)
        assert not done.wait(0.5)
        source.token = "entered meanwhile"
        source.save(update_fields=["token"])
    beside.join(30)
    assert done.is_set()
    settings.FIELD_ENCRYPTION_KEYS = [NEW]
    assert tokens_of(committed) == ["entered meanwhile"]


def test_a_signing_key_is_changed_and_nobody_is_signed_out(acme: Customer, settings: Any) -> None:
    client = acme.client()
    with acme.tenant.entered():
        person = User.objects.get(email=acme.email)
        link, ending = reset_link(person, ""), unsubscribe_path(acme.tenant, person)
    settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS = "another" * 9, [settings.SECRET_KEY]
    browser = Client(HTTP_HOST=acme.domain)
    assert client.get("/").status_code == 200
    assert browser.get(link).headers["Location"].endswith("/set-password/")
    assert browser.get(ending).status_code == 200
    # From here on only the other key counts: the session that went on is signed with it.
    settings.SECRET_KEY_FALLBACKS = []
    assert client.get("/").status_code == 200
    stranger = Client(HTTP_HOST=acme.domain)
    assert "not good any more" in stranger.get(link).content.decode()
    assert stranger.get(ending).status_code == 404
