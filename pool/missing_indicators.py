"""Missing values made visible: the generator learns a true/false column beside each column that has any."""

from dataclasses import dataclass

import pandas as pd

SUFFIX = "_is_missing"


@dataclass(frozen=True)
class Contradictions:
    """Numbers of sampled values that contradict their indicator."""

    blanked: int  # a value beside an indicator that says missing: removed
    unfilled: int  # no value beside an indicator that says present: left missing

    def __add__(self, other: "Contradictions") -> "Contradictions":
        return Contradictions(self.blanked + other.blanked, self.unfilled + other.unfilled)


def add_indicators(training: pd.DataFrame) -> tuple[pd.DataFrame, dict[str, str]]:
    """Append an indicator (boolean, True = missing) for every column with missing values.

    Returns the wider frame, with the real columns first and untouched, and the real column of each indicator. An
    indicator's name is never that of another column. `training` itself stays as it is.
    """
    taken = set(training.columns)
    indicators: dict[str, str] = {}
    for column in training.columns[training.isna().any()]:
        name = f"{column}{SUFFIX}"
        while name in taken:
            name += "_"
        taken.add(name)
        indicators[name] = column
    added = {name: training[column].isna().astype("boolean") for name, column in indicators.items()}
    return pd.concat([training, pd.DataFrame(added, index=training.index)], axis=1), indicators


def drop_indicators(sample: pd.DataFrame, indicators: dict[str, str]) -> tuple[pd.DataFrame, Contradictions]:
    """Remove the indicators from sampled rows. Returns the frame with the real columns only, and the contradictions.

    If an indicator says missing beside a value, the value is removed. If it says present beside a missing value, the
    value stays missing, because nothing can be invented. An indicator that is itself missing decides nothing.

    indicators: as `add_indicators` returned them.
    """
    real = sample.drop(columns=list(indicators))
    found = Contradictions(0, 0)
    for name, column in indicators.items():
        says_missing = sample[name].astype("boolean")
        is_missing = real[column].isna()
        to_blank = says_missing.fillna(False).to_numpy(bool) & ~is_missing
        unfilled = ~says_missing.fillna(True).to_numpy(bool) & is_missing
        found += Contradictions(int(to_blank.sum()), int(unfilled.sum()))
        if to_blank.any():
            real[column] = real[column].mask(to_blank)
    return real, found
