"""Tokens at rest: encrypted, opened only where they are used, and shown nowhere."""

import copy
import io
from typing import Any

import pytest
from cryptography.fernet import Fernet
from django.core.exceptions import ImproperlyConfigured
from django.core.management import call_command
from django.core.management.base import CommandError
from django.db import connection
from django.forms import modelform_factory

from ingestion.fields import UndecryptableError
from ingestion.models import Feed, Outcome, Run, Source
from ingestion.services import execute_run, plan_due, plan_run, rehearse_run
from ingestion.simulator.server import running_simulator
from tests.ingestion.plant import ago, make_meter, make_source, sweep
from tests.ingestion.test_runs import MUID, synthetic

pytestmark = pytest.mark.usefixtures("in_acme")

TOKEN = "s3cr3t-t0ken"
OLD, NEW = (Fernet.generate_key().decode() for _ in range(2))


def raw(source: Source) -> str:
    with connection.cursor() as cursor:
        cursor.execute("SELECT token FROM ingestion_source WHERE id = %s", [source.pk])
        return str(cursor.fetchone()[0])


@pytest.fixture
def source(settings: Any) -> Source:
    settings.FIELD_ENCRYPTION_KEYS = [OLD]
    return make_source("http://127.0.0.1:1", make_meter(), token=TOKEN)


def test_it_is_encrypted_in_the_table(source: Source) -> None:
    assert TOKEN not in raw(source)
    assert raw(source).startswith("gAAAA")
    again = Source.objects.get()
    assert again.token == TOKEN
    assert TOKEN not in repr(again)
    assert TOKEN not in repr(vars(again))
    assert TOKEN not in repr(list(Source.objects.values()))
    assert Source.objects.defer("token").get().token == TOKEN
    assert copy.deepcopy(again).token == TOKEN


def test_none_stays_none(settings: Any) -> None:
    source = make_source("http://127.0.0.1:1")
    assert raw(source) == ""
    assert Source.objects.get().token == ""


def test_keys_are_rotated(source: Source, settings: Any) -> None:
    old = raw(source)
    settings.FIELD_ENCRYPTION_KEYS = [NEW, f" {OLD}"]
    again = Source.objects.get()
    assert again.token == TOKEN
    again.save()
    assert raw(source) != old
    settings.FIELD_ENCRYPTION_KEYS = [NEW]
    assert Source.objects.get().token == TOKEN


def test_a_lost_key_is_told_where_the_token_is_used(source: Source, settings: Any) -> None:
    old = raw(source)
    settings.FIELD_ENCRYPTION_KEYS = [NEW]
    lost = Source.objects.get()
    words = (
        "Source.token was encrypted with a key that FIELD_ENCRYPTION_KEYS does not hold. "
        "Add that key again, or enter the secret anew."
    )
    with pytest.raises(UndecryptableError) as caught:
        _ = lost.token
    assert str(caught.value) == words
    # The dispatcher of all tenants is not kept from its work, and the run says what is wrong.
    Source.objects.update(next_sweep_at=ago(minutes=1))
    (run,) = plan_due(ago(seconds=0))
    result = execute_run(Run.objects.get(pk=run), worker="w")
    assert result
    assert (result.run.state, result.run.error) == (Run.State.FAILED, words)
    assert rehearse_run(source=lost).run.error == words
    # It can be looked at and saved, which keeps what can't be opened, and mended.
    lost.note = "changed"
    lost.save()
    assert raw(source) == old
    form = modelform_factory(Source, fields=["token"])(instance=Source.objects.get())
    assert form.initial["token"] == ""
    lost.token = "another"
    lost.save()
    assert Source.objects.get().token == "another"


def test_a_copied_ciphertext_keeps_its_meaning(source: Source) -> None:
    """As the admin does that keeps a stored token, without ever showing it."""
    other = make_source("http://127.0.0.1:2")
    other.token = Source.objects.values_list("token", flat=True).get(pk=source.pk)
    assert other.token == TOKEN
    other.save()
    assert Source.objects.get(pk=other.pk).token == TOKEN


def test_a_key_that_is_none(settings: Any) -> None:
    settings.FIELD_ENCRYPTION_KEYS = ["too short"]
    with pytest.raises(ImproperlyConfigured, match="no Fernet key") as caught:
        make_source("http://127.0.0.1:1", token=TOKEN)
    assert TOKEN not in str(caught.value)


def test_it_is_sent_and_stands_in_no_record(capsys: pytest.CaptureFixture[str]) -> None:
    meter = make_meter(muid=MUID)
    with running_simulator(meters=[synthetic()], token=TOKEN) as simulator:
        source = make_source(simulator.base_url, meter, token=TOKEN, backfill_from=ago(days=2))
        assert sweep(source).run.state == Run.State.SUCCEEDED
        Source.objects.update(token="wrong-" + TOKEN)
        source.refresh_from_db()
        result = sweep(source)
        assert result.run.state == Run.State.FAILED
        assert result.run.error.endswith("answered 401 Unauthorized. Check the source's token.")
    records = [list(model.objects.values()) for model in (Run, Outcome, Feed, Source)]
    out, err = capsys.readouterr()
    assert TOKEN not in f"{records}{result!r}{out}{err}"


def test_a_token_that_can_not_be_sent_fails_the_run() -> None:
    source = make_source("http://127.0.0.1:1", make_meter(), token="with\nbreak")
    run = plan_run(source=source, trigger=Run.Trigger.COMMAND)
    result = execute_run(run, worker="w")
    assert result
    assert "Enter it anew" in result.run.error
    assert result.run.requests == 0


def rotated(*names: str) -> str:
    said = io.StringIO()
    call_command("rotate_keys", *names, stdout=said)
    return said.getvalue()


def test_all_tokens_are_encrypted_anew_by_command(source: Source, settings: Any) -> None:
    bare, other = make_source("http://127.0.0.1:2"), make_source("http://127.0.0.1:3", token="x")
    settings.FIELD_ENCRYPTION_KEYS = [NEW, OLD]
    assert rotated("--tenant", "acme") == "acme: 2 encrypted anew, 0 were already.\n"
    settings.FIELD_ENCRYPTION_KEYS = [NEW]
    assert Source.objects.get(pk=source.pk).token == TOKEN
    assert Source.objects.get(pk=other.pk).token == "x"
    assert raw(bare) == ""


def test_tokens_whose_key_is_lost_are_named_and_kept(source: Source, settings: Any) -> None:
    old = raw(source)
    settings.FIELD_ENCRYPTION_KEYS = [NEW]
    with pytest.raises(CommandError, match=f"The key of {source.name} is not among"):
        rotated("--tenant", "acme")
    assert raw(source) == old
