"""How everything that ingestion keeps of a meter is erased; in the order in which it is done."""

from typing import Any
from uuid import UUID

from django.contrib.admin.models import LogEntry
from django.contrib.contenttypes.models import ContentType
from django.db import connection

from ingestion.erasing import Subject, erases
from ingestion.models import Feed, Gap, Outcome, ReadingRevision, Run, Upload, UploadPart
from meters.language import N_
from meters.models import Meter, Register

# In a run's list of meters, where none means all, something must stand for one that is gone.
NOBODY = UUID(int=0)


def _execute(sql: str, values: dict[str, Any]) -> int:
    with connection.cursor() as cursor:
        cursor.execute(sql, values)
        return int(cursor.rowcount)


@erases(N_("readings"))
def count_readings(subject: Subject) -> int:
    """Count readings; their days are erased next."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT coalesce(sum(d.count), 0) FROM daily_profile d "
            "JOIN meters_register r ON r.id = d.register_id WHERE r.meter_id = %s",
            [subject.pk],
        )
        return int(cursor.fetchone()[0])


@erases(N_("stored days"))
def erase_days(subject: Subject) -> int:
    return _execute(
        "DELETE FROM daily_profile WHERE register_id IN "
        "(SELECT id FROM meters_register WHERE meter_id = %(meter)s)",
        {"meter": subject.pk},
    )


@erases(N_("revisions"))
def erase_revisions(subject: Subject) -> int:
    return ReadingRevision.objects.filter(register__meter=subject.pk).delete()[0]


@erases(N_("gaps"))
def erase_gaps(subject: Subject) -> int:
    return Gap.objects.filter(register__meter=subject.pk).delete()[0]


@erases(N_("registers"))
def erase_registers(subject: Subject) -> int:
    return Register.objects.filter(meter=subject.pk).delete()[0]


@erases(N_("rejections"))
def erase_rejections(subject: Subject) -> int:
    """Also those of other meters or of none whose text names this one."""
    return _execute(
        "DELETE FROM ingestion_rejectedreading WHERE meter_id = %(meter)s "
        "OR replace(lower(muid), '-', '') = %(hex)s OR lower(raw) LIKE ANY(%(patterns)s) "
        "OR lower(words) LIKE ANY(%(patterns)s)",
        {"meter": subject.pk, "hex": subject.muid.hex, "patterns": subject.patterns},
    )


@erases(N_("outcomes of runs"))
def erase_outcomes(subject: Subject) -> int:
    return Outcome.objects.filter(meter=subject.pk).delete()[0]


@erases(N_("feeds"))
def erase_feed(subject: Subject) -> int:
    return Feed.objects.filter(meter=subject.pk).delete()[0]


@erases(N_("mentions in runs"))
def scrub_runs(subject: Subject) -> int:
    """Take the meter out of what runs were asked for, of their files' names and their errors."""
    _execute(
        'UPDATE ingestion_run SET "only" = array_replace("only", %(muid)s, %(nobody)s) '
        'WHERE %(muid)s = ANY("only")',
        {"muid": subject.muid, "nobody": NOBODY},
    )
    mentioned = _mentioned(
        "SELECT id FROM ingestion_run "
        "WHERE lower(name) LIKE ANY(%(patterns)s) OR lower(error) LIKE ANY(%(patterns)s)",
        subject,
    )
    for run in Run.objects.filter(pk__in=mentioned):
        Run.objects.filter(pk=run.pk).update(
            name=subject.scrubbed(run.name)[:200], error=subject.scrubbed(run.error)
        )
    others = _mentioned(
        "SELECT id FROM ingestion_outcome WHERE lower(error) LIKE ANY(%(patterns)s) "
        "OR lower(array_to_string(warnings, ' ')) LIKE ANY(%(patterns)s)",
        subject,
    )
    for outcome in Outcome.objects.filter(pk__in=others):
        Outcome.objects.filter(pk=outcome.pk).update(
            error=subject.scrubbed(outcome.error),
            warnings=[subject.scrubbed(text) for text in outcome.warnings],
        )
    return len(mentioned) + len(others)


def _mentioned(sql: str, subject: Subject) -> list[int]:
    with connection.cursor() as cursor:
        cursor.execute(sql, {"patterns": subject.patterns})
        return [int(pk) for (pk,) in cursor.fetchall()]


@erases(N_("answers kept for repeats"))
def erase_answers(subject: Subject) -> int:
    """A request that is repeated is done again then, and finds no meter."""
    return _execute(
        "DELETE FROM ingestion_keptanswer "
        "WHERE lower(encode(body, 'escape')) LIKE ANY(%(patterns)s)",
        {"patterns": subject.patterns},
    )


@erases(N_("entries of the admin's log"))
def erase_log_entries(subject: Subject) -> int:
    kind = ContentType.objects.get_for_model(Meter)
    return LogEntry.objects.filter(content_type=kind, object_id=str(subject.pk)).delete()[0]


@erases(N_("files that waited to be looked at"))
def erase_uploads(_: Subject) -> int:
    """All of them: compressed and in any notation, each might hold its readings.

    They are kept for two hours at most, and whoever has brought one has it still.
    """
    UploadPart.objects.all().delete()
    return Upload.objects.all().delete()[0]
