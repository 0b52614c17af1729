"""The parameters of main.py, with some of them changed."""

from dataclasses import replace

from main import POOL, SELECTION
from pool.parameters import PoolParameters
from postprocess.selection.parameters import SelectionParameters


def pool_parameters(**changes: object) -> PoolParameters:
    """Return the pool's parameters with some of them changed."""
    return replace(POOL, **changes)


def selection_parameters(**changes: object) -> SelectionParameters:
    """Return the selection's parameters with some of them changed."""
    return replace(SELECTION, **changes)
