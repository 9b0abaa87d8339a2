"""One table written in many ways is read as the same table; what cannot be read is named."""

import bz2
import gzip
import io
import lzma
import zipfile

import numpy as np
import pandas as pd
import pytest

from skxfer import read_table
from skxfer.tables import CellError

# What all files of `WAYS` hold.
EXPECTED = pd.DataFrame(
    {
        "Verbindung": ["TiO2", "ZnO", "BaTiO3"],
        "Bandlücke": [3.2, 3.44, 1234.5],
        "n": [2, 1, 3],
        "Lösungsmittel": ["Wasser", "Essigsäure, rein", "Wasser"],
    }
)
POINT = [
    ["TiO2", "3.2", "2", "Wasser"],
    ["ZnO", "3.44", "1", "Essigsäure, rein"],
    ["BaTiO3", "1234.5", "3", "Wasser"],
]
COMMA = [[cell.replace(".", ",") if j == 1 else cell for j, cell in enumerate(row)] for row in POINT]


def lines(sep, rows=POINT, names=tuple(EXPECTED), end="\n", quote=None):
    quote = sep == "," if quote is None else quote
    table = [names, *rows]
    return end.join(sep.join(f'"{cell}"' if quote else cell for cell in row) for row in table) + end


def in_zip(text):
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        archive.writestr("table.csv", text)
        archive.writestr("__MACOSX/._table.csv", "")
    return stream.getvalue()


def excel(frame, **options):
    stream = io.BytesIO()
    frame.to_excel(stream, index=False, **options)
    return stream.getvalue()


def changed(position, cell):
    return [[cell if (i, j) == position else old for j, old in enumerate(row)] for i, row in enumerate(POINT)]


# Name of the file, what is in it, and what must be given.
WAYS = {
    "comma": ("t.csv", lines(",").encode(), {}),
    "comma, one cell in quotes": (
        "t.csv",
        lines(",", quote=False).replace("Essigsäure, rein", '"Essigsäure, rein"').encode(),
        {},
    ),
    "semicolon": ("t.csv", lines(";").encode(), {}),
    "semicolon, decimal comma": ("t.csv", lines(";", COMMA).encode(), {}),
    "tab": ("t.tsv", lines("\t").encode(), {}),
    "tab in a .csv": ("t.csv", lines("\t").encode(), {}),
    "tab, decimal comma": ("t.txt", lines("\t", COMMA).encode(), {}),
    "bar": ("t.dat", lines("|").encode(), {}),
    "quoted decimal commas": ("t.csv", lines(",", COMMA).encode(), {}),
    "byte order mark": ("t.csv", lines(";").encode("utf-8-sig"), {}),
    "Latin-1": ("t.csv", lines(";").encode("latin-1"), {}),
    "Latin-1, said": ("t.csv", lines(";").encode("latin-1"), {"encoding": "latin-1"}),
    "UTF-16": ("t.csv", lines("\t").encode("utf-16"), {}),
    "UTF-16 without mark": ("t.csv", lines("\t").encode("utf-16-le"), {}),
    "UTF-16, big end first": ("t.csv", lines("\t").encode("utf-16-be"), {}),
    "code page 850, said": ("t.csv", lines(";").encode("cp850"), {"encoding": "cp850"}),
    "line ends of Windows": ("t.csv", lines(";", end="\r\n").encode(), {}),
    "line ends of old Macs": ("t.csv", lines(";", end="\r").encode(), {}),
    "no last line end": ("t.csv", lines(";").rstrip().encode(), {}),
    "sep= in the first line": ("t.csv", ("sep=;\n" + lines(";", COMMA)).encode(), {}),
    "title above": ("t.csv", ("Table S3 of the supporting information\n\n" + lines(";")).encode(), {}),
    "comments above": ("t.csv", ("# measured, by hand\n# 2024\n" + lines(",")).encode(), {}),
    "header is a comment": ("t.csv", ("# " + lines(";")).encode(), {}),
    "empty lines": ("t.csv", lines(";").replace("\n", "\n\n").encode(), {}),
    "rows of empty cells": ("t.csv", (lines(";") + ";;;\n;;;\n").encode(), {}),
    "trailing separators": ("t.csv", lines(";").replace("\n", ";;\n").encode(), {}),
    "spaces around cells": ("t.csv", lines(" ; ").encode(), {}),
    "spaces around names": ("t.csv", lines(";", names=[f"  {name} " for name in EXPECTED]).encode(), {}),
    "line break in a name": ("t.csv", lines(";").replace("Verbindung", '"\nVerbindung"', 1).encode(), {}),
    "thousands and decimal comma": ("t.csv", lines(";", COMMA).replace("1234,5", "1.234,5").encode(), {}),
    "thousands by comma": ("t.csv", lines(";", changed((2, 1), "1,234.5")).encode(), {"decimal": "."}),
    "thousands by space": ("t.csv", lines(";", changed((2, 1), "1\u00a0234.5")).encode(), {}),
    "exponents": ("t.csv", lines(";", changed((2, 1), "1.2345E+03")).encode(), {}),
    "exponents of Fortran": ("t.csv", lines(";", changed((2, 1), "1.2345D+03")).encode(), {}),
    "separator said": ("t.csv", lines(";").encode(), {"sep": ";"}),
    "tab by name": ("t.csv", lines("\t").encode(), {"sep": "tab"}),
    "decimal said": ("t.csv", lines(";", COMMA).encode(), {"decimal": ","}),
    "gz": ("t.csv.gz", gzip.compress(lines(",").encode()), {}),
    "bz2": ("t.tsv.bz2", bz2.compress(lines("\t").encode()), {}),
    "xz": ("t.txt.xz", lzma.compress(lines(";", COMMA).encode()), {}),
    "zip": ("t.csv.zip", in_zip(lines(",")), {}),
    "Excel": ("t.xlsx", excel, {}),
    "Excel, text cells": (
        "t.xlsx",
        lambda frame: excel(frame.assign(Bandlücke=[row[1] for row in COMMA])),
        {},
    ),
    "Excel, title above": ("t.xlsx", lambda frame: excel(frame, startrow=3, startcol=2), {}),
    "parquet": ("t.parquet", lambda frame: frame.to_parquet(), {}),
}


