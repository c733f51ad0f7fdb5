"""Settings, all from `YUANJIAO_*` variables (docs/settings.md is made from the sentences below).

Only two choices matter: `YUANJIAO_ROLE` and `YUANJIAO_PARENT`. Wrong combinations are system checks with ids (wiring/checks.py).
"""

from __future__ import annotations

import os
import secrets
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from yuanjiao.lib.env import BadSetting, Env

env = Env(os.environ)

ROLE = env.text("ROLE", "solo", "What this process is", choices=("solo", "centre", "edge", "site"))
PARENT = env.text("PARENT", "", "Address of the node above, such as https://centre.example; empty at the top")
PARENT_CA = env.text("PARENT_CA", "", "PEM file with the root certificate of the node above, where no public authority vouches for it")
NODE_NAME = env.text("NAME", "本机", "Name of this node as people read it")
HOME = Path(env.text("HOME", "var", "Folder of the database, blobs, keys and uploads")).resolve()
PUBLIC_URL = env.text(
    "PUBLIC_URL",
    "",
    "Address under which people reach this node; share links, QR codes and machines below that show its live programmes use it",
)
DEBUG = env.boolean("DEBUG", False, "Show tracebacks in the browser; never on a public machine")
ALLOWED_HOSTS = env.names("HOSTS", "127.0.0.1,localhost,[::1]", "Host names this server answers to")
CSRF_TRUSTED_ORIGINS = env.names("TRUSTED_ORIGINS", "", "Origins of a TLS proxy in front, such as https://edu.example")
SECURE_COOKIES = env.boolean("SECURE_COOKIES", False, "Send cookies over HTTPS only; set it behind TLS")
BEHIND_PROXY = env.boolean("BEHIND_PROXY", False, "Trust X-Forwarded-Proto of the proxy in front")
ACCEL_PREFIX = env.text(
    "ACCEL_PREFIX", "", "Prefix under which nginx serves the folder HOME/blobs internally, such as /kept-blobs/; it then sends the media"
)
MAX_BODY_BYTES = env.integer(
    "MAX_BODY_BYTES", 64 * 1024 * 1024, "Largest request body of a form, in bytes; courseware uploads come in parts"
)
MAX_UPLOAD_BYTES = env.integer("MAX_UPLOAD_BYTES", 20_000_000_000, "Largest courseware original that may be uploaded, in bytes")
MIN_FREE_BYTES = env.integer("MIN_FREE_BYTES", 200 * 1024 * 1024, "Intake stops with 507 when less than this is free on the disk, in bytes")
BEAT_PERIOD_S = env.number("BEAT_PERIOD_S", 60.0, "How often a site beats unless its register row says otherwise, in seconds")
BEAT_GRACE_S = env.number("BEAT_GRACE_S", 30.0, "How much later than its period a beat may come before silence counts, in seconds")
SWEEP_S = env.number("SWEEP_S", 3.0, "How often the live array is swept for overdue objects, in seconds")
REFERENCES = env.names("REFERENCES", "", "host:port of what is not ours and always answers; asked when nobody at all is heard")
DEADMAN_URL = env.text(
    "DEADMAN_URL", "", "Address asked for every minute while this machine listens well; its owner alarms when we stay away"
)
SHIP_S = env.number("SHIP_S", 5.0, "How often a node ships its journal to its parent, in seconds")
JOURNAL_KEEP_DAYS = env.integer(
    "JOURNAL_KEEP_DAYS",
    0,
    "Below the top: days after which what the parent has acknowledged goes from the database into archive files in HOME/journal; 0: never",
)
FOLLOW_S = env.number("FOLLOW_S", 10.0, "How often a node asks its parent for a new catalogue, in seconds")
BYTE_BUDGET = env.integer("BYTE_BUDGET", 0, "Bytes per second this node may fetch from its parent; 0 is no limit")
BLOB_WINDOW = env.spans(
    "BLOB_WINDOW",
    "",
    "Hours of China in which files that are not for today or tomorrow come, such as 22:00-06:00,12:00-13:00; empty: always",
)
BYTES_HOUR = env.integer(
    "BYTES_HOUR", 0, "Bytes of files an hour after which those not for today or tomorrow wait for the next; 0 is no limit", least=0
)
BYTES_DAY = env.integer("BYTES_DAY", 0, "The same a day, by China's midnight; 0 is no limit", least=0)
BLOB_QUOTA = env.integer(
    "BLOB_QUOTA",
    0,
    "Bytes of files a machine below keeps: of items pinned or planned, then of the newest; 0: all it is told of",
    least=0,
)
SCRUB_RATE = env.integer(
    "SCRUB_RATE", 8 * 1024 * 1024, "Bytes per second at which kept files are read again at most, all within 30 days; 0: never", least=0
)
SOFTWARE = env.text(
    "SOFTWARE", "", "Folder in which yuanjiao_keeper keeps releases; the keeper sets it. Empty: software is not changed by the catalogue"
)
UPDATE_WINDOW = env.spans(
    "UPDATE_WINDOW",
    "",
    "Hours of China in which a new release may take over, such as 02:00-05:00; empty: as soon as it is here",
)
SHARE_URL = env.text(
    "SHARE_URL",
    "",
    "Address at which sibling edges of the same county fetch files from this one, such as http://10.8.1.5:8000; empty: they do not",
)
SERVE_BYTES = env.integer(
    "SERVE_BYTES", 4 * 1024 * 1024, "Bytes per second for all sibling edges together that fetch files from this one; 0 is no limit", least=0
)
BLOB_FOLDERS = env.names(
    "BLOB_FOLDERS", "", "Folders in which files are looked for before any line is used, such as where a stick with a catalogue is mounted"
)
BLOBS_S3 = env.bucket(
    "BLOBS_S3",
    "",
    "Where files are kept instead of HOME/blobs: S3-compatible storage, such as https://s3.example:9000/bucket/prefix; empty: on this disk",
)
BLOBS_S3_KEY = env.text("BLOBS_S3_KEY", "", "Name of the access key for it")
BLOBS_S3_SECRET = env.text("BLOBS_S3_SECRET", "", "The secret of that key; better told as YUANJIAO_BLOBS_S3_SECRET_FILE")
BLOBS_S3_REGION = env.text("BLOBS_S3_REGION", "us-east-1", "Region that its signatures name; most servers of one's own take any")
BLOBS_S3_PUBLIC = env.bucket(
    "BLOBS_S3_PUBLIC", "", "The same place as machines below and browsers reach it, where that is another address; empty: the same"
)
BLOBS_S3_REDIRECT = env.text(
    "BLOBS_S3_REDIRECT",
    "machines",
    "Who is sent to the storage by a signed address of a quarter of an hour instead of being served through this machine",
    choices=("machines", "all", "nobody"),
)
BLOBS_S3_COPIES = env.integer(
    "BLOBS_S3_COPIES",
    10 * 1024**3,
    "Bytes of copies on this disk for what needs a file at hand (packaging, packages for stations); one file is always allowed",
    least=0,
)
LEAST_RATE = env.integer(
    "LEAST_RATE", 256, "Bytes per second below which, over two minutes of waiting, an answer counts as a broken line; 0 is no limit"
)
CHECK_S = env.number("CHECK_S", 60.0, "How often an edge checks its disk, temperature, clock and lines, in seconds")
CHECK_DISK_PERCENT = env.number("CHECK_DISK_PERCENT", 10.0, "An edge whose disk has less free than this share, in percent, says so")
CHECK_TEMPERATURE_C = env.number("CHECK_TEMPERATURE_C", 75.0, "An edge warmer than this, in degrees Celsius, says so")
CHECK_CLOCK_S = env.number("CHECK_CLOCK_S", 5.0, "An edge whose clock differs from its parent's by more seconds than this says so")
LINE_ADDRESSES = env.names("LINE_ADDRESSES", "", "Far ends of an edge's access lines to check, such as L-1=10.1.2.1,L-2=10.1.3.1:80")
PLAY_TEST_S = env.number("PLAY_TEST_S", 86400.0, "How often a site node tries the newest film, in seconds; boxes have their own option")
SIGNUP_LOCK_TRIES = env.integer("LOCK_TRIES", 5, "Wrong passwords before an account is locked")
SIGNUP_LOCK_MINUTES = env.integer("LOCK_MINUTES", 30, "How long a locked account stays locked, in minutes")
DESK_SHARED_S = env.number("DESK_SHARED_S", 3.0, "So many seconds old may be what start pages show; people of one place share it")
IDLE_MINUTES = env.integer("IDLE_MINUTES", 30, "Minutes without a request after which a person must log in again")
INTAKE_ADDRESS = env.text(
    "INTAKE_ADDRESS", "", "Address at which other intakes of this machine reach this one; empty: one process listens to everything"
)
METRICS_TOKEN = env.text("METRICS_TOKEN", "", "Token that a Prometheus must bring to read /metrics; empty: only from this machine")
FONTS = env.text(
    "FONTS",
    "",
    "Folder with the fonts of official documents (仿宋_GB2312, 楷体_GB2312, 方正小标宋简体, 黑体, 宋体) for their PDF; empty: Noto's",
)
_DATABASE = env.text("DATABASE", "", "postgresql://user:password@host:port/name, or empty for SQLite inside HOME")
_SECRET = env.text("SECRET_KEY", "", "Signing secret of sessions and forms; made and kept in HOME when empty")
env.refuse_unknown()


