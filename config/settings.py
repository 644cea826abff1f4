"""Django's settings: one file, driven by the environment, failing loudly.

Nothing secret has a default. On a development machine `manage.py` fills in what is missing (see
`config/embedded`); in production every variable marked *required* comes from the environment.
The whole list stands in `docs/configuration.md`.
"""

import re
from pathlib import Path
from typing import Any

import django_stubs_ext
from csp.constants import NONE, SELF
from django.core.exceptions import ImproperlyConfigured

from config import rest
from config.environment import (
    REDIS_SCHEMES,
    address,
    env,
    fernet_keys,
    host,
    ip_address,
    level,
    mail,
    networks,
    next_database,
    number,
    proxy,
    readable_file,
    secret,
    secrets,
    sender,
    switch,
)
from config.logs import logging_config
from config.secret_files import given

# Lets a class say what it holds, as in ModelAdmin[Tenant], also when it runs.
django_stubs_ext.monkeypatch()

BASE_DIR = Path(__file__).resolve().parent.parent
VERSION = "0.1.0"

ENVIRONMENT = env.str("LASTGANG_ENV", default="production")
if ENVIRONMENT not in {"production", "development"}:
    raise ImproperlyConfigured(
        f"LASTGANG_ENV={ENVIRONMENT!r} is unknown: write production or development."
    )

# --- Security -----------------------------------------------------------------------------------

SECRET_KEY = secret("SECRET_KEY", "a long random text that signs sessions and links")
# Keys that were taken out of use: what they signed stays good, and nothing is signed with them.
SECRET_KEY_FALLBACKS = secrets("SECRET_KEY_FALLBACKS")
FIELD_ENCRYPTION_KEYS = fernet_keys(
    "FIELD_ENCRYPTION_KEYS",
    "one Fernet key or more, separated by commas, the first of which encrypts upstream tokens",
)
DEBUG = switch("DEBUG", default=False)
if DEBUG and ENVIRONMENT == "production":
    raise ImproperlyConfigured(
        "DEBUG=on shows strangers the code and its data: it is for LASTGANG_ENV=development alone."
    )
DEFAULT_EXCEPTION_REPORTER_FILTER = "config.masking.Masking"

# The bare domain; every tenant lives on a subdomain of it or on a domain of its own.
PUBLIC_DOMAIN = host("PUBLIC_DOMAIN", "the bare domain of this installation")
# Which hosts there are is decided by the domains' table: TenantMiddleware answers any other with
# 404. A list here as well would have to grow, and all be restarted, for each tenant's own domain.
ALLOWED_HOSTS = env.list("ALLOWED_HOSTS", default=["*"])

# Where pages are reached from outside, for links in mails; the usual port of the scheme where 0.
PUBLIC_PORT = number(
    "PUBLIC_PORT", default=number("PORT", default=8000) if ENVIRONMENT == "development" else 0
)

HTTPS = switch("HTTPS", default=True)
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = HTTPS
SECURE_SSL_REDIRECT = HTTPS
SECURE_REDIRECT_EXEMPT = [r"^healthz$", r"^readyz$"]
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if HTTPS else None
SECURE_HSTS_SECONDS = 365 * 24 * 3600 if HTTPS else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE_HSTS_PRELOAD = HTTPS
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
# Cookies belong to one host alone: neither has a domain, so no tenant's browser sends them to
# another tenant's address.
SESSION_COOKIE_NAME = "__Host-session" if HTTPS else "session"
CSRF_COOKIE_NAME = "__Host-csrf" if HTTPS else "csrf"
CSRF_COOKIE_HTTPONLY = True
SESSION_ENGINE = "accounts.sessions"
# By default they travel in a cookie that is signed alike for all tenants.
MESSAGE_STORAGE = "django.contrib.messages.storage.session.SessionStorage"

CONTENT_SECURITY_POLICY: dict[str, Any] = {
    "DIRECTIVES": {
        "default-src": [NONE],
        "script-src": [SELF],
        "style-src": [SELF],
        "img-src": [SELF, "data:"],
        "font-src": [SELF],
        "connect-src": [SELF],
        "manifest-src": [SELF],
        "form-action": [SELF],
        "frame-ancestors": [NONE],
        "base-uri": [NONE],
    }
}

# --- Tenants and apps ---------------------------------------------------------------------------

