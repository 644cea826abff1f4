"""Asking a web process while something is gone."""

import re
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import requests

from tests.conftest import CUSTOMERS
from tests.faults.gates import Gate
from tests.faults.victims import Victim

PASSWORD = "only-for-this-trial-7"
PATHS = ("/meters/", "/api/v1/meters/")


@dataclass(frozen=True)
class Answer:
    """What came, after how long [s]."""

    status: int
    seconds: float
    text: str
    headers: Any
    slug: str


@dataclass(frozen=True)
class Site:
    """A web process, the doors and servers behind it, and its log."""

    address: str
    log: Path
    cookies: dict[str, str]
    redis: Victim
    postgres: Gate
    redis_url: str

    def ask(self, path: str, slug: str = "acme", method: str = "get", **options: Any) -> Answer:
        """Ask a page as who is signed in, the API with a token."""
        customer = CUSTOMERS[slug]
        headers = {"Host": customer.domain} | options.pop("headers", {})
        if path.startswith("/api/"):
            headers["Authorization"] = f"Bearer {customer.token}"
        else:
            headers.setdefault("Cookie", f"session={self.cookies[slug]}")
        began = time.monotonic()
        found = requests.request(
            method,
            self.address + path,
            headers=headers,
            timeout=30,
            allow_redirects=False,
            **options,
        )
        seconds = time.monotonic() - began
        return Answer(found.status_code, seconds, found.text, found.headers, slug)

    def ask_at_once(self, callers: int, seconds: float = 0.0) -> list[Answer]:
        """Ask both tenants for pages and the API on several threads, once each or for a time."""

        def ask(number: int) -> list[Answer]:
            until, found = time.monotonic() + seconds, []
            while True:
                slug = ("acme", "nordwind")[(number + len(found)) % 2]
                found.append(self.ask(PATHS[number // 2 % 2], slug))
                if time.monotonic() >= until:
                    return found

        with ThreadPoolExecutor(callers) as threads:
            return [one for job in threads.map(ask, range(callers)) for one in job]

    def sign_in(self, slug: str = "acme") -> Answer:
        """Sign in by the form, as a person without a session does."""
        form = self.ask("/sign-in/", slug, headers={"Cookie": ""})
        secret = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', form.text)
        assert secret, form.text[:500]
        csrf = form.headers["Set-Cookie"].partition("csrf=")[2].partition(";")[0]
        fields = {
            "username": f"signs-in@{slug}.example",
            "password": PASSWORD,
            "csrfmiddlewaretoken": secret[1],
        }
        return self.ask("/sign-in/", slug, "post", data=fields, headers={"Cookie": f"csrf={csrf}"})

    def told(self, words: str) -> int:
        """Count the lines of the log that say so."""
        return self.log.read_text().count(words)


def check_whole(answers: list[Answer]) -> None:
    """Each answer came, and shows its own tenant's meter alone."""
    for one in answers:
        assert one.status == 200, (one.status, re.findall(r"<dd>([^<]+)", one.text) or one.text)
        other = {"acme": "nordwind", "nordwind": "acme"}[one.slug]
        assert f"{one.slug}-meter" in one.text
        assert f"{other}-meter" not in one.text
