"""The commands of the operators' page: each is one of the product's, with options that it has."""

import re
import shlex
from pathlib import Path

import pytest
from django.conf import settings
from django.core.management import load_command_class
from django.core.management.base import BaseCommand

APPS = ("tenants", "ingestion", "notices")
PAGE = Path(settings.BASE_DIR) / "docs" / "operations.md"
TEXT = PAGE.read_text()
NAMES = {"MUID": "95ce3367-cbce-4a4d-bbe3-da082831d7bd", "HOST": "acme.example.com"}
COMMANDS = sorted(set(re.findall(r"`manage\.py ([^`]+)`", TEXT)))


def load(name: str) -> BaseCommand:
    for app in APPS:
        if (Path(settings.BASE_DIR) / app / "management" / "commands" / f"{name}.py").exists():
            return load_command_class(app, name)
    return load_command_class("django_tenants", name)


@pytest.mark.parametrize("line", COMMANDS)
def test_a_command_takes_what_the_page_gives_it(line: str) -> None:
    name, *arguments = (NAMES.get(word, word) for word in shlex.split(line))
    command = load(name)
    # Then a wrong option raises instead of ending the process; nothing is done either way.
    command._called_from_command_line = False
    command.create_parser("manage.py", name).parse_args(arguments)


def test_the_page_has_commands() -> None:
    assert len(COMMANDS) > 15


def test_each_rule_for_alerts_is_one_that_there_is() -> None:
    rules = (Path(settings.BASE_DIR) / "deploy" / "prometheus" / "alerts.yml").read_text()
    named = set(re.findall(r"Lastgang[A-Z]\w+", TEXT))
    assert named
    assert {one for one in named if f"alert: {one}\n" not in rules} == set()


def test_what_the_log_is_said_to_tell_is_what_it_tells() -> None:
    from config.outages import redis_outage

    assert f"`{redis_outage('redis://h:1/0').name} is gone`" in TEXT
    assert "`PostgreSQL is gone`" in TEXT
