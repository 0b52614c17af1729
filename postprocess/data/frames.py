"""DataFrames as the files of a run, and the result of a run as a DataFrame of the same dtypes."""

from dataclasses import replace
from datetime import date, datetime
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa

from postprocess.data.binning import fit_binning, read_typed
from postprocess.data.csv_faults import one_line
from postprocess.data.sources import open_source
from postprocess.runtime.exits import InputError
from postprocess.runtime.progress import Progress


def write_frame(frame: pd.DataFrame, path: Path, role: str) -> Path:
    """Write the columns of a frame, without its index, to a Parquet file; returns the path.

    Raises InputError if `frame` is no DataFrame, or has columns that a Parquet file cannot hold.
    """
    if not isinstance(frame, pd.DataFrame):
        raise InputError(f"{role}: must be a pandas DataFrame, not {type(frame).__name__}")
    for name in frame.columns:
        if not isinstance(name, str) or name != name.encode(errors="replace").decode():
            raise InputError(f"{role}: the column name {name!r} is no text; rename the column")
    if twice := frame.columns[frame.columns.duplicated()].tolist():
        raise InputError(f"{role}: duplicate column names: {', '.join(map(repr, twice))}; rename them")
    try:
        frame.to_parquet(path, index=False)
    except (pa.ArrowException, ValueError, TypeError) as error:
        raise InputError(f"{role}: a column cannot be stored ({one_line(error)}); convert it") from error
    return path


def read_result(result: Path, training: Path, like: pd.DataFrame) -> pd.DataFrame:
    """Return the result of a run on the file `training`, with the dtypes of the frame from which the file was written.

    A dtype that cannot hold the values of the result gives way: to pandas' nullable one if only the result has missing
    values, and to that of the values if they are too large for the dtype or no categories of it. Decimals come back as
    floats, and times of day as text.
    """
    file, source = open_source(result, role="result"), open_source(training, role="training")
    source = replace(source, left_out=tuple(name for name in source.in_file if name not in file.in_file))
    typed = read_typed(file, fit_binning(source, progress=Progress()))
    return pd.DataFrame({name: _as(like[name], typed[name]) for name in typed.columns})


def _as(like: pd.Series, values: pd.Series) -> pd.Series:
    dtype, some = like.dtype, like.dropna()
    if isinstance(dtype, pd.DatetimeTZDtype):  # times are written as those of UTC
        return values.dt.tz_localize("UTC").astype(dtype)
    if (
        pd.api.types.is_object_dtype(dtype)
        and len(some)
        and isinstance(some.iloc[0], date)
        and not isinstance(some.iloc[0], datetime)
    ):
        return values.dt.date
    if isinstance(dtype, np.dtype) and dtype.kind in "iub" and values.isna().any():
        return values
    if isinstance(dtype, np.dtype) and dtype.kind in "iu":
        limits = np.iinfo(dtype)
        return values.astype(dtype) if values.between(limits.min, limits.max).all() else values
    if isinstance(dtype, pd.CategoricalDtype) and not values.dropna().isin(dtype.categories).all():
        return values
    return values.astype(dtype)
