"""The registers of a batch: found or made, and locked for whoever writes their readings."""

from collections.abc import Sequence
from uuid import UUID

from ingestion.batch import RegisterKey
from meters.models import Meter, Register


class UnknownMeterError(ValueError):
    """Readings of a meter that the tenant does not have."""


def locked_registers(keys: Sequence[RegisterKey]) -> list[Register]:
    """Make the registers that are missing and lock all of them, in the order of their keys.

    Returns
    -------
    The registers in the order of `keys`, each with its meter.
    """
    muids = {key.muid for key in keys}
    locked = _locked(muids)
    missing = {key for key in keys if (key.muid, key.obis) not in locked}
    if missing:
        _make_registers(missing)
        locked = _locked(muids)
    return [locked[key.muid, key.obis] for key in keys]


def _locked(muids: set[UUID]) -> dict[tuple[UUID, str], Register]:
    if not muids:
        return {}
    found = (
        Register.objects.filter(meter__muid__in=muids)
        .select_related("meter")
        .select_for_update(no_key=True, of=("self",))
        .order_by("pk")
    )
    return {(register.meter.muid, register.obis): register for register in found}


def _make_registers(keys: set[RegisterKey]) -> None:
    meters = dict(Meter.objects.filter(muid__in={k.muid for k in keys}).values_list("muid", "pk"))
    unknown = sorted({str(key.muid) for key in keys if key.muid not in meters})
    if unknown:
        others = f", nor {len(unknown) - 1:,} others" if len(unknown) > 1 else ""
        raise UnknownMeterError(f"There is no meter {unknown[0]} here{others}. Register it first.")
    # One code is one register, whatever measurements it came under: the first one names it.
    wanted = {(meters[key.muid], key.obis): key.measurement for key in sorted(keys, reverse=True)}
    Register.objects.bulk_create(
        [
            Register(meter_id=meter, obis=obis, measurement=measurement)
            for (meter, obis), measurement in sorted(wanted.items())
        ],
        ignore_conflicts=True,
    )
