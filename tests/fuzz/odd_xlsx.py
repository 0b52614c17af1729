"""Strategies for Excel files with all kinds of cells, and for broken ones."""

import io
import zipfile
from collections.abc import Callable
from datetime import date, datetime, time, timedelta

import numpy as np
import openpyxl
from hypothesis import strategies as st
from openpyxl.cell.cell import ILLEGAL_CHARACTERS_RE
from openpyxl.chart import BarChart

from tests.fuzz.files import DataFile
from tests.fuzz.odd_columns import SPELLINGS
from tests.fuzz.odd_csv import zipped

Generator = np.random.Generator
Row = list[object]

CELLS: dict[str, Callable[[Generator], object]] = {
    "whole": lambda rng: int(rng.integers(-100, 1000)),
    "decimal": lambda rng: round(float(rng.normal(0, 1000)), 2),
    "float": lambda rng: float(rng.normal()),
    "large": lambda rng: float(rng.choice([1e300, 2.0**53, -1e17, 5e-324, 123456789012345678])),
    "text": lambda rng: str(rng.choice(["x", "y", " z ", "a\nb", "NA", "_x000D_", "é", "=", "'1"])),
    "number as text": lambda rng: str(rng.integers(100)),
    "digits": lambda rng: f"{rng.integers(10**5):08}",
    "truth": lambda rng: bool(rng.integers(2)),
    "day": lambda rng: date(2024, 1, 1) + timedelta(int(rng.integers(900))),
    "moment": lambda rng: datetime(2024, 1, 1) + timedelta(minutes=int(rng.integers(10**6))),
    "old day": lambda rng: datetime(1900, 1, 1) + timedelta(int(rng.integers(70))),
    "clock": lambda rng: time(int(rng.integers(24)), int(rng.integers(60))),
    "duration": lambda rng: timedelta(hours=int(rng.integers(100)), minutes=5),
    "formula": lambda rng: f"=SUM(A{rng.integers(1, 9)}:B2)",
    "error": lambda rng: str(rng.choice(["#N/A", "#DIV/0!", "#REF!"])),
    "none": lambda rng: None,
}
FORMATS = ("General", "0.00", "0%", "#,##0.00 €", "@", "yyyy-mm-dd", "[h]:mm:ss", "dd.mm.yyyy hh:mm", "0.00E+00")


