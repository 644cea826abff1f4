"""The catalogues say everything that the code does, once, and with the same figures."""

import ast
from pathlib import Path

import pytest
from babel.messages.catalog import Catalog
from django.utils import translation

from config.translations import (
    KEYWORDS,
    LANGUAGES,
    PARTS,
    Part,
    catalogues,
    files,
    findings,
    known,
    placeholders,
    words_of,
)


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("part", PARTS, ids=lambda part: part.home)
def test_a_catalogue_is_complete(part: Part, language: str) -> None:
    assert findings(part, language) == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_text_says_the_same_in_every_part(language: str) -> None:
    """Django keeps one translation of a text, whichever catalogue it comes from."""
    said: dict[tuple[object, str | None], set[object]] = {}
    for path in catalogues():
        for message in known(path, language):
            if message.id:
                said.setdefault((message.id, message.context), set()).add(message.string)
    assert {text: strings for text, strings in said.items() if len(strings) > 1} == {}


@pytest.mark.parametrize("language", LANGUAGES)
def test_what_is_translated_is_what_is_said(language: str) -> None:
    """Django and other libraries have catalogues, too, with words like Save in them."""
    with translation.override(language):
        for path in catalogues():
            for message in known(path, language):
                if message.id and not message.context and isinstance(message.id, str):
                    assert translation.gettext(message.id) == message.string


def test_words_are_found_in_code_and_templates(tmp_path: Path) -> None:
    code = tmp_path / "some.py"
    code.write_text('_("{n} days").format(n=1)\n_n("one", "many", 2)\nN_("later")\nf("no")\n')
    assert [message for message, _, _ in words_of(code)] == ["{n} days", ("one", "many"), "later"]
    page = tmp_path / "some.html"
    page.write_text(
        '{% load i18n %}\n  <p>(\n{% translate "Meters" %}</p>\n'
        "{% blocktranslate count n=n trimmed %}\n  {{ n }} gap\n{% plural %}\n  {{ n }} gaps\n"
        "{% endblocktranslate %}{% blocktranslate trimmed with a=b %}of {{ a }}\n there"
        "{% endblocktranslate %}"
    )
    assert [message for message, _, _ in words_of(page)] == [
        "Meters",
        ("%(n)s gap", "%(n)s gaps"),
        "of %(a)s there",
    ]


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("{n} of {total:.1f}", {"n", "total"}),
        ("%(n)s of %(total)s", {"n", "total"}),
        ("a lone { brace", set()),
        ("100 % of it", set()),
    ],
)
def test_placeholders(text: str, names: set[str]) -> None:
    assert placeholders(text) == names


def test_a_translation_with_other_figures_is_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    part = Part(".", ("config",))
    catalog = Catalog(locale="de")
    catalog.add("{n} of {total}", "{n} von {ganz}")
    catalog.add("nothing", "")
    monkeypatch.setattr("config.translations.wanted", lambda _: catalog)
    monkeypatch.setattr("config.translations.known", lambda *_: catalog)
    different, untranslated = findings(part, "de")
    assert "name different figures" in different
    assert "“nothing” is not translated" in untranslated


def unseen(source: str) -> list[str]:
    """Find words that are to be translated and that Babel does not see: in or as an f-string."""
    found = []
    for node in ast.walk(ast.parse(source)):
        inside = ast.walk(node) if isinstance(node, ast.JoinedStr) else ()
        found += [ast.unparse(one) for one in inside if _translates(one)]
        if _translates(node) and isinstance(node.args[0], ast.JoinedStr):  # type: ignore[attr-defined]
            found.append(ast.unparse(node))
    return found


def _translates(node: ast.AST) -> bool:
    if not isinstance(node, ast.Call) or not node.args:
        return False
    name = getattr(node.func, "id", getattr(node.func, "attr", ""))
    # What is translated by its variable was marked where the constant stands.
    constant = isinstance(node.args[0], ast.Constant | ast.JoinedStr)
    return name in KEYWORDS and constant


def test_no_word_hides_in_an_f_string() -> None:
    assert unseen(
        'f"{_(\'days\')} of {n}"; _(f"{n} days"); f"{_(name)}"; _("{n}").format(n=1)'
    ) == [
        "_('days')",
        "_(f'{n} days')",
    ]
    for part in PARTS:
        for path in files(part):
            if path.suffix == ".py":
                assert unseen(path.read_text()) == [], path