TENANT_MODEL = "tenants.Tenant"
TENANT_DOMAIN_MODEL = "tenants.Domain"
# Who runs `migrate_schemas`: many tenants at once, and those alone that are behind.
GET_EXECUTOR_FUNCTION = "tenants.migrating.executor"
PUBLIC_SCHEMA_NAME = "public"
PUBLIC_SCHEMA_URLCONF = "config.urls_public"
ROOT_URLCONF = "config.urls_tenant"
DATABASE_ROUTERS = ["django_tenants.routers.TenantSyncRouter"]
# Measured: without it every query is two round trips. The backend forgets what it has set whenever
# a connection is closed, given back or rolled back, so the search path is set anew when it matters.
TENANT_LIMIT_SET_CALLS = True

# Accounts, sessions and the admin's log exist in public (the operators') and in each tenant's
# schema (its own people); nothing is looked up in the other place.
BOTH = [
    "django.contrib.contenttypes",
    "django.contrib.auth",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.admin",
    "accounts",
    "knox",
    "axes",
]
SHARED_APPS = [
    # Before the library, whose commands of the same names ours replace.
    "tenants",
    # Before the library, whose pages for Django's admin replace Django's own with such as mark
    # tenants' models in public's admin: by styles of their own, and here there are none to mark.
    *BOTH,
    "django_tenants",
    "django.contrib.staticfiles",
    "django.contrib.humanize",
    "monitoring",
    "rest_framework",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "django_filters",
    "django_htmx",
    "csp",
    "corsheaders",
]
TENANT_APPS = [*BOTH, "meters", "ingestion", "analytics", "notices"]
INSTALLED_APPS = [*SHARED_APPS, *(app for app in TENANT_APPS if app not in BOTH)]

MIDDLEWARE = [
    # Outermost: what is answered before the tenant is known counts as well.
    "config.measuring.MeasureMiddleware",
    "config.request_ids.RequestIdMiddleware",
    "config.middleware.HealthMiddleware",
    "config.guarding.TlsMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "config.guarding.GuardMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "csp.middleware.CSPMiddleware",
    "tenants.middleware.TenantMiddleware",
    # Inside the tenant, whose list of origins it asks, and before all that wants a sign-in:
    # browsers send none with a preflight.
    "corsheaders.middleware.CorsMiddleware",
    "accounts.middleware.RateLimitMiddleware",
    "config.compression.CompressMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    # It asks who is signed in, and all that writes to them stands within.
    "accounts.languages.LanguageMiddleware",
    "django.contrib.auth.middleware.LoginRequiredMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    # Inside of all that asks who is signed in, which is the primary's to say.
    "config.replica.ReplicaMiddleware",
    # Last, as it asks for: in place of the page it answers a sign-in that is locked.
    "axes.middleware.AxesMiddleware",
]

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.template.context_processors.i18n",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "config.navigation.navigation",
                "config.words.words",
            ],
        },
    }
]
WSGI_APPLICATION = "config.wsgi.application"

# --- PostgreSQL and Redis -----------------------------------------------------------------------

DATABASES: dict[str, dict[str, Any]] = {
    "default": {
        **env.db_url_config(
            address(
                "DATABASE_URL",
                "the address of the PostgreSQL database",
                {"postgres", "postgresql"},
            )
        ),
        "ENGINE": "tenants.postgresql",
        "DISABLE_SERVER_SIDE_CURSORS": True,
    }
}
# A server that is gone without a word is given up soon, so that /readyz can tell.
DATABASES["default"].setdefault("OPTIONS", {}).setdefault("connect_timeout", 5)
# A pool serves the threads of one web process. It stays off (0) in commands and forked workers,
# which may not share connections with their parent.
pool_lifetime = number("DATABASE_POOL_LIFETIME", default=1800, least=1)
if pool_size := number("DATABASE_POOL_SIZE", default=0):
    DATABASES["default"]["OPTIONS"]["pool"] = {
        "min_size": 1,
        "max_size": pool_size,
        "timeout": 10,
        "max_lifetime": pool_lifetime,
        # After a failure and another so much later [s] whoever waits is told (tenants.postgresql).
        # The library would try for five minutes, ever more seldom, and so come back as late.
        "reconnect_timeout": 1.0,
    }