@pytest.mark.parametrize("way", WAYS)
def test_the_same_table_written_in_many_ways(way, tmp_path):
    name, content, options = WAYS[way]
    if name.endswith(".xlsx"):
        pytest.importorskip("openpyxl")
    if name.endswith(".parquet"):
        pytest.importorskip("pyarrow")
    path = tmp_path / name
    path.write_bytes(content(EXPECTED) if callable(content) else content)
    table = read_table(path, **options)
    pd.testing.assert_frame_equal(table, EXPECTED)
    assert str(table.attrs["reading"]).startswith(f"{name}: ")


def write(tmp_path, text, name="t.csv"):
    path = tmp_path / name
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return path


def reading_of(path, **options):
    return read_table(path, **options).attrs["reading"]


@pytest.mark.parametrize(
    "text, words",
    [
        (lines(";", COMMA).encode("utf-8-sig"), "encoding UTF-8, separator semicolon, decimal comma"),
        (lines("\t").encode("utf-16"), "encoding UTF-16, separator tab"),
        (lines(";").encode("latin-1"), "encoding Windows-1252 (Latin-1), separator semicolon"),
    ],
)
def test_how_it_was_read_is_said(text, words, tmp_path):
    assert str(reading_of(write(tmp_path, text))) == f"t.csv: {words}"


# numbers ----------------------------------------------------------------------------------------------


def column_of(tmp_path, cells, **options):
    text = "name;y\n" + "".join(f"r{i};{cell}\n" for i, cell in enumerate(cells))
    table = read_table(write(tmp_path, text), **options)
    return table["y"], table.attrs["reading"]


@pytest.mark.parametrize(
    "cells, values",
    [
        (["1", "2", "3"], [1, 2, 3]),
        (["1.5", "", "3"], [1.5, np.nan, 3]),
        (["1.5", "NaN", "NA", "#N/A", "null", "3"], [1.5, np.nan, np.nan, np.nan, np.nan, 3]),
        (["\u22121.5", "+2", "-.5"], [-1.5, 2, -0.5]),
        (["True", "FALSE", "true"], [1, 0, 1]),
        (["1e-3", "1E5", "2.5e+2"], [1e-3, 1e5, 250]),
        (["0,5", "1,25", "3"], [0.5, 1.25, 3]),
        (["1,234", "0,5", "2,75"], [1.234, 0.5, 2.75]),
        (["0.1257302210933933", "1e300", "5e-324"], [0.1257302210933933, 1e300, 5e-324]),
    ],
)
def test_cells_are_read_as_the_numbers_they_are(cells, values, tmp_path):
    column, _ = column_of(tmp_path, cells)
    np.testing.assert_array_equal(column.to_numpy(dtype=float), np.array(values, dtype=float))


