"""The failures of this package."""


class PoolError(RuntimeError):
    """The pool could not be built; the message is one line."""


class OutOfMemoryError(PoolError):
    """A training ended because memory ran out, on the GPU or beside it."""


class ParameterError(ValueError):
    """A parameter that does not go with the training data; the message is one line."""