DATABASES["default"]["CONN_MAX_AGE"] = 0
# Where there is a copy of it, web processes read there what requests show (config.replica).
if given("DATABASE_REPLICA_URL"):
    DATABASES["replica"] = {
        **env.db_url_config(
            address("DATABASE_REPLICA_URL", "the address of a replica", {"postgres", "postgresql"})
        ),
        "ENGINE": "tenants.replica",
        "DISABLE_SERVER_SIDE_CURSORS": True,
        "CONN_MAX_AGE": 0,
        # Tests make one database, and whoever asks for this one gets that.
        "TEST": {"MIRROR": "default"},
    }
    DATABASES["replica"]["OPTIONS"] = {
        "connect_timeout": 2,
        "options": "-c default_transaction_read_only=on",
        **DATABASES["replica"].get("OPTIONS", {}),
        # Always: a thread of its own connects, so that no request waits for longer than this.
        "pool": {
            "min_size": 0,
            "max_size": pool_size or 8,
            "timeout": 1.0,
            "max_lifetime": pool_lifetime,
            "reconnect_timeout": 0.1,
        },
    }
    DATABASE_ROUTERS.insert(0, "config.reading.Router")
# So long a request waits for a replica that lacks something, before it reads the primary [s].
REPLICA_WAIT = number("DATABASE_REPLICA_WAIT", default=20, most=1000) / 1000
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

REDIS_URL = address("REDIS_URL", "the address of Redis, for the queue", REDIS_SCHEMES)
# Clearing a cache empties its database of Redis, so the queue has another one.
CACHE_URL = (
    address("CACHE_URL", "the address of Redis, for the cache", REDIS_SCHEMES)
    if given("CACHE_URL")
    else next_database(REDIS_URL)
)
CACHES = {
    "default": {
        "BACKEND": "django.core.cache.backends.redis.RedisCache",
        "LOCATION": CACHE_URL,
        # Every key carries the tenant's schema.
        "KEY_FUNCTION": "django_tenants.cache.make_key",
        "KEY_PREFIX": "lastgang",
        "TIMEOUT": 300,
        # Within the second that Kubernetes gives a probe, which alone asks it: a Redis that hangs
        # must not take all pages down.
        "OPTIONS": {"socket_connect_timeout": 0.3, "socket_timeout": 0.3},
    }
}

# --- Celery -------------------------------------------------------------------------------------

CELERY_BROKER_URL = REDIS_URL
# The runs table is the record of work; a result in Redis would be a second one.
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_ACKS_LATE = True
CELERY_TASK_REJECT_ON_WORKER_LOST = True
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
# A worker hands a run over after a slice (INGESTION_SLICE). What takes far longer hangs: at the
# soft limit the meter at which it hangs is told as failed, at the hard one the process is killed.
CELERY_TASK_SOFT_TIME_LIMIT = 8 * 60
CELERY_TASK_TIME_LIMIT = 9 * 60
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_BROKER_TRANSPORT_OPTIONS = {
    "global_keyprefix": "lastgang:",
    # Who sends waits no longer than that, once in an outage (config.outages).
    "socket_connect_timeout": 2,
    "socket_timeout": 3,
}
# A message that is not taken at once is not sent again and again while a person waits for the page:
# what it is about stands in the database, where the dispatcher finds it.
CELERY_TASK_PUBLISH_RETRY = False
# A worker waits for a Redis that is gone for as long as it takes, instead of ending after a while.
CELERY_BROKER_CONNECTION_MAX_RETRIES = None
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_TIMEZONE = "UTC"
CELERY_BEAT_SCHEDULE = {
    "what is due": {
        "task": "ingestion.dispatch",
        # So often all tenants are asked what is due [s]. What a killed worker had in hand waits for
        # its lease to run out and for the next of these, a minute at most.
        "schedule": float(number("INGESTION_DISPATCH", default=15, least=1)),
    },
    "what is kept no longer": {"task": "ingestion.upkeep", "schedule": 900.0},
    "who is to be deleted": {"task": "tenants.upkeep", "schedule": 3600.0},
    "what is silent or failing": {"task": "notices.watch", "schedule": 300.0},
}

# --- Accounts -----------------------------------------------------------------------------------

