"""The image rehearsed: its steps in an empty root, and what is made of them serves a page."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
import pytest
import requests
from cryptography.fernet import Fernet
from django.conf import settings
from django.db import connection

from tests.deployment.dockerfile import context, stages
from tests.deployment.rehearsing import Root, Transcript, build, why_not
from tests.deployment.rendering import ROOT, one, render
from tests.tenants.processes import environment, free_port, wait_until

HOST = "acme.rehearsal.example"


def test_every_word_of_the_dockerfile_is_rehearsed() -> None:
    first, second = stages((ROOT / "Dockerfile").read_text())
    assert first.name == "build"
    assert [word for word, _ in second.steps][-1] == "CMD"
    # Root in the image is nobody's need: the user is a number, which Kubernetes can see is not 0.
    assert ("USER", "10001:10001") in second.steps
    with pytest.raises(ValueError, match="VOLUME is not rehearsed"):
        stages("FROM a\nVOLUME /data\n")


def test_no_secret_and_no_data_is_sent_to_the_build() -> None:
    sent = {str(path) for path in context(ROOT)}
    assert {"manage.py", "requirements.txt", "config/settings.py"} <= sent
    for name in sent:
        assert not re.match(r"\.git/|\.env|\.lastgang|\.venv|\.ci/|test-results|recordings", name)


@contextmanager
def database() -> Iterator[str]:
    """An empty database beside the tests' own, by its address."""
    address = environment()["DATABASE_URL"].rpartition("/")[0]
    with psycopg.connect(f"{address}/postgres", autocommit=True) as server:
        server.execute("DROP DATABASE IF EXISTS rehearsal WITH (FORCE)")
        server.execute("CREATE DATABASE rehearsal")
        try:
            yield f"{address}/rehearsal"
        finally:
            server.execute("DROP DATABASE rehearsal WITH (FORCE)")


@pytest.mark.soak
@pytest.mark.django_db
def test_the_images_steps_make_what_serves_a_page(tmp_path: Path) -> None:
    if reason := why_not():
        pytest.skip(f"The image can't be rehearsed here: {reason}.")
    assert connection.settings_dict["HOST"]
    transcript = Transcript()
    try:
        root = build(ROOT, tmp_path, transcript)
        _size(root, transcript)
        with database() as address:
            given = {
                "DATABASE_URL": address,
                # A database of Redis apart from that of the tests.
                "REDIS_URL": re.sub(r"/\d+$", "/12", settings.REDIS_URL),
                "SECRET_KEY": "of-the-rehearsal-0123456789-abcdefghijklmnopqrstuvwxyz-ABCDEFG",
                "FIELD_ENCRYPTION_KEYS": Fernet.generate_key().decode(),
                "PUBLIC_DOMAIN": HOST.partition(".")[2],
            }
            _begin(root, given, transcript)
            _serve(root, given, tmp_path, transcript)
            _work(root, given, tmp_path, transcript)
    finally:
        results = ROOT / "test-results"
        results.mkdir(exist_ok=True)
        (results / "rehearsal.txt").write_text("\n".join(transcript.lines) + "\n")


def _size(root: Root, transcript: Transcript) -> None:
    """What the image adds to its base, and that nothing of development is in it."""
    sizes = {
        name: sum(p.lstat().st_size for p in (root.folder / name).rglob("*") if p.is_file())
        for name in ("app", "venv")
    }
    told = ", ".join(f"/{name} {size / 1e6:.0f} MB" for name, size in sizes.items())
    transcript.say(f"# {told}")
    assert sizes["app"] < 60e6
    for name in ("tests", "docs", ".git", ".venv", ".env"):
        assert not (root.folder / "app" / name).exists()
    installed = {path.name.lower() for path in (root.folder / "venv/lib").rglob("*.dist-info")}
    assert not any(re.match(r"(pip|pytest|mypy|hadolint|kubectl)", name) for name in installed)
    manifest = root.folder / "app" / "staticfiles" / "staticfiles.json"
    assert re.search(r'css/[\w.-]+\.[0-9a-f]{12}\.css"', manifest.read_text())


def _begin(root: Root, given: dict[str, str], transcript: Transcript) -> None:
    whoami = root.run(["sh", "-c", "id -u; touch /app/x /x 2>&1; touch /tmp/x && echo /tmp only"])
    transcript.say("$ id -u; touch /app/x /x /tmp/x\n" + whoami.stdout.strip())
    assert whoami.stdout.startswith("10001\n")
    assert whoami.stdout.count("Read-only file system") == 2
    assert whoami.stdout.endswith("/tmp only\n")  # noqa: S108
    for arguments in (
        ["check", "--deploy", "--fail-level", "WARNING"],
        ["migrate_schemas"],
        ["create_tenant", "acme", "--email", "ada@acme.example"],
    ):
        with transcript.timed(f"$ python manage.py {' '.join(arguments)}"):
            result = root.run(["python", "manage.py", *arguments], given)
        assert result.returncode == 0, result.stdout + result.stderr
        # A password and a token are the last lines of a tenant.
        transcript.say(
            result.stdout.strip().splitlines()[0 if "create_tenant" in arguments else -1]
        )


