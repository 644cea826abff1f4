"""`manage.py demo`: two tenants with readings, served until Ctrl-C."""

import ctypes
import logging
import os
import secrets
import signal
import subprocess
import sys
import time
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

import requests
from django.conf import settings
from django.core.management import CommandError, call_command
from django.core.management.base import BaseCommand

from accounts.models import User
from config.embedded import default_home
from ingestion.demo import (
    SIMULATOR_OPTIONS,
    Recordings,
    find_recordings,
    free_port,
    set_up_meters,
)
from tenants.models import Tenant
from tenants.onboarding import create_tenant
from tenants.schema import enter_public

PR_SET_PDEATHSIG = 1
# Each with its name and its language.
TENANTS = {"acme": ("Acme Energy", "en"), "nordwind": ("Nordwind Community", "de")}


class Command(BaseCommand):
    help = "Make two tenants with readings and serve them with web, worker and scheduler."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--port", type=int, default=int(os.environ.get("PORT") or 8000))
        parser.add_argument(
            "--once", action="store_true", help="end as soon as everything is up, for a test"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        if settings.ENVIRONMENT != "development":
            raise CommandError("The demo is for a development machine (LASTGANG_ENV).")
        home = default_home(os.environ)
        home.mkdir(parents=True, exist_ok=True)
        # What the record of runs says is told by the table; here it would break the bar up.
        logging.getLogger("ingestion").setLevel(logging.WARNING)
        for number in (signal.SIGINT, signal.SIGTERM):
            # SIGINT, too: what a shell without job control starts in the background ignores it.
            signal.signal(number, _interrupt)
        try:
            self.serve(home, options)
        except KeyboardInterrupt:
            self.say("\nStopped.")

    def serve(self, home: Path, options: dict[str, Any]) -> None:
        began = time.perf_counter()
        self.say("Preparing the database …")
        enter_public()
        call_command("migrate_schemas", verbosity=0, interactive=False)
        recordings = find_recordings(Path(settings.RECORDINGS_DIR))
        port, simulator = free_port(options["port"]), free_port(8100)
        password = self.password(home)
        for slug, (name, language) in TENANTS.items():
            self.make_tenant(slug, name, language, password)
        processes = self.start(home, port, simulator, recordings)
        try:
            self.wait_for(f"http://127.0.0.1:{simulator}/", processes)
            self.ingest(f"http://127.0.0.1:{simulator}", recordings)
            self.wait_for(f"http://127.0.0.1:{port}/readyz", processes)
            self.introduce(port, password, recordings, time.perf_counter() - began)
            if not options["once"]:
                processes.wait()
                raise CommandError("A process of the demo ended by itself; its words are above.")
        except KeyboardInterrupt:
            self.say("\nStopping …")
        finally:
            self.stop(processes)

    def say(self, text: str) -> None:
        self.stdout.write(text)
        self.stdout.flush()

    def password(self, home: Path) -> str:
        """Make the demo's password once, and keep it for the next start."""
        if given := os.environ.get("DEMO_PASSWORD"):
            return given
        path = home / "demo-password"
        if not path.exists():
            with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
                file.write(secrets.token_urlsafe(12))
        return path.read_text()

    def make_tenant(self, slug: str, name: str, language: str, password: str) -> None:
        email = f"demo@{slug}.localhost"
        found = Tenant.objects.filter(schema_name=slug).first()
        if found is None:
            create_tenant(slug=slug, name=name, email=email, password=password, language=language)
            return
        with found.entered():
            user = User.objects.filter(email=email).first()
            if user is None:
                User.objects.create_superuser(email=email, password=password)
            elif not user.check_password(password):
                user.set_password(password)
                user.save(update_fields=["password"])

    def start(
        self, home: Path, port: int, simulator: int, recordings: Recordings
    ) -> subprocess.Popen[bytes]:
        """Start web, worker, scheduler and simulator, as the Procfile says."""
        options = SIMULATOR_OPTIONS
        environment = os.environ | {
            "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}",
            "PORT": str(port),
            "SIMULATOR_PORT": str(simulator),
            "SCHEDULE_FILE": str(home / "schedule"),
            "LOG_LEVEL": os.environ.get("LOG_LEVEL", "WARNING"),
            "PYTHONUNBUFFERED": "1",
        }
        if recordings.folder:
            # Not through the shell that reads the Procfile: a path may hold anything.
            environment["SIMULATOR_RECORDINGS"] = str(recordings.folder)
            options += ' --recordings "$SIMULATOR_RECORDINGS"'
        procfile = home / "Procfile"
        lines = (settings.BASE_DIR / "Procfile").read_text()
        procfile.write_text(lines.replace("$SIMULATOR_OPTIONS", options))
        return subprocess.Popen(
            [
                sys.executable,
                "-m",
                "honcho",
                "start",
                "--app-root",
                str(settings.BASE_DIR),
                "--procfile",
                str(procfile),
                "--no-prefix",
                "--no-colour",
            ],
            cwd=settings.BASE_DIR,
            env=environment,
            # What it tells of its own processes is no news here; what those tell goes to stderr.
            stdout=subprocess.DEVNULL,
            # Ctrl-C reaches this command alone, which then ends the others in order.
            start_new_session=True,
            preexec_fn=_end_with_parent,
        )

    def wait_for(self, address: str, processes: subprocess.Popen[bytes]) -> None:
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            if processes.poll() is not None:
                raise CommandError("A process of the demo ended by itself; its words are above.")
            try:
                requests.get(address, timeout=2)
            except requests.RequestException:
                time.sleep(0.1)
            else:
                return
        raise CommandError(f"Nothing answers at {address} after a minute.")

    def ingest(self, simulator: str, recordings: Recordings) -> None:
        for slug in TENANTS:
            tenant = Tenant.objects.named(slug)
            with tenant.entered():
                set_up_meters(slug, simulator, recordings)
        self.say("Reading the meters …")
        try:
            call_command("ingest", all_tenants=True, stdout=self.stdout, stderr=self.stderr)
        except CommandError as error:
            # What was read can be looked at; the scheduler asks for the rest again.
            self.stderr.write(str(error))

    def introduce(self, port: int, password: str, recordings: Recordings, seconds: float) -> None:
        if recordings.public or recordings.folder:
            origin = recordings.note
        else:
            origin = "Synthetic readings only: the challenge's recordings were not found"
        lines = [f"\nReady after {seconds:.0f} s. {origin}.\n"]
        for slug, (name, _language) in TENANTS.items():
            lines.append(f"  {name:20}  http://{slug}.localhost:{port}/")
            lines.append(f"  {'sign-in':20}  demo@{slug}.localhost   {password}\n")
        lines.append(
            "Browsers find *.localhost by themselves. Another client asks 127.0.0.1 by name:\n"
            f"  curl -H 'Host: acme.localhost' http://127.0.0.1:{port}/sign-in/\n\n"
            "Ctrl-C stops everything."
        )
        self.say("\n".join(lines))

    def stop(self, processes: subprocess.Popen[bytes]) -> None:
        """End all that was started; whoever does not go is made to."""
        # A second Ctrl-C must not leave half of it behind.
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        if processes.poll() is None:
            processes.terminate()
        try:
            processes.wait(20)
        except subprocess.TimeoutExpired:
            processes.kill()
            processes.wait()
        self.say("Stopped.")


def _interrupt(_signal: int, _frame: object) -> None:
    raise KeyboardInterrupt


def _end_with_parent() -> None:
    """Have the kernel end the processes in order when this command is killed outright (Linux)."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
