"""Tables that are read and written part by part."""

import gzip
import os
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from skxfer import read_table
from skxfer.tables import TableParts, TableWriter, spreadsheet_safe

SHARED = Path(__file__).parents[2].parent / "shared" / "tables"
if "SKXFER_DATA" in os.environ:
    SHARED = Path(os.environ["SKXFER_DATA"]).parent / "tables"

TABLES = {
    "comma": ("Oxid,gap,n\nTiO2,3.25,1\nZnO,,2\n\nMgO,7.8,3\n", "utf-8"),
    "german": ("Oxid;Lücke\nTiO2;3,25\nZnO;3,4\nMgO;7,8\n", "latin-1"),
    "tab with BOM": ("Oxid\tgap\nTiO2\t3.25\nZnO\t3.4\nMgO\t7.8\n", "utf-8-sig"),
    "utf-16": ("Oxid\tgap\nTiO2\t3.25\nZnO\t3.4\nMgO\t7.8\n", "utf-16"),
    "preamble": ("Measured in May\nOxid,gap\nTiO2,3.25\nZnO,3.4\nMgO,7.8", "utf-8"),
    "quoted": ('"Oxid, as\nwritten",gap\n"Ti,O2",3.25\nZnO,3.4\nMgO,7.8\n', "utf-8"),
    "windows": ("Oxid,gap\r\nTiO2,3.25\r\nZnO,3.4\r\nMgO,7.8\r\n", "utf-8"),
    "names of rows": ("gap,n\nTiO2,3.25,1\nZnO,3.4,2\nMgO,7.8,3\n", "utf-8"),
}


def same(parts, whole):
    reading = whole.attrs.pop("reading")
    assert str(parts.reading) == str(reading) and parts.columns == list(whole)
    # What is text in the whole, for one bad cell, may be numbers in a part.
    joined = pd.concat(list(parts)).astype(dict.fromkeys(reading.bad_cells, str))
    pd.testing.assert_frame_equal(joined, whole, check_dtype=False)


@pytest.mark.parametrize("rows", [1, 2, 100])
@pytest.mark.parametrize("name", TABLES)
def test_parts_are_the_rows_that_are_read_at_once(name, rows, tmp_path):
    text, encoding = TABLES[name]
    path = tmp_path / "t.csv"
    path.write_bytes(text.encode(encoding))
    same(TableParts(path, rows=rows), read_table(path))


@pytest.mark.parametrize("suffix", [".gz", ".bz2", ".xz", ".zip"])
def test_compressed_tables_are_read_in_parts(suffix, tmp_path):
    path = tmp_path / f"t.csv{suffix}"
    pd.DataFrame({"x": np.arange(50.0) / 8, "name": "a"}).to_csv(path, index=False)
    parts = TableParts(path, rows=7)
    assert [len(part) for part in parts] == [7] * 7 + [1] and parts.n_rows == 50
    same(parts, read_table(path))


@pytest.mark.parametrize("path", sorted(SHARED.glob("*.csv")) or ["none"], ids=lambda path: Path(path).name)
def test_messy_spreadsheets_are_read_alike(path):
    if path == "none":
        pytest.skip("the messy spreadsheets are not here")
    same(TableParts(path, rows=64), read_table(path, on_bad_cell="text"))


def test_excel_and_parquet_are_read_in_parts(tmp_path):
    table = pd.DataFrame({"x": [1.5, 2.5, 3.5], "name": ["a", "b", None]})
    for suffix, package in ((".xlsx", "openpyxl"), (".parquet", "pyarrow")):
        pytest.importorskip(package)
        path = tmp_path / f"t{suffix}"
        (table.to_excel if suffix == ".xlsx" else table.to_parquet)(path, index=False)
        parts = TableParts(path, rows=2)
        assert [len(part) for part in parts] == [2, 1] and parts.n_rows == 3
        same(parts, read_table(path))


def test_an_accent_after_a_megabyte_decides_the_encoding(tmp_path):
    path = tmp_path / "t.csv"
    path.write_bytes(b"name,x\n" + b"plain,1\n" * 200_000 + "Löwe,2\n".encode("latin-1"))
    last = list(TableParts(path, rows=50_000))[-1].iloc[-1]
    assert last["name"] == "Löwe" and last["x"] == 2