def _refuse_half_a_bucket() -> None:
    """Combinations that would lose time or serve nothing, said at the start."""
    told = {"KEY": BLOBS_S3_KEY, "SECRET": BLOBS_S3_SECRET, "PUBLIC": BLOBS_S3_PUBLIC}
    if BLOBS_S3 is None and any(told.values()):
        raise BadSetting(f"YUANJIAO_BLOBS_S3_{next(name for name in told if told[name])} without YUANJIAO_BLOBS_S3 does nothing")
    if BLOBS_S3 is not None and not (BLOBS_S3_KEY and BLOBS_S3_SECRET):
        raise BadSetting("YUANJIAO_BLOBS_S3 needs YUANJIAO_BLOBS_S3_KEY and YUANJIAO_BLOBS_S3_SECRET")
    if BLOBS_S3 is not None and ACCEL_PREFIX:
        raise BadSetting("YUANJIAO_ACCEL_PREFIX means files in HOME/blobs: with YUANJIAO_BLOBS_S3 there are none for nginx to send")


_refuse_half_a_bucket()


def _database() -> dict[str, Any]:
    if not _DATABASE:
        HOME.mkdir(parents=True, exist_ok=True)
        return {
            "ENGINE": "django.db.backends.sqlite3",
            "NAME": HOME / "yuanjiao.sqlite3",
            "OPTIONS": {
                "transaction_mode": "IMMEDIATE",
                "timeout": 30,
                "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA cache_size=-32000; PRAGMA temp_store=MEMORY;",
            },
        }
    parts = urlsplit(_DATABASE)
    if parts.scheme not in {"postgresql", "postgres"}:
        raise BadSetting("YUANJIAO_DATABASE: an address that begins with postgresql:// is expected")
    return {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": parts.path.lstrip("/"),
        "USER": unquote(parts.username or ""),
        "PASSWORD": unquote(parts.password or ""),
        "HOST": parts.hostname or "",
        "PORT": str(parts.port or ""),
        "CONN_MAX_AGE": 60,
        "CONN_HEALTH_CHECKS": True,
    }


