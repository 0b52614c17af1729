"""Tests what the log says of files that are not plain."""

import openpyxl
import pytest

from postprocess.data.binning import fit_binning
from postprocess.data.inputs import open_inputs
from postprocess.runtime.exits import InputError
from postprocess.runtime.progress import Progress

NUMBERS = "price;size\n" + "1,50;2\n2,25;3\n" * 50


def write(folder, content, name="data.csv"):
    path = folder / name
    path.write_bytes(content.encode())
    return path


def notes(training, **others):
    inputs = open_inputs(training, **others)
    return inputs.notes(fit_binning(inputs.training, progress=Progress()))


def test_plain_files_have_no_notes(tmp_path):
    plain = "price,size\n" + "1.50,2\n" * 100
    pool = write(tmp_path, plain + "1.50,3\n", "pool.csv")
    assert notes(write(tmp_path, plain), pool=pool) == []


def test_each_file_that_is_not_plain_has_one_line(tmp_path):
    training = write(tmp_path, NUMBERS.replace("\n", "\r\n"))
    pool = write(tmp_path, "\ufeffprice\tsize\n1.5\t2\n", "pool.tsv")
    holdout = write(tmp_path, "price,size\r\n1.5,2\r\n", "holdout.csv")
    assert notes(training, pool=pool, holdout=holdout) == [
        f"{training}: separated by semicolons, Windows line ends, decimal commas in 'price'; the result is written in "
        "the same way",
        f"{pool}: separated by tabs, a byte order mark",
        f"{holdout}: Windows line ends",
    ]


def test_a_byte_order_mark_alone_is_noted(tmp_path):
    training = write(tmp_path, "\ufeffa,b\n" + "1,2\n" * 100)
    assert notes(training) == [f"{training}: a byte order mark; the result is written in the same way"]


@pytest.mark.parametrize(
    ("others", "note"), [([], "the only sheet, 'Sheet'"), (["More"], "first sheet 'Sheet' of 2 sheets")]
)
def test_the_sheet_of_an_excel_file_is_noted(tmp_path, others, note):
    workbook = openpyxl.Workbook()
    for row in [["a", "b"], *[[1, 2]] * 100]:
        workbook.active.append(row)
    for name in others:
        workbook.create_sheet(name)
    path = tmp_path / "data.xlsx"
    workbook.save(path)
    assert notes(path) == [f"{path}: {note}"]


def test_the_name_of_an_only_column_that_is_left_must_not_divide_a_header(tmp_path):
    path = write(tmp_path, "a;b,c\n" + "1,2\n" * 100)
    assert open_inputs(path, exclude=["a;b"]).training.columns == ("c",)
    with pytest.raises(InputError, match="the only column's name contains semicolons"):
        open_inputs(path, exclude=["c"])
