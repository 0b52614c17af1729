"""The failures of this package. Each message is one line."""


class PoolError(RuntimeError):
    """The pool could not be built."""


class OutOfMemoryError(PoolError):
    """A training ended because memory ran out, on the GPU or beside it."""


class StoppedError(Exception):
    """A cycle was stopped from outside before it had finished. The cycle itself did not fail."""


class ParameterError(ValueError):
    """A parameter does not fit the training data."""


def one_line(error: Exception) -> str:
    """Return the message of an error in one line, or the name of its type if it has no message."""
    return " ".join(str(error).split()) or type(error).__name__