def _secret_key() -> str:
    if _SECRET:
        return _SECRET
    path = HOME / "secret_key"
    if not path.exists():
        HOME.mkdir(parents=True, exist_ok=True)
        path.touch(mode=0o600)
        path.write_text(secrets.token_urlsafe(48))
    return path.read_text()


SECRET_KEY = _secret_key()
DATABASES = {"default": _database()}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
ITEM_PAGES = {"work_order": "faults:order"}
"""Kinds of item with a page of their own in a room above `items`, which cannot know it."""
INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django_tasks",
    "django_tasks_db",
    "django_htmx",
    "axes",
    "yuanjiao.ui",
    "yuanjiao.flow",
    "yuanjiao.places",
    "yuanjiao.people",
    "yuanjiao.funds",
    "yuanjiao.items",
    "yuanjiao.network",
    "yuanjiao.assets",
    "yuanjiao.register",
    "yuanjiao.plans",
    "yuanjiao.courseware",
    "yuanjiao.faults",
    "yuanjiao.learning",
    "yuanjiao.programmes",
    "yuanjiao.production",
    "yuanjiao.surveys",
    "yuanjiao.supervision",
    "yuanjiao.reports",
    "yuanjiao.duties",
    "yuanjiao.burden",
    "yuanjiao.desks",
    "yuanjiao.simulation",
    "yuanjiao.wiring",
]
MIDDLEWARE = [
    "yuanjiao.ui.middleware.ReadersFirst",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.middleware.gzip.GZipMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "yuanjiao.ui.middleware.ErrorPages",
    "axes.middleware.AxesMiddleware",
]
ROOT_URLCONF = "yuanjiao.wiring.urls"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "yuanjiao.wiring.menu.page_context",
            ],
            "builtins": ["django.templatetags.static", "django.templatetags.i18n", "yuanjiao.ui.templatetags.zh"],
        },
    }
]