AUTH_USER_MODEL = "accounts.User"
LOGIN_URL = "accounts:login"
LOGIN_REDIRECT_URL = "/"
LOGOUT_REDIRECT_URL = "accounts:login"
AUTHENTICATION_BACKENDS = [
    "axes.backends.AxesStandaloneBackend",
    "django.contrib.auth.backends.ModelBackend",
]
# So long an invitation is good [s]; a link to choose another password ends sooner (accounts.links).
PASSWORD_RESET_TIMEOUT = 3 * 86_400
# How many proxies stand before us, each of which adds to X-Forwarded-For whom it serves. Without
# HTTPS there is none; behind it there is one at least, whose word for the scheme we take as well.
TRUSTED_PROXIES = number("TRUSTED_PROXIES", default=1 if HTTPS else 0)
# Which failed sign-ins count together and how many are too many: `accounts.signin` says it, and
# answers the library 1 where it is so.
AXES_HANDLER = "accounts.signin.SignIns"
AXES_FAILURE_LIMIT = 1
AXES_LOCKOUT_PARAMETERS = [["username", "ip_address"], "ip_address", "username"]
AXES_COOLOFF_TIME = "accounts.signin.cool_off"
AXES_USERNAME_CALLABLE = "accounts.signin.name_of"
AXES_CLIENT_IP_CALLABLE = "accounts.signin.network_of"
AXES_LOCKOUT_CALLABLE = "accounts.signin.locked_out"
AXES_RESET_ON_SUCCESS = True
AXES_RESET_COOL_OFF_ON_FAILURE_DURING_LOCKOUT = False
AXES_SENSITIVE_PARAMETERS = ["username", "ip_address", "csrfmiddlewaretoken"]
AXES_ENABLE_ADMIN = False
AXES_VERBOSE = False
PASSWORD_HASHERS = [
    "django.contrib.auth.hashers.ScryptPasswordHasher",
    "django.contrib.auth.hashers.PBKDF2PasswordHasher",
]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {
        "NAME": "django.contrib.auth.password_validation.MinimumLengthValidator",
        "OPTIONS": {"min_length": 12},
    },
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]
KNOX_TOKEN_MODEL = "accounts.ApiToken"  # noqa: S105 - the name of a model
REST_KNOX = {
    "AUTH_HEADER_PREFIX": "Bearer",
    "TOKEN_TTL": None,
    "TOKEN_PREFIX": "lg_",
    "TOKEN_MODEL": "accounts.ApiToken",
}

# --- Upkeep -------------------------------------------------------------------------------------


# --- Mail ---------------------------------------------------------------------------------------

# A development machine writes mails to the worker's output; without a server none are sent.
_MAIL = mail("EMAIL_URL", default="consolemail://" if ENVIRONMENT == "development" else "")
SENDS_MAIL = bool(_MAIL)
EMAIL_BACKEND = _MAIL.get("EMAIL_BACKEND", "django.core.mail.backends.dummy.EmailBackend")
EMAIL_HOST, EMAIL_PORT = _MAIL.get("EMAIL_HOST") or "localhost", _MAIL.get("EMAIL_PORT", 25)
EMAIL_HOST_USER = _MAIL.get("EMAIL_HOST_USER") or ""
EMAIL_HOST_PASSWORD = _MAIL.get("EMAIL_HOST_PASSWORD") or ""
EMAIL_USE_TLS, EMAIL_USE_SSL = _MAIL.get("EMAIL_USE_TLS", False), _MAIL.get("EMAIL_USE_SSL", False)
EMAIL_FILE_PATH = _MAIL.get("EMAIL_FILE_PATH") or None
EMAIL_TIMEOUT = 20
DEFAULT_FROM_EMAIL = SERVER_EMAIL = sender(
    "DEFAULT_FROM", default=f"Lastgang <no-reply@{PUBLIC_DOMAIN}>"
)

# --- API ----------------------------------------------------------------------------------------

REST_FRAMEWORK = rest.REST_FRAMEWORK
SPECTACULAR_SETTINGS = rest.SPECTACULAR_SETTINGS

# Requests in a minute, of each token or person who is signed in and of each tenant; 0: no limit.
API_RATE_PROGRAM = number("API_RATE_PROGRAM", default=600)
API_RATE_TENANT = number("API_RATE_TENANT", default=6_000)
# Refused tokens in a minute, of each address and tenant; 0: no limit.
API_RATE_REFUSED = number("API_RATE_REFUSED", default=60)
# How long a token is good that a front end hands to a browser [min].
BROWSER_TOKEN_MINUTES = number("BROWSER_TOKEN_MINUTES", default=15, least=1)

