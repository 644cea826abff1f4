"""How letters are erased that tell of a meter."""

from dataclasses import replace

from django.db.models import Q

from ingestion.erasing import Subject, erases
from notices.events import read_events, subject, written
from notices.models import Letter, Trouble


@erases("letters that told of it")
def erase_letters(erased: Subject) -> int:
    """Take a meter out of letters, sent or not; one that told of nothing else goes as a whole."""
    told = Q(events__contains=[{"kind": Trouble.Kind.SILENT, "number": erased.pk}])
    for mark in erased.marks:
        # What a source's last run said may name one of its meters.
        told |= Q(events__icontains=mark)
    letters = list(Letter.objects.filter(told).select_for_update())
    for letter in letters:
        others = [
            replace(event, words=erased.scrubbed(event.words))
            for event in read_events(letter.events)
            if event.key != (Trouble.Kind.SILENT, erased.pk)
        ]
        if not others:
            letter.delete()
            continue
        tenant = letter.subject.removeprefix("[").partition("]")[0]
        letter.subject, letter.events = subject(tenant, others), written(others)
        letter.save(update_fields=["subject", "events"])
    return len(letters)
