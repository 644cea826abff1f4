# syntax=docker/dockerfile:1
# The image of every process: web, worker, scheduler and commands differ by their command alone.

FROM python:3.11-slim-bookworm AS build
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1
WORKDIR /app
RUN python -m venv /venv
COPY requirements.txt constraints.txt ./
# What these four bring to test themselves with, and to compile against, nobody runs here.
RUN /venv/bin/python -m pip install -r requirements.txt \
    && find /venv/lib -depth -type d -regex '.*/site-packages/\(numpy\|pandas\|pyarrow\|scipy\)/\(.*/\)?\(tests\|include\)' -exec rm -rf {} +
COPY . .
RUN /venv/bin/python -m config.translations compile
# Static files are hashed and compressed here; the values serve this step alone, nothing is
# connected to, and none of them is kept in the image.
RUN LASTGANG_ENV=production SECRET_KEY=build FIELD_ENCRYPTION_KEYS=bm8gc2VjcmV0LCBmb3IgdGhlIGJ1aWxkIGFsb25lICE= PUBLIC_DOMAIN=build.invalid \
    DATABASE_URL=postgres://build@127.0.0.1/build REDIS_URL=redis://127.0.0.1/0 \
    /venv/bin/python manage.py collectstatic --noinput --verbosity 0 \
    && rm -rf tests benchmarks deploy docs k8s clients \
    && /venv/bin/python -m compileall -q --invalidation-mode unchecked-hash . \
    && /venv/bin/python -m pip --quiet uninstall --yes pip

FROM python:3.11-slim-bookworm
RUN groupadd --gid 10001 lastgang \
    && useradd --uid 10001 --gid 10001 --no-log-init --no-create-home --shell /usr/sbin/nologin lastgang
ENV PATH=/venv/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    LASTGANG_ENV=production \
    PORT=8000
COPY --from=build /venv /venv
COPY --from=build /app /app
WORKDIR /app
USER 10001:10001
EXPOSE 8000
HEALTHCHECK --interval=15s --timeout=3s --start-period=20s \
    CMD ["python", "-c", "import os, urllib.request as u; u.urlopen(f'http://127.0.0.1:{os.environ[\"PORT\"]}/healthz', timeout=2)"]
CMD ["sh", "-c", "DATABASE_POOL_SIZE=${DATABASE_POOL_SIZE:-8} exec python -m granian --interface wsgi --http 1 --host 0.0.0.0 --port \"$PORT\" --workers 1 --blocking-threads 4 --http1-header-read-timeout 5000 --http1-buffer-size 65536 --no-access-log config.wsgi:application"]
