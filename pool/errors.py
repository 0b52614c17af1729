"""The failures of this package."""


class PoolError(RuntimeError):
    """The pool could not be built; the message is one line."""


class ParameterError(ValueError):
    """A parameter that does not go with the training data; the message is one line."""
