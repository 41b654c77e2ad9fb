"""SQLAlchemy's dialect compliance suite, all of it."""

from sqlalchemy.testing.suite import *  # noqa: F403