def test_a_decimal_comma_is_found_once_for_all_parts(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text("x;y\n1;1,5\n2;2,5\n3;4\n4;1.234,5\n")
    joined = pd.concat(list(TableParts(path, rows=1, numbers=["y"])))
    assert joined["y"].astype(float).tolist() == [1.5, 2.5, 4.0, 1234.5]


def test_columns_of_text_stay_text_where_a_part_holds_numbers_only(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text("code,x\n001,1\n2.50,2\nA,3\n")
    assert pd.concat(list(TableParts(path, rows=1, text=["code", "absent"])))["code"].tolist() == [
        "001",
        "2.50",
        "A",
    ]


def test_one_bad_cell_does_not_make_text_of_the_numbers_next_to_it(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text("x;y\n1;1,5\n2;warm\n3;2 500,5\n4;-\n5;\n6;3 eV\n")
    (part,) = TableParts(path, numbers=["y"], missing="-")
    assert part["y"].tolist()[:3] == [1.5, "warm", 2500.5]
    assert part["y"].isna().tolist() == [False, False, False, True, True, False] and part["y"][5] == "3 eV"


def test_a_row_with_too_many_cells_is_named(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text("a,b\n" + "1,2\n" * 30 + "1,2,3,4\n")
    with pytest.raises(ValueError, match="cannot be split into columns at each comma"):
        list(TableParts(path, rows=10))


@pytest.mark.parametrize(
    "name, options, message",
    [
        ("none.csv", {}, "there is no file"),
        ("t.pdf", {}, "cannot read .pdf"),
        ("t.csv", {"sheet": "a"}, "has no sheets"),
        ("t.csv", {"decimal": "x"}, "decimal mark"),
        ("t.csv", {"encoding": "klingon"}, "there is no encoding 'klingon'"),
        ("zeros.csv", {}, "it holds zero bytes"),
        ("broken.csv.gz", {}, "cannot be decompressed"),
        ("t.parquet", {}, "cannot be read as parquet|needs one more package"),
    ],
)
def test_what_cannot_be_read_is_named(name, options, message, tmp_path):
    for file in ("t.pdf", "t.csv", "t.parquet"):
        (tmp_path / file).write_text("a,b\n1,2\n")
    (tmp_path / "zeros.csv").write_bytes(b"a,b\n" + b"1,2\n" * 900 + b"\0")
    (tmp_path / "broken.csv.gz").write_bytes(gzip.compress(b"a,b\n" * 9000)[:40])
    with pytest.raises((ValueError, OSError, ImportError), match=message):
        list(TableParts(tmp_path / name, **options))


# writing -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("suffix", [".csv", ".csv.gz", ".parquet"])
def test_parts_that_are_written_are_read_again(suffix, tmp_path):
    if suffix == ".parquet":
        pytest.importorskip("pyarrow")
    path = tmp_path / f"out{suffix}"
    parts = [
        pd.DataFrame({"x": [1, 2], "y": [0.1, np.nan], "name": ["a", None], "flag": [True, False]}),
        pd.DataFrame({"x": [2.5], "y": [1], "name": [None], "flag": [True]}),
    ]
    with TableWriter(path) as writer:
        for part in parts:
            writer.write(part)
    found = pd.read_parquet(path) if suffix == ".parquet" else pd.read_csv(path)
    assert found["x"].tolist() == [1, 2, 2.5] and found["flag"].tolist() == [True, False, True]
    assert found["name"].isna().tolist() == [False, True, True]
    assert found["y"].isna().tolist() == [False, True, False]
    assert list(tmp_path.iterdir()) == [path]


def test_a_table_has_its_name_only_once_it_is_complete(tmp_path):
    path = tmp_path / "out.csv"
    path.write_text("old")
    with pytest.raises(ValueError, match="broke"), TableWriter(path) as writer:
        writer.write(pd.DataFrame({"x": [1]}))
        raise ValueError("broke")
    assert path.read_text() == "old" and list(tmp_path.iterdir()) == [path]
    with pytest.raises(KeyboardInterrupt), TableWriter(path) as writer:
        writer.write(pd.DataFrame({"x": [1]}))
        raise KeyboardInterrupt
    assert path.read_text() == "old" and (tmp_path / "out.csv.part").read_text() == "x\n1\n"


def test_another_kind_of_file_is_refused(tmp_path):
    with pytest.raises(ValueError, match="ends with .csv, .csv.gz or .parquet"):
        TableWriter(tmp_path / "out.xlsx")
    with pytest.raises(OSError, match="cannot write to"), TableWriter(tmp_path / "no" / "out.csv"):
        pass


def test_texts_that_a_spreadsheet_would_run_are_neutralised_and_numbers_are_not():
    cells = ["=1+1", "+SUM(A1)", "-cmd|' /C calc'!A0", "@x", "\t=1", "-1.5", "+2e-3", "−3", "CO2", None]
    safe = spreadsheet_safe(pd.DataFrame({"=name": cells, "x": -1.0}))
    assert list(safe) == ["'=name", "x"]
    assert safe["'=name"].tolist() == [
        *("'=1+1", "'+SUM(A1)", "'-cmd|' /C calc'!A0", "'@x", "'\t=1"),
        *("-1.5", "+2e-3", "−3", "CO2", None),
    ]
    assert (safe["x"] == -1.0).all()
