"""Combinations of quasi-identifiers: values that others may know of a person, such as age, place and profession.

A combination that one training row alone has may tell who that person is (Sweeney, 2002, "k-anonymity"). If the result
has it too, readers may take the synthetic row for that person, whatever else stands in it.
"""

import numpy as np

from postprocess.data.codes import Codes


def single_row_combinations(training: Codes, rows: Codes) -> np.ndarray:
    """Return (n_rows,) bool: the rows with a combination of quasi-identifiers that one training row alone has.

    Both must have been read with quasi-identifiers. `rows` may be the training rows themselves.
    """
    assert training.combinations is not None and rows.combinations is not None, "read with quasi_identifiers"
    combinations, numbers = np.unique(training.combinations, return_counts=True)
    return np.isin(rows.combinations, combinations[numbers == 1])
