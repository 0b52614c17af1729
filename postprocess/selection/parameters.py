"""What the selection is steered by, checked as a whole before anything is read."""

from __future__ import annotations

import math
from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class SelectionParameters:
    """All sizes, limits and choices of the selection; the result depends on nothing else but the data.

    ipf_top_pairs: pairs of columns that the weights are fitted to, most informative first; None: all.
    ipf_iterations: most sweeps over those pairs. ipf_tolerance: mean error (share) at which the fit has converged.
    trimming_data_multiplier: rows of the oversized subset, as a multiple of the training rows.
    trimming_swapsize: rows weighed against each other at a time in trimming. max_trimming_time: minutes.
    refinement_top_pairs, refinement_top_triples: tables that trimming and refinement match: those of the most
        informative columns, as many as have at most so many pairs (triples); None: all.
    refinement_swapsize: rows weighed against each other at a time in refinement. refinement_iterations: most rounds
        of that. refinement_tolerance: gain of overall fit (share) below which a pass over all candidates is the
        last one. max_refinement_time: minutes.
    max_memory: GiB for the tables of three columns; where they need more, the most informative columns' are matched.
    target_smoothing: how far (share) the tables of pairs and triples leave the training data's for the pool's where the
        two are as close as sampling noise allows; see
        `targets`. 0: the training data's tables as they are.
    privacy_filter: pool rows that come nearer to a training row than this share of the distance that it keeps from all
        other training rows are not selected; see `postprocess.selection.nearest`. 0: no such filter.
    allow_training_copies: whether pool rows that equal a training row may be selected.
    threads: None for all cores; does not change the result. seed: where all randomness starts.

    Raises ValueError, in one line that names the parameter, its value and what is allowed.
    """

    ipf_top_pairs: int | None
    ipf_iterations: int
    ipf_tolerance: float
    trimming_data_multiplier: float
    trimming_swapsize: int
    max_trimming_time: float
    refinement_top_pairs: int | None
    refinement_top_triples: int | None
    refinement_swapsize: int
    refinement_iterations: int
    refinement_tolerance: float
    max_refinement_time: float
    max_memory: float
    target_smoothing: float
    privacy_filter: float
    allow_training_copies: bool
    threads: int | None
    seed: int

    def __post_init__(self) -> None:
        for name, least in (
            ("ipf_iterations", 1),
            ("trimming_swapsize", 2),
            ("refinement_swapsize", 2),
            ("refinement_iterations", 0),
            ("seed", 0),
        ):
            value = getattr(self, name)
            _check(name, value, f"a whole number of at least {least}", _is_whole(value) and value >= least)
        for name, least in (
            ("ipf_top_pairs", 1),
            ("refinement_top_pairs", 0),
            ("refinement_top_triples", 0),
            ("threads", 1),
        ):
            value = getattr(self, name)
            valid = value is None or (_is_whole(value) and value >= least)
            _check(name, value, f"None or a whole number of at least {least}", valid)
        for name in ("max_trimming_time", "max_refinement_time"):
            value = getattr(self, name)
            _check(name, value, "a number of minutes of at least 0", _is_number(value) and value >= 0)
        for name in ("ipf_tolerance", "refinement_tolerance", "target_smoothing", "privacy_filter"):
            value = getattr(self, name)
            _check(name, value, "a share from 0 to 1", _is_number(value) and 0 <= value <= 1)
        multiplier, memory = self.trimming_data_multiplier, self.max_memory
        _check(
            "trimming_data_multiplier", multiplier, "a number of at least 1", _is_number(multiplier) and multiplier >= 1
        )
        _check("max_memory", memory, "a number of GiB above 0", _is_number(memory) and memory > 0)
        _check(
            "allow_training_copies",
            self.allow_training_copies,
            "True or False",
            isinstance(self.allow_training_copies, bool),
        )


def _is_whole(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _check(name: str, value: object, allowed: str, is_valid: bool) -> None:
    if not is_valid:
        raise ValueError(f"{name}={value!r}: must be {allowed}")
