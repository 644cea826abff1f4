"""How letters are erased that tell of a meter."""

from dataclasses import replace

from django.db.models import Q
from django.utils import translation

from ingestion.erasing import Subject, erases
from notices.events import language_of, read_events, subject, written
from notices.models import Letter, Trouble
from tenants.models import Tenant


@erases("letters that told of it")
def erase_letters(erased: Subject) -> int:
    """Take a meter out of letters, sent or not; one that told of nothing else goes as a whole."""
    told = Q(events__contains=[{"kind": Trouble.Kind.SILENT, "number": erased.pk}])
    for mark in erased.marks:
        # What a source's last run said may name one of its meters.
        told |= Q(events__icontains=mark)
    letters = list(
        Letter.objects.filter(told).select_related("user").select_for_update(of=["self"])
    )
    tenant = Tenant.objects.here()
    for letter in letters:
        others = [
            replace(event, words=erased.scrubbed(event.words))
            for event in read_events(letter.events)
            if event.key != (Trouble.Kind.SILENT, erased.pk)
        ]
        if not others:
            letter.delete()
            continue
        with translation.override(language_of(letter.user, tenant)):
            letter.subject = subject(tenant.name, others)
        letter.events = written(others)
        letter.save(update_fields=["subject", "events"])
    return len(letters)
