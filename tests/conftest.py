"""What all tests rely on."""

import signal

import pytest


@pytest.fixture(scope="session", autouse=True)
def _interruptible():
    """A shell that starts the tests in the background ignores Ctrl-C, which they and all they start would inherit."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
