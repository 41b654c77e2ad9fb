"""The service's errors, as the tests look at them."""

import pytest

from forebay_thrift.ttypes import DataError, ErrorCode, Outcome


def caught(call, *arguments, **named_arguments):
    """The DataError that the call throws."""
    with pytest.raises(DataError) as info:
        call(*arguments, **named_arguments)
    return checked(info.value)


def checked(error):
    """The error, once it is fit to be read by a person."""
    assert error.message
    assert "Some(" not in error.message, "a Rust value in a message"
    return error


def code_name(error):
    """The code's name, which says more in a failed test than its number."""
    return None if error is None else ErrorCode._VALUES_TO_NAMES[error.code]


def outcome_name(error):
    return Outcome._VALUES_TO_NAMES[error.outcome]


def assert_error(error, code, *words, outcome=Outcome.NOT_APPLIED):
    """It has this code and outcome, and its message these words."""
    assert code_name(error) == ErrorCode._VALUES_TO_NAMES[code], error
    assert outcome_name(error) == Outcome._VALUES_TO_NAMES[outcome], error
    for word in words:
        assert word.lower() in checked(error).message.lower()
