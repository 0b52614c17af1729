"""The failure of this package."""


class PoolError(RuntimeError):
    """The pool could not be built; the message is one line."""