@pytest.mark.parametrize(
    "cells, values, unit",
    [
        (["0.005 eV", "1.2 eV", "-3 eV"], [0.005, 1.2, -3], "eV"),
        (["45 %", "12.5%", ""], [45, 12.5, np.nan], "%"),
        (["25 °C", "30 °C"], [25, 30], "°C"),
        (["1,5 kJ/mol", "2,25 kJ/mol"], [1.5, 2.25], "kJ/mol"),
    ],
)
def test_a_unit_that_all_cells_have_is_read_and_kept(cells, values, unit, tmp_path):
    column, reading = column_of(tmp_path, cells)
    np.testing.assert_array_equal(column, np.array(values, dtype=float))
    assert reading.units == {"y": unit}
    assert f"each cell has the unit {unit}" in " ".join(reading.notes)


@pytest.mark.parametrize(
    "cells, row, message, marks",
    [
        (["1.5", "-", "3", "4.5"], 2, r"row 2 is '-'\.", ["-"]),
        (["1.5", "2", "n/a", "-", "n/a"], 3, r"'n/a'; 3 cells in all: 'n/a' \(2 times\), '-'", ["n/a", "-"]),
        (["1.5", "2", "3", "4", "5.5", "<0.1"], 6, "row 6 is '<0.1'", []),
        (["1.5", "2", "3", "4", "5", "1.2 ± 0.1"], 6, "'1.2 ± 0.1'", []),
        (["1.5 eV", "2 eV", "3 eV", "40 meV"], 4, "mixes units: .* row 4 is '40 meV', and 3 cells", []),
        (["1.5 eV", "2 eV", "3.1", "4 eV"], 3, "mixes units: the cell in row 3 is '3.1'", []),
        (["1", "-", "-", "-", "-", "2"], 2, "row 2 is '-'; 4 cells", ["-"]),
    ],
)  # fmt: skip
def test_a_cell_that_is_not_a_number_is_named_with_what_to_do(cells, row, message, marks, tmp_path):
    with pytest.raises(CellError, match=message) as found:
        column_of(tmp_path, cells)
    assert (found.value.column, found.value.row, found.value.marks) == ("y", row, marks)
    column, reading = column_of(tmp_path, cells, on_bad_cell="text")
    assert list(column) == cells
    assert str(reading.bad_cells["y"]) == str(found.value)
    assert list(column_of(tmp_path, cells, text=["y"])[0]) == cells


def test_marks_that_are_declared_are_missing_values(tmp_path):
    column, _ = column_of(tmp_path, ["1.5", "-", "n/a", "3"], missing=["-", "n/a"])
    np.testing.assert_array_equal(column, [1.5, np.nan, np.nan, 3])
    column, _ = column_of(tmp_path, ["1.5", "?", "3"], missing="?")
    np.testing.assert_array_equal(column, [1.5, np.nan, 3])


@pytest.mark.parametrize(
    "cells",
    [
        ["1,2-dichloroethane", "2-propanol", "ethanol"],
        ["12a", "12b", "13a", "14c"],
        ["10.1021/ct05", "10.1039/b80", "10.1021/jp1"],
        ["1_1", "1_2", "2_1"],
        ["2024-01-01", "2024-01-02", "2024-01-03"],
        ["NaN", "TiO2", "NaCl"],
        ["None", "LiCl", "None"],
    ],
)
def test_text_stays_text(cells, tmp_path):
    column, _ = column_of(tmp_path, cells)
    assert list(column) == cells


def test_decimal_marks_that_are_mixed_are_an_error(tmp_path):
    with pytest.raises(ValueError, match="Decimal marks are mixed in column 'y'"):
        column_of(tmp_path, ["1,5", "2.5", "3,5"])
    with pytest.raises(CellError, match=r"row 2 is '2\.5'"):
        column_of(tmp_path, ["1,5", "2.5", "3,5", "4,5", "5,5"], decimal=",")


# headers ----------------------------------------------------------------------------------------------


def test_a_file_without_a_header_is_told_and_read_on_demand(tmp_path):
    path = write(tmp_path, "CCO,1.5,2\nCCC,2.5,3\n")
    with pytest.raises(ValueError, match=r"first line must hold the names of the columns, but it has '1\.5'"):
        read_table(path)
    table = read_table(path, header=False)
    assert list(table.columns) == ["column_1", "column_2", "column_3"]
    assert table.shape == (2, 3)


def test_names_on_a_grid_are_those_of_a_spectrum(tmp_path):
    grid = [f"{400 + 2.5 * i:g}" for i in range(8)]
    table = read_table(write(tmp_path, ",".join(["y", *grid]) + "\n" + ",".join(["1"] * 9) + "\n"))
    assert list(table.columns) == ["y", *grid]


