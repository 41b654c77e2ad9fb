"""DB-API 2.0's constructors of dates and times (PEP 249, "Type Objects and
Constructors"), by PyMySQL's names."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from time import localtime

Date = date
Time = time
TimeDelta = timedelta
Timestamp = datetime


def DateFromTicks(ticks: float) -> date:
    """The local date at `ticks` seconds since the epoch."""
    return TimestampFromTicks(ticks).date()


def TimeFromTicks(ticks: float) -> time:
    """The local time of day at `ticks` seconds since the epoch, in whole seconds."""
    return TimestampFromTicks(ticks).time()


def TimestampFromTicks(ticks: float) -> datetime:
    """The local date and time at `ticks` seconds since the epoch, in whole seconds."""
    moment = localtime(ticks)
    return datetime(
        moment.tm_year, moment.tm_mon, moment.tm_mday, moment.tm_hour, moment.tm_min, moment.tm_sec
    )
