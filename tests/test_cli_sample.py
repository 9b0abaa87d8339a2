"""``skxfer sample``: tables on which the other commands work."""

import numpy as np
import pandas as pd

from skxfer.cli.main import main
from skxfer.datasets import load_co_ag_emt


def test_the_sample_is_part_of_the_embedded_data(tmp_path, capsys):
    assert main(["sample", "--out", str(tmp_path / "try")]) == 0
    table, new = (pd.read_csv(tmp_path / "try" / name) for name in ("solvents.csv", "new_solvents.csv"))
    counts = table["solvent"].value_counts()
    assert counts["gas"] == counts["water"] == 300 and (counts.iloc[2:] == 4).all() and len(counts) == 14
    data = load_co_ag_emt(as_frame=True)
    assert set(new["solvent"]) == set(data.test_domains) and "Eads" not in new
    assert not set(new["solvent"]) & set(table["solvent"])
    known = {tuple(np.round(row, 6)) for row in data.data.to_numpy()}
    assert {tuple(np.round(row, 6)) for row in table[data.data.columns].to_numpy()} <= known
    printed = capsys.readouterr().out
    assert f"{len(new)} rows of three other solvents" in printed and "48 of twelve solvents" in printed


def test_the_sample_is_checked_and_predicted(tmp_path, capsys):
    assert main(["sample", "--out", str(tmp_path)]) == 0
    table, model = str(tmp_path / "solvents.csv"), str(tmp_path / "model.skxfer")
    roles = ["--target", "Eads", "--domain", "solvent", "--source", "gas,water"]
    assert main(["check", table, *roles]) == 0
    assert "spectra" in capsys.readouterr().out
    assert main(["fit", table, *roles, "--learners", "ridge", "--folds", "2", "--out", model]) == 0
    out = tmp_path / "predictions.csv"
    assert main(["predict", model, str(tmp_path / "new_solvents.csv"), "--out", str(out)]) == 0
    predicted = pd.read_csv(out)
    assert len(predicted) == len(pd.read_csv(tmp_path / "new_solvents.csv"))
    assert predicted["Eads predicted"].notna().all()


def test_a_place_that_cannot_be_written_to_is_named(tmp_path, capsys):
    (tmp_path / "file").write_text("")
    assert main(["sample", "--out", str(tmp_path / "file")]) == 2
    assert "cannot write to" in capsys.readouterr().err
