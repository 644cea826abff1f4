"""The catalogues of translations, made and checked with Babel alone: `make messages`.

Each part of the product has one, `locale/` that of the frame, which the parts share. Django's own
tools would need GNU gettext on the machine; this needs what pip installs.
"""

import re
import string
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

from babel.messages.catalog import Catalog, Message
from babel.messages.extract import extract
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po, write_po
from django.utils.translation.template import templatize

ROOT = Path(__file__).resolve().parent.parent
LANGUAGES = ("de",)
HEADERS = ("Language:", "Plural-Forms", "MIME-Version", "Content-")
KEYWORDS: dict[str, tuple[int | tuple[int, str], ...] | None] = {
    **dict.fromkeys(("_", "N_", "gettext", "gettext_lazy", "gettext_noop")),
    **dict.fromkeys(("_n", "ngettext", "ngettext_lazy"), (1, 2)),
    **dict.fromkeys(("pgettext", "pgettext_lazy"), ((1, "c"), 2)),
    **dict.fromkeys(("npgettext", "npgettext_lazy"), ((1, "c"), 2, 3)),
}


@dataclass(frozen=True)
class Part:
    """A part of the product with a catalogue of its own.

    Attributes
    ----------
    home
        The folder in which its ``locale/`` stands.
    sources
        Where its words stand: folders and files.
    """

    home: str
    sources: tuple[str, ...]

    def catalogue(self, language: str) -> Path:
        return ROOT / self.home / "locale" / language / "LC_MESSAGES" / "django.po"


PARTS = (
    Part(".", ("config", "templates")),
    Part("tenants", ("tenants",)),
    Part("accounts", ("accounts", "templates/accounts", "templates/registration")),
    Part("meters", ("meters",)),
    Part("ingestion", ("ingestion", "templates/ingestion")),
    Part("analytics", ("analytics", "templates/analytics")),
    Part("notices", ("notices", "templates/notices")),
)


def files(part: Part) -> Iterator[Path]:
    """List the files of a part in order, without those that belong to a more special one."""
    special = [source for other in PARTS for source in other.sources if other is not part]
    for source in part.sources:
        for path in sorted((ROOT / source).rglob("*")):
            inside = path.relative_to(ROOT)
            taken = any(len(one) > len(source) and inside.is_relative_to(one) for one in special)
            if path.suffix in {".py", ".html", ".txt"} and not taken:
                yield path


def words_of(path: Path) -> Iterator[tuple[str | tuple[str, str], str | None, list[str]]]:
    """Find what a file wants translated: text (or one and many), its context, comments."""
    source = path.read_text()
    if path.suffix != ".py":
        # Django writes a template as a program that calls gettext; trimmed texts come out trimmed.
        lines = templatize(source, origin=str(path)).splitlines()
        source = "\n".join(line.strip() for line in lines)
    found = extract("python", BytesIO(source.encode()), KEYWORDS, ["Translators:"])
    for _line, message, comments, context in found:
        yield message, context, comments  # type: ignore[misc]


def wanted(part: Part) -> Catalog:
    """Gather the words of a part, each with the files in which it stands."""
    catalog = Catalog(charset="utf-8")
    for path in files(part):
        place = path.relative_to(ROOT).as_posix()
        for message, context, comments in words_of(path):
            if message and (isinstance(message, tuple) or message.strip()):
                catalog.add(
                    message, locations=[(place, 0)], auto_comments=comments, context=context
                )
    return catalog


def known(path: Path, language: str) -> Catalog:
    """Read a catalogue; an empty one where there is none."""
    if not path.exists():
        return Catalog(locale=language, charset="utf-8")
    with path.open("rb") as file:
        return read_po(file, locale=language)