AUTH_USER_MODEL = "people.Account"
AUTHENTICATION_BACKENDS = ["axes.backends.AxesStandaloneBackend", "django.contrib.auth.backends.ModelBackend"]
PASSWORD_HASHERS = ["django.contrib.auth.hashers.Argon2PasswordHasher"]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 10}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]
LOGIN_URL = "people:log_in"
LOGIN_REDIRECT_URL = "desks:home"
AXES_FAILURE_LIMIT = SIGNUP_LOCK_TRIES
AXES_COOLOFF_TIME = SIGNUP_LOCK_MINUTES / 60
AXES_LOCKOUT_PARAMETERS = [["username"]]
AXES_RESET_ON_SUCCESS = True
AXES_LOCKOUT_CALLABLE = "yuanjiao.people.views.locked_out"
SILENCED_SYSTEM_CHECKS = ["axes.W006"]  # a whole town may share one address: the lock follows the account alone
AXES_VERBOSE = False
AXES_DISABLE_ACCESS_LOG = True  # no login counts of persons (design idea 6); failures are kept for the lock only
SESSION_COOKIE_AGE = IDLE_MINUTES * 60
SESSION_SAVE_EVERY_REQUEST = False
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = SECURE_COOKIES
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if BEHIND_PROXY else None
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "SAMEORIGIN"
DATA_UPLOAD_MAX_MEMORY_SIZE = MAX_BODY_BYTES
DATA_UPLOAD_MAX_NUMBER_FIELDS = 2000

LANGUAGE_CODE = "zh-hans"
LANGUAGES = [("zh-hans", "简体中文"), ("en", "English")]
TIME_ZONE = "Asia/Shanghai"
USE_I18N = USE_TZ = True
FORMAT_MODULE_PATH = ["yuanjiao.ui.formats"]
STATIC_URL = "/static/"
STATIC_ROOT = HOME / "static"
STATIC_ROOT.mkdir(parents=True, exist_ok=True)  # WhiteNoise warns of a missing folder
WHITENOISE_USE_FINDERS = True
MEDIA_ROOT = HOME / "uploads"
TASKS = {"default": {"BACKEND": "django_tasks_db.DatabaseBackend", "QUEUES": ["default", "packaging"]}}

# The only imports by string: what a lower room needs to know of the rooms above it (house, section 3).
YUANJIAO_EVENTS = "yuanjiao.wiring.events.EVENTS"
YUANJIAO_SHELVES = "yuanjiao.wiring.shelves.SHELVES"
YUANJIAO_ASKINGS = "yuanjiao.wiring.burden.ASKINGS"
YUANJIAO_METER = "yuanjiao.wiring.burden.METER"

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"format": "{asctime} {levelname} {name}: {message}", "style": "{"}},
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "line"}},
    "root": {"handlers": ["stderr"], "level": "WARNING"},
    "loggers": {"yuanjiao": {"level": "INFO"}, "axes": {"level": "ERROR"}},
}
