"""The failures of this package. Each message is one line."""


class PoolError(RuntimeError):
    """The pool could not be built."""


class OutOfMemoryError(PoolError):
    """A training ended because memory ran out, on the GPU or beside it."""


class StoppedError(PoolError):
    """A cycle was stopped from outside before it had finished."""

    def __init__(self) -> None:
        super().__init__("stopped")


class ParameterError(ValueError):
    """A parameter does not fit the training data."""
