"""What each cycle is to do; the bytes of the pool follow from this and the training data."""

from dataclasses import dataclass

import numpy as np

from pool.errors import ParameterError
from pool.parameters import CycleSettings, PoolParameters


@dataclass(frozen=True, kw_only=True)
class CyclePlan:
    """One cycle of `of` cycles: how it is trained, from which seed (0 to 2^32 - 1), and how many rows it samples."""

    number: int  # from 1
    of: int
    rows: int
    seed: int
    settings: CycleSettings

    @property
    def label(self) -> str:
        return f"cycle {self.number} of {self.of}"


def plan_cycles(parameters: PoolParameters, *, training_rows: int) -> tuple[CyclePlan, ...]:
    """The cycles, in order; the rows are shared as evenly as can be, the larger shares first.

    Raises ParameterError when there are fewer rows to sample than cycles.
    """
    rows, cycles = round(parameters.sample_size * training_rows), parameters.train_iterations
    if rows < cycles:
        raise ParameterError(f"train_iterations={cycles}: must be at most the number of rows to sample, here {rows}")
    return tuple(
        CyclePlan(
            number=number,
            of=cycles,
            rows=rows // cycles + (number <= rows % cycles),
            seed=int(np.random.SeedSequence([parameters.seed, number]).generate_state(1)[0]),
            settings=parameters.of_cycle(number),
        )
        for number in range(1, cycles + 1)
    )
