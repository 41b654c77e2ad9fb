"""Settings of a site on Forebay: Django's own MySQL back end, with the host and
the port of a Forebay service. NAME is a shard's name."""

import os
import pathlib

BASE_DIR = pathlib.Path(__file__).resolve().parent.parent

SECRET_KEY = "only for an example"
DEBUG = False
ALLOWED_HOSTS = ["127.0.0.1", "localhost"]
ROOT_URLCONF = "django_site.urls"

INSTALLED_APPS = [
    "django.contrib.contenttypes",
    "django.contrib.auth",
    "django.contrib.sessions",
    "bookshop",
]
MIDDLEWARE = [
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
]

DATABASES = {
    "default": {
        "ENGINE": "django.db.backends.mysql",
        "HOST": os.environ.get("SITE_HOST", "127.0.0.1"),
        "PORT": os.environ.get("SITE_PORT", "9090"),
        "NAME": os.environ.get("SITE_DATABASE", "bookshop"),
        "USER": os.environ.get("SITE_USER", "root"),
        # Connections to Forebay are cheap, and hold nothing in the database.
        "CONN_MAX_AGE": 60,
        "CONN_HEALTH_CHECKS": True,
        # A shard of its own for `manage.py test`; see runner.py.
        "TEST": {"NAME": os.environ.get("SITE_TEST_DATABASE", "bookshop_test")},
    }
}
TEST_RUNNER = "django_site.runner.ShardTestRunner"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

USE_TZ = True
TIME_ZONE = "Europe/Prague"

PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]  # an example: fast