def _serve(root: Root, given: dict[str, str], place: Path, transcript: Transcript) -> None:
    port = free_port()
    log = place / "web.log"
    with root.process(log, root.entry, {**given, "PORT": str(port)}) as web:
        transcript.say("$ " + root.entry[-1][:60] + " …   (the image's CMD)")
        wait_until(lambda: _answers(port) or web.poll() is not None, log.read_text())
        assert web.poll() is None, log.read_text()
        base = f"http://127.0.0.1:{port}"
        by_ip = {"Host": f"10.1.2.3:{port}"}
        as_tenant = {"Host": HOST, "X-Forwarded-Proto": "https"}
        for path, headers in (
            ("/healthz", by_ip),
            ("/readyz", by_ip),
            ("/sign-in/", as_tenant),
        ):
            answer = requests.get(base + path, headers=headers, timeout=30, allow_redirects=False)
            transcript.say(
                f"GET {path} of {headers['Host'].partition(':')[0]}: {answer.status_code}"
            )
            assert answer.status_code == 200, (path, answer.status_code, answer.text[:500])
        static = re.findall(r'/static/[^"]+\.[0-9a-f]{12}\.(?:css|js)', answer.text)
        assert static
        for name in static:
            file = requests.get(base + name, headers=as_tenant, timeout=30)
            assert file.status_code == 200, name
            assert "immutable" in file.headers["Cache-Control"]
        transcript.say(f"GET {static[0]}: 200, immutable; {len(static)} in all")
        unknown = requests.get(
            base + "/", headers={**as_tenant, "Host": "other.example"}, timeout=30
        )
        transcript.say(f"GET / of other.example: {unknown.status_code}")
        assert unknown.status_code == 404
        health = root.run(root.health, {**given, "PORT": str(port)})
        transcript.say(f"HEALTHCHECK: exit {health.returncode}")
        assert health.returncode == 0, health.stderr
    transcript.say(f"SIGTERM: exit {web.returncode}")
    assert web.returncode == 0, log.read_text()
    gone = root.run(root.health, {**given, "PORT": str(port)})
    transcript.say(f"HEALTHCHECK when it is gone: exit {gone.returncode}")
    assert gone.returncode != 0


def _answers(port: int) -> bool:
    try:
        return requests.get(f"http://127.0.0.1:{port}/healthz", timeout=2).ok
    except requests.RequestException:
        return False


def _work(root: Root, given: dict[str, str], place: Path, transcript: Transcript) -> None:
    """Worker and scheduler as the manifests start them, with the check that each has there."""
    documents = render("production")
    pods: dict[str, Any] = {
        name: one(documents, "Deployment", name)["spec"]["template"]["spec"]["containers"][0]
        for name in ("worker", "scheduler")
    }
    metrics = free_port()
    logs = {name: place / f"{name}.log" for name in pods}
    with (
        root.process(
            logs["worker"], pods["worker"]["command"], {**given, "METRICS_PORT": str(metrics)}
        ) as worker,
        root.process(
            logs["scheduler"],
            [
                "sh",
                "-c",
                # In a mount of its own is its /tmp, so its check is made beside it.
                " ".join(pods["scheduler"]["command"])
                + " & scheduler=$!; trap 'kill $scheduler; wait $scheduler' TERM; sleep 40; "
                + pods["scheduler"]["livenessProbe"]["exec"]["command"][-1]
                + " && echo THE CHECK HOLDS; wait $scheduler",
            ],
            given,
        ) as scheduler,
    ):
        wait_until(
            lambda: "THE CHECK HOLDS" in logs["scheduler"].read_text(),
            logs["scheduler"].read_text(),
        )
        transcript.say("$ celery … beat --schedule /tmp/schedule: its check holds")
        figures = wait_until(lambda: _counted(metrics), "a task that a worker did")
        transcript.say(f"$ celery … worker: {figures}")
        assert worker.poll() is None
        assert scheduler.poll() is None
    assert worker.returncode == 0, logs["worker"].read_text()
    transcript.say(f"SIGTERM: worker exit {worker.returncode}")
    for log in logs.values():
        assert "Read-only" not in log.read_text()
        assert "Traceback" not in log.read_text()


def _counted(port: int) -> str | None:
    try:
        text = requests.get(f"http://127.0.0.1:{port}/metrics", timeout=5).text
    except requests.RequestException:
        return None
    found = re.search(r"lastgang_tasks_total{[^}]*ingestion.dispatch[^}]*} \d+", text)
    return found.group() if found else None
