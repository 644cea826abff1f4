"""The words by which headers and cells of German, French and English files say what they are."""

import re

from ingestion.doors.columns import EXPORT, IMPORT, Role
from meters.qualities import BY_NAME, Quality

# Of the first that fits; a word counts where it begins one of the header's words.
ROLE_WORDS: tuple[tuple[Role, str], ...] = (
    (Role.QUALITY, r"status|qualit|messwertstatus|statut|flag"),
    (Role.UNIT, r"einheit|unit|unité|unite"),
    (Role.REGISTER, r"obis|register|kennzahl|kennziffer|code|kanal|channel"),
    (
        Role.METER,
        r"muid|meter|zähler|zaehler|zählpunkt|zaehlpunkt|messpunkt|mess|markt|compteur|point",
    ),
)
START_WORDS = r"von|from|start|beginn|ab|début|debut|begin"
END_WORDS = r"bis|to|end|ende|stop|until|fin"
IMPORT_WORDS = (
    r"bezug|import|verbrauch|consumption|consumed|entnahme|netzbezug|usage|"
    r"consommation|soutirage|a\+|\+a"
)
EXPORT_WORDS = (
    r"export|einspeisung|rückspeisung|rueckspeisung|rücklieferung|ruecklieferung|feed-in|feedin|"
    r"injection|refoulement|a-|-a"
)
QUALITY_WORDS = {
    **BY_NAME,
    "w": Quality.MEASURED,
    "wahr": Quality.MEASURED,
    "wahrer wert": Quality.MEASURED,
    "gemessen": Quality.MEASURED,
    "ok": Quality.MEASURED,
    "e": Quality.SUBSTITUTED,
    "ersatzwert": Quality.SUBSTITUTED,
    "ersatz": Quality.SUBSTITUTED,
    "geschätzt": Quality.ESTIMATED,
    "g": Quality.ESTIMATED,
    "v": Quality.PROVISIONAL,
    "vorläufig": Quality.PROVISIONAL,
    "vorläufiger wert": Quality.PROVISIONAL,
    "berechnet": Quality.CALCULATED,
    "korrigiert": Quality.ADJUSTED,
}


def says(header: str, words: str) -> bool:
    """Tell whether one of the words begins a word of the header."""
    return bool(re.search(rf"(?:^|[\s_.,;:/()\[\]\"-])(?:{words})", header.casefold()))


def says_whole(header: str, words: str) -> bool:
    """Tell whether one of the words is a word of the header; ``to`` is none of ``total``."""
    return bool(
        re.search(
            rf"(?:^|[\s_.,;:/()\[\]\"-])(?:{words})(?:$|[\s_.,;:/()\[\]\"-])", header.casefold()
        )
    )


def register_in(header: str) -> str:
    """Find the register that a header means by its words, or nothing."""
    out, into = says(header, EXPORT_WORDS), says(header, IMPORT_WORDS)
    if out == into:
        return ""
    return EXPORT if out else IMPORT


def role_in(header: str) -> Role | None:
    """Find what a header says that its column holds beside times and values."""
    return next((role for role, words in ROLE_WORDS if says(header, words)), None)