# Pages of other origins: which ones is the tenant's to say (accounts.cors), and never with cookies.
CORS_URLS_REGEX = re.compile(r"^/(api/v1|meterdata)/")
CORS_ALLOW_CREDENTIALS = False
CORS_ALLOW_HEADERS = ["Authorization", "Content-Type", "Idempotency-Key", "If-None-Match"]
CORS_EXPOSE_HEADERS = [
    "ETag",
    "Location",
    "X-Request-ID",
    "Retry-After",
    "RateLimit-Limit",
    "RateLimit-Remaining",
    "RateLimit-Reset",
    "RateLimit-Policy",
]
# A browser asks again after so long [s].
CORS_PREFLIGHT_MAX_AGE = 600

# --- Time, static files, messages ---------------------------------------------------------------

# Instants are stored and computed in UTC; a page shows them in the meter's or the tenant's zone.
TIME_ZONE = "UTC"
USE_TZ = True
# Pages and mails speak these; the API, commands and the record of operations speak English.
LANGUAGES = [("en", "English"), ("de", "Deutsch")]
LANGUAGE_CODE = "en"
OWN_APPS = ("tenants", "accounts", "meters", "ingestion", "analytics", "notices")
# Before Django's own, which has other words for some texts: “All” of its admin is not a range's.
LOCALE_PATHS = [BASE_DIR / "locale", *(BASE_DIR / app / "locale" for app in OWN_APPS)]
LANGUAGE_COOKIE_NAME = "lastgang_language"
LANGUAGE_COOKIE_AGE = 365 * 86_400
LANGUAGE_COOKIE_SECURE = HTTPS
LANGUAGE_COOKIE_HTTPONLY = True
LANGUAGE_COOKIE_SAMESITE = "Lax"

STATIC_URL = "/static/"
STATIC_ROOT = BASE_DIR / "staticfiles"
STATICFILES_DIRS = [BASE_DIR / "static"]
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {
        "BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"
        if ENVIRONMENT == "production"
        else "django.contrib.staticfiles.storage.StaticFilesStorage"
    },
}
WHITENOISE_USE_FINDERS = ENVIRONMENT == "development"
WHITENOISE_AUTOREFRESH = False

# While this file is there the process tells each client that it is about to go (config.leaving).
LEAVING_FILE = env.str("LEAVING_FILE", default="")

# --- Watching it --------------------------------------------------------------------------------

# Where each process tells Prometheus its figures, on a port of its own; 0: it doesn't.
METRICS_PORT = number("METRICS_PORT", default=0, most=65_535)
METRICS_HOST = ip_address("METRICS_HOST", default="0.0.0.0")  # noqa: S104 - any scraper may ask

LOGGING_CONFIG = None
logging_config(level=level("LOG_LEVEL", default="INFO"), json=ENVIRONMENT == "production")

# --- Ingestion ----------------------------------------------------------------------------------

# A worker does so much of a run at a time [s], and leaves the rest to whoever is free next. Less
# than what Kubernetes lets a worker finish in (k8s/base/worker.yaml).
INGESTION_SLICE = number("INGESTION_SLICE", default=45, least=1)
# So many runs of one tenant are in workers' hands at a time, or on the way there.
INGESTION_SHARE = number("INGESTION_SHARE", default=4, least=1)
# So many meters a run asks for at a time, once its source answers (ingestion.forerun).
INGESTION_AT_ONCE = number("INGESTION_AT_ONCE", default=4, least=1, most=64)

# The largest file or request of readings that is taken; it is read in memory.
UPLOAD_MAX_BYTES = number("UPLOAD_MAX_MB", default=32, least=1) * 1_048_576
FILE_UPLOAD_HANDLERS = [
    "config.uploads.BoundedUploads",
    "django.core.files.uploadhandler.MemoryFileUploadHandler",
    "config.uploads.SpooledUploads",
]

# Targets inside our own network that sources may nevertheless have. A development machine asks the
# simulator on itself.
UPSTREAM_ALLOW = networks(
    "UPSTREAM_ALLOW", default="127.0.0.0/8,::1" if ENVIRONMENT == "development" else ""
)
UPSTREAM_PROXY = proxy("UPSTREAM_PROXY")
UPSTREAM_CA_FILE = readable_file("UPSTREAM_CA_FILE")

# Where the recordings of the demo are looked for when the challenge's addresses can't be reached.
RECORDINGS_DIR = env.str("LASTGANG_RECORDINGS", default=str(BASE_DIR.parent / "shared" / "data"))