def update(part: Part, language: str) -> None:
    """Bring a catalogue in line with the words that stand in the code, and keep what is known."""
    path = part.catalogue(language)
    template, before = wanted(part), known(path, language)
    if not len(template):
        return
    made = Catalog(
        locale=language,
        charset="utf-8",
        project="Lastgang",
        header_comment=f"# Lastgang in {language}: edited here, kept complete by `make messages`.",
        fuzzy=False,
    )
    for message in template:
        if not message.id:
            continue
        old = before.get(_key(message), message.context)
        made.add(
            message.id,
            old.string if old else ("", "") if message.pluralizable else "",
            locations=message.locations,
            auto_comments=message.auto_comments,
            context=message.context,
            flags=message.flags - {"fuzzy"},
        )
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("wb") as file:
        write_po(file, made, width=100, include_lineno=False, sort_output=True, omit_header=False)
    # Who made it, and when, is told by the repository.
    header, blank, entries = path.read_text().partition("\n\n")
    header = re.sub(rf'^"(?!{"|".join(HEADERS)}).*:.*\n', "", header, flags=re.MULTILINE)
    path.write_text(header + blank + entries)


def compile_catalogue(path: Path) -> None:
    """Write the form that the product reads beside the one that people edit."""
    with path.open("rb") as file:
        catalog = read_po(file)
    with path.with_suffix(".mo").open("wb") as file:
        write_mo(file, catalog)


def catalogues() -> list[Path]:
    paths = (part.catalogue(language) for part in PARTS for language in LANGUAGES)
    return [path for path in paths if path.exists()]


def compile_stale() -> None:
    """Compile what has changed since it was compiled."""
    for path in catalogues():
        compiled = path.with_suffix(".mo")
        if not compiled.exists() or compiled.stat().st_mtime < path.stat().st_mtime:
            compile_catalogue(path)


def findings(part: Part, language: str) -> list[str]:
    """Say what is wrong with a catalogue: what it lacks, what nobody says, what does not fit."""
    template, catalog = wanted(part), known(part.catalogue(language), language)
    name = part.catalogue(language).relative_to(ROOT)
    found = []
    ours = {(_key(message), message.context) for message in template if message.id}
    theirs = {(_key(message), message.context): message for message in catalog if message.id}
    found += [f"{name} lacks “{text}”; run make messages" for text, _ in ours - theirs.keys()]
    found += [f"{name} has “{text}”, which nobody says" for text, _ in theirs.keys() - ours]
    for (text, _context), message in theirs.items():
        strings = _forms(message.string)
        if not all(strings):
            found.append(f"{name}: “{text}” is not translated")
            continue
        # A form for one thing may leave its number out, and each may use what either uses.
        ids = _forms(message.id)
        allowed = [placeholders(one) for one in ids]
        for string_ in strings:
            used = placeholders(string_)
            if used not in allowed and not (len(ids) > 1 and used <= set().union(*allowed)):
                found.append(f"{name}: “{text}” and “{string_}” name different figures")
    return found


def placeholders(text: str) -> set[str]:
    """Name what is put into a text: ``{name}`` and ``%(name)s``."""
    names = set(re.findall(r"%\((\w+)\)[sd]", text))
    try:
        fields = string.Formatter().parse(text)
        names |= {re.split(r"[.\[]", field)[0] for _, field, _, _ in fields if field}
    except ValueError:
        # A lone brace: a text that is not formatted.
        pass
    return names


def _forms(text: str | Sequence[str] | None) -> list[str]:
    """List a text's forms: one, or one for one thing and one for several."""
    return [text or ""] if isinstance(text, str) or text is None else list(text)


def _key(message: Message) -> str:
    return _forms(message.id)[0]


def main(argument: str = "") -> int:
    """Run ``update``, ``compile`` or ``check``."""
    pairs = [(part, language) for part in PARTS for language in LANGUAGES]
    if argument == "update":
        for part, language in pairs:
            update(part, language)
    if argument in {"update", "compile"}:
        for path in catalogues():
            compile_catalogue(path)
    if argument in {"update", "check"}:
        found = [one for part, language in pairs for one in findings(part, language)]
        print(*found, sep="\n")  # noqa: T201 - a command
        return int(bool(found)) if argument == "check" else 0
    return 0 if argument else 2


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:2]))