@pytest.mark.parametrize(
    "text, names",
    [
        (",a,b\n0,1.5,2\n1,2.5,3\n", ["Unnamed: 0", "a", "b"]),
        ("a,b\nr0,1.5,2\nr1,2.5,3\n", ["Unnamed: 0", "a", "b"]),
        ("a,b,a\n1,2,3\n4,5,6\n", ["a", "b", "a.1"]),
        ('"gap, eV",b\n1.5,2\n2.5,3\n', ["gap, eV", "b"]),
        ("a\n1.5\n2.5\n", ["a"]),
    ],
)
def test_names_of_columns(text, names, tmp_path):
    table = read_table(write(tmp_path, text))
    assert list(table.columns) == names
    assert len(table) == 2


def test_a_name_that_occurs_twice_is_told(tmp_path):
    assert "Column 'a' occurs 2 times" in reading_of(write(tmp_path, "a,b,a\n1,2,3\n4,5,6\n")).notes[0]


# workbooks --------------------------------------------------------------------------------------------


@pytest.fixture
def book(tmp_path):
    pytest.importorskip("openpyxl")
    path = tmp_path / "book.xlsx"
    gas = pd.DataFrame({"x": [1.5, 2.5], "EA_eV": [0.1, 0.2]})
    with pd.ExcelWriter(path) as writer:
        pd.DataFrame().to_excel(writer, sheet_name="empty")
        gas.to_excel(writer, sheet_name="gas", index=False)
        gas.rename(columns={"EA_eV": "EA_ev"}).assign(pH=7).to_excel(writer, sheet_name="water", index=False)
    return path


def test_the_first_sheet_with_rows_is_read_and_the_others_are_named(book):
    table = read_table(book)
    assert list(table["x"]) == [1.5, 2.5]
    assert table.attrs["reading"].notes == ["Sheet 'gas' is read; the workbook has empty, water as well."]


@pytest.mark.parametrize("sheet", ["*", ["gas", "water"], [2, 3], "gas"])
def test_several_sheets_are_joined_with_a_column_of_their_names(book, sheet):
    table = read_table(book, sheet=sheet)
    if sheet == "gas":
        assert list(table.columns) == ["x", "EA_eV"]
        return
    assert list(table["sheet"]) == ["gas", "gas", "water", "water"]
    assert list(table["EA_eV"]) == [0.1, 0.2, 0.1, 0.2]
    notes = table.attrs["reading"].notes
    assert notes == [
        "Column 'EA_ev' of sheet water is taken for 'EA_eV'.",
        "Column 'pH' is missing in the sheet gas: its cells are empty.",
    ]


def test_a_sheet_that_is_not_there_is_named_with_those_that_are(book, tmp_path):
    with pytest.raises(ValueError, match="no sheet 'oil': there are empty, gas, water"):
        read_table(book, sheet="oil")
    with pytest.raises(ValueError, match="has no sheets"):
        read_table(write(tmp_path, "a,b\n1,2\n"), sheet="gas")


# what cannot be read ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "name, content, message",
    [
        ("t.csv", b"", "it is empty"),
        ("t.csv", b"a,b\n", "has no rows"),
        ("t.csv", b"\xff\xfe\x00", "zero bytes"),
        ("t.csv", b"a,b\n1,2\n1,2,3,4\n", "line 2 below the header has 4 cells, those above have 2"),
        ("t.csv.gz", b"a,b", "cannot be decompressed"),
        ("t.csv.zip", b"a,b", "cannot be decompressed"),
        ("t.xls", b"", "cannot read .xls; save it as .xlsx"),
        ("t", b"", "cannot read a file without ending"),
        ("t.pdf", b"", "cannot read .pdf; use .csv"),
    ],
)
def test_what_cannot_be_read_is_said(name, content, message, tmp_path):
    with pytest.raises(ValueError, match=message):
        read_table(write(tmp_path, content, name))


def test_a_file_that_is_not_there(tmp_path):
    with pytest.raises(FileNotFoundError, match="there is no file"):
        read_table(tmp_path / "absent.csv")
    with pytest.raises(FileNotFoundError, match="it is a folder"):
        read_table(tmp_path)


@pytest.mark.parametrize(
    "options, message",
    [
        ({"encoding": "utf-9"}, "encoding 'utf-9'"),
        ({"encoding": "ascii"}, "encoding 'ascii'"),
        ({"decimal": ";"}, "decimal mark must be"),
        ({"sep": ";;"}, "separator must be one character"),
        ({"text": ["c"]}, "no column 'c'; there are Größe, b"),
    ],
)
def test_options_that_cannot_be_are_errors(options, message, tmp_path):
    with pytest.raises(ValueError, match=message):
        read_table(write(tmp_path, "Größe;b\n1,5;2\n"), **options)