@st.composite
def xlsx_files(draw: st.DrawFn, n_rows: int = 100, *, names: list[str] | None = None, odd: int = 1) -> DataFile:
    """Draw an Excel file. odd: of ten files, how many are broken or are called by another ending."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    if names is None:
        names = [f"c{place}" for place in range(draw(st.integers(1, 5)))]
    columns = [draw(_columns(n_rows, rng)) for _ in names]
    workbook = openpyxl.Workbook()
    sheet = workbook.active
    for row in [names, *(list(row) for row in zip(*columns, strict=True))]:
        sheet.append(row)
    for cells in sheet.iter_cols(min_row=2) if draw(st.integers(0, 2)) == 0 else ():
        layout = draw(st.sampled_from(FORMATS))
        for cell in cells:
            cell.number_format = layout
    match draw(st.sampled_from(["", "", "", *_SHAPES])):
        case "empty rows":
            sheet.insert_rows(1, 3)
            sheet.insert_rows(20)
        case "empty column":
            sheet.insert_cols(1)
        case "title":
            sheet.insert_rows(1)
            sheet["A1"] = "Report of 2024"
        case "merged":
            sheet.merge_cells("A3:B6")
        case "merged header":
            sheet.merge_cells("A1:B1")
        case "sheets":
            workbook.create_sheet("Other", 1).append(["x"])
        case "empty first":
            workbook.create_sheet("Empty", 0)
        case "hidden":
            workbook.create_sheet("Shown", 1).append(["x"])
            sheet.sheet_state = "hidden"
        case "chart":
            workbook.create_chartsheet("Chart", 0).add_chart(BarChart())
        case "far cell":
            sheet["XFD3"] = "far"
        case "low cell":
            sheet["A9000"] = "low"
        case "long text":
            sheet["A2"] = "x" * 32_767
        case "odd header":
            sheet["A1"] = draw(st.sampled_from([1, 2.5, True, "", " ", "=1+1", "c1", "a\nb"]))
        case "epoch":
            workbook.epoch = datetime(1904, 1, 1)
    saved = io.BytesIO()
    workbook.save(saved)
    content = saved.getvalue()
    return draw(_broken(content)) if draw(st.integers(0, 9)) < odd else DataFile(content, ".xlsx")


_SHAPES = (
    *("empty rows", "empty column", "title", "merged", "merged header", "sheets", "empty first", "hidden", "chart"),
    *("far cell", "low cell", "long text", "odd header", "epoch"),
)


@st.composite
def _columns(draw: st.DrawFn, n_rows: int, rng: Generator) -> list[object]:
    if draw(st.integers(0, 3)) == 0:
        spell = draw(SPELLINGS)
        return [ILLEGAL_CHARACTERS_RE.sub("?", spell(rng))[:1000] for _ in range(n_rows)]
    makers = [CELLS[kind] for kind in draw(st.lists(st.sampled_from(list(CELLS)), min_size=1, max_size=2))]
    values = [makers[rng.integers(len(makers))](rng) for _ in range(n_rows)]
    share = draw(st.sampled_from([0.0, 0.0, 0.2]))
    return [None if gone else value for value, gone in zip(values, rng.random(n_rows) < share, strict=True)]


@st.composite
def _broken(draw: st.DrawFn, content: bytes) -> DataFile:
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    place = int(rng.integers(len(content)))
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    first = next(name for name in parts if "worksheets/sheet" in name)
    edits: dict[str, tuple[str, bytes, bytes]] = {
        "wrong dimension": (first, b"<dimension ref=", b'<dimension ref="A1:B2" was='),
        "no rows": (first, b"<sheetData>", b"<sheetdata>"),
        "bad row number": (first, b'<row r="3"', b'<row r="x"'),
        "far row": (first, b'<row r="3"', b'<row r="1048576"'),
        "low row": (first, b'<row r="3"', b'<row r="-3"'),
        "bad cell": (first, b'r="A3"', b'r="3A"'),
        "bad type": (first, b't="n"', b't="zz"'),
        "bad number": (first, b"<v>1", b"<v>1x"),
        "infinite": (first, b"<v>1", b"<v>1e999</v><v>1"),
        "not a number": (first, b"<v>1", b"<v>nan</v><v>1"),
        "bad text": (first, b't="s"><v>', b't="s"><v>99'),
        "bad style": (first, b' s="1"', b' s="99"'),
        "late date": (first, b"<v>4", b"<v>94000000"),
        "early date": (first, b"<v>4", b"<v>-4"),
        "bad encoding": (first, b"<worksheet", b'<?xml version="1.0" encoding="utf-16"?><worksheet'),
        "entities": (first, b"<worksheet", b'<!DOCTYPE x [<!ENTITY a "b">]><worksheet'),
        "broken XML": (first, b"</row>", b"</raw>"),
        "no sheets": ("xl/workbook.xml", b"<sheet ", b"<shoot "),
        "bad relation": ("xl/workbook.xml", b"rId1", b"rId77"),
        "bad name": ("xl/workbook.xml", b'name="', b'name="&#10;'),
    }
    way = draw(st.sampled_from([*edits, "cut", "noise", "one byte", "other zip", "no sheet", "csv", "parquet", "gzip"]))
    match way:
        case "cut":
            return DataFile(content[:place], ".xlsx")
        case "noise":
            return DataFile(content[:place] + rng.bytes(50) + content[place + 50 :], ".xlsx")
        case "one byte":
            return DataFile(content[:place] + rng.bytes(1) + content[place + 1 :], ".xlsx")
        case "other zip":
            return DataFile(zipped({"a.txt": b"x"}), ".xlsx")
        case "no sheet":
            return DataFile(zipped({name: part for name, part in parts.items() if name != first}), ".xlsx")
        case "csv" | "parquet":
            return DataFile(content, f".{way}")
        case "gzip":
            return DataFile(content, ".csv.gz")
    name, old, new = edits[way]
    return DataFile(zipped({**parts, name: parts[name].replace(old, new)}), ".xlsx")
