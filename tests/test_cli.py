"""The command as a user calls it: what it writes, what it says about mistakes, how it ends."""

import html.parser
import importlib.metadata
import importlib.util
import os
import re
import signal
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest

from skxfer.cli import main as cli
from skxfer.cli import words
from skxfer.datasets import make_domains
from skxfer.model_selection import portability_study, portability_summary

pytest.importorskip("matplotlib")
FILES = {"portability.csv", "summary.csv", "portability.png", "index.html", "study.json", "fits.jsonl"}


@pytest.fixture(scope="module")
def frame():
    """Two sources of 40 rows, 20 target rows in two solvents, 15 test rows; a text column and two targets."""
    problem = make_domains(40, 20, 15, 3, 2, n_sources=2, random_state=0)
    table = pd.DataFrame(problem.data, columns=["height", "width", "angle"])
    table["Eads"], table["Eb"] = problem.target.T
    names = {"source_0": "gas", "source_1": "water", "test": "1,2-dichloroethane"}
    table["solvent"] = [names.get(name, name) for name in problem.domain]
    target = table["solvent"] == "target"
    table.loc[target, "solvent"] = np.tile(["hexane", "ether"], 10)
    table["note"] = "by hand"
    return table


@pytest.fixture
def table(frame, tmp_path):
    path = tmp_path / "table.csv"
    frame.to_csv(path, index=False)
    return path


def run(*arguments, out, learners="ridge"):
    """Call the command in this process, without what it adds to a study; return its exit code."""
    arguments = [str(argument) for argument in (*arguments, "--quick")]
    if "--seeds" not in arguments:
        arguments += ["--seeds", "1"]
    return cli.main(["study", *arguments, "--learners", learners, "--out", str(out), "--n-jobs", "1"])


ROLES = ("--target", "Eads", "--domain", "solvent", "--source", "gas,water")


# what it writes ---------------------------------------------------------------------------------------


@pytest.mark.filterwarnings("error::FutureWarning")
def test_it_writes_table_summary_figure_and_page(table, tmp_path, capsys):
    frame = pd.read_csv(table, float_precision="round_trip")
    out = tmp_path / "new" / "report"
    options = ("--test", "1,2-dichloroethane", "--features", "height,width,angle", "--folds", 5)
    assert run(table, *ROLES, *options, out=out, learners="svr") == 0
    assert {path.name for path in out.iterdir()} == FILES
    results = pd.read_csv(out / "portability.csv", float_precision="round_trip")
    expected = portability_study(
        ["svr"],
        frame[["height", "width", "angle"]],
        frame[["Eads"]],
        frame["solvent"],
        source_domains=["gas", "water"],
        test_domains=["1,2-dichloroethane"],
    )
    columns = ["learner", "setting", "target", "test_domain", "n_train", "n_test", "mae", "rmse", "gain"]
    pd.testing.assert_frame_equal(results[columns], expected[columns])
    summary = portability_summary(expected).iloc[0]
    written = pd.read_csv(out / "summary.csv").iloc[0]
    assert written["verdict"] == summary["verdict"] == "helps"
    assert written["auto"] == pytest.approx(summary["auto"])
    assert (out / "portability.png").read_bytes().startswith(b"\x89PNG")
    printed = capsys.readouterr().out
    assert str(out / "index.html") in printed
    assert re.search(r"^svr .* helps$", printed, re.MULTILINE)
    assert f"{summary['gain_percent']:+.0f} ± {summary['spread_percent']:.0f} %" in printed


def test_by_default_all_numbers_are_features_and_said_to_be(frame, tmp_path, capsys):
    frame.to_csv(tmp_path / "t.csv")  # with a column of row numbers
    assert run(tmp_path / "t.csv", *ROLES, "--test", "hexane", out=tmp_path) == 0
    printed = capsys.readouterr().out
    assert "- numbers: height, width, angle, Eb\n" in printed
    assert "- ignored: Unnamed: 0 (row numbers)\n" in printed
    assert "- ignored: note (the same in every row: by hand)\n" in printed


def test_options_may_be_repeated_or_comma_separated(table, tmp_path):
    a, b = tmp_path / "a", tmp_path / "b"
    assert run(table, "--target", "Eads,Eb", *ROLES[2:], "--features", "height, width", out=a) == 0
    repeated = ("--target", "Eads", "--target", "Eb", "--source", "gas", "--source", "water")
    features = ("--features", "height", "--features", "width")
    assert run(table, *repeated, "--domain", "solvent", *features, out=b) == 0
    first, second = (pd.read_csv(out / "portability.csv").drop(columns="fit_seconds") for out in (a, b))
    pd.testing.assert_frame_equal(first, second)
    assert set(first["target"]) == {"Eads", "Eb"}


def test_without_test_domains_each_target_domain_is_left_out(table, tmp_path, capsys):
    assert run(table, *ROLES, out=tmp_path) == 0
    results = pd.read_csv(tmp_path / "portability.csv")
    assert set(results["test_domain"]) == {"hexane", "ether", "1,2-dichloroethane"}
    assert "cross-validation over the target rows" in capsys.readouterr().out


def test_names_with_commas_are_found_among_the_others(table, tmp_path):
    assert run(table, *ROLES, "--test", "hexane,1,2-dichloroethane", out=tmp_path) == 0
    results = pd.read_csv(tmp_path / "portability.csv")
    assert set(results["test_domain"]) == {"hexane", "1,2-dichloroethane"}


@pytest.mark.parametrize("suffix", [".tsv", ".xlsx", ".csv.gz", ".parquet"])
def test_other_formats_give_the_same_results(frame, table, suffix, tmp_path):
    path = tmp_path / f"other{suffix}"
    if suffix == ".xlsx":
        pytest.importorskip("openpyxl")
        frame.to_excel(path, index=False)
    elif suffix == ".parquet":
        pytest.importorskip("pyarrow")
        frame.to_parquet(path)
    else:
        frame.to_csv(path, index=False, sep="\t" if suffix == ".tsv" else ",")
    options = (*ROLES, "--test", "hexane")
    assert run(table, *options, out=tmp_path / "a") == run(path, *options, out=tmp_path / "b") == 0
    a, b = (pd.read_csv(tmp_path / name / "portability.csv").drop(columns="fit_seconds") for name in "ab")
    pd.testing.assert_frame_equal(a, b)


def test_missing_labels_are_counted_and_an_existing_folder_is_used_again(frame, tmp_path, capsys):
    frame.assign(Eads=frame["Eads"].where(frame.index % 7 > 0)).to_csv(tmp_path / "t.csv", index=False)
    (tmp_path / "mine.txt").write_text("stays")
    (tmp_path / "summary.csv").write_text("old")
    assert run(tmp_path / "t.csv", *ROLES, "--test", "hexane", out=tmp_path) == 0
    assert "Labels missing: Eads 17" in capsys.readouterr().out
    assert (tmp_path / "mine.txt").read_text() == "stays"
    assert "verdict" in (tmp_path / "summary.csv").read_text()


def test_embedded_data_need_no_table_and_are_read_as_spectra(tmp_path, capsys):
    assert run("--target", "Eads", out=tmp_path, learners="knn") == 0
    results = pd.read_csv(tmp_path / "portability.csv")
    assert set(results["test_domain"]) == {"cyclohexane", "diethyl_ether", "tetrahydrofuran"}
    printed = capsys.readouterr().out
    assert "3045 rows" in printed and "read as spectra" in printed and "Eads (eV)" in printed
    assert "demonstration, not chemistry" in (tmp_path / "index.html").read_text(encoding="utf-8")


def test_the_real_data_come_with_their_unseen_solvents(tmp_path, capsys):
    home = os.environ.get("SKXFER_DATA")
    if not home or not os.path.exists(os.path.join(home, "hmnn", "gas.csv")):
        pytest.skip("the HMNN data are not in SKXFER_DATA")
    assert run("--dataset", "co_ag", "--target", "delta_e", out=tmp_path, learners="knn") == 0
    results = pd.read_csv(tmp_path / "portability.csv").set_index("setting")
    assert set(results["test_domain"]) == {"cyclohexane", "diethyl_ether"}
    assert (results.loc["target_only", "n_train"] == 525).all()
    assert "permuted" in capsys.readouterr().out


@pytest.mark.parametrize("choice, spectra", [("auto", True), ("spectrum", True), ("none", False)])
def test_the_featurizer_is_chosen_by_column_names_or_by_the_user(choice, spectra, tmp_path, capsys):
    options = ("--target", "Eads", "--featurizer", choice)
    assert run(*options, "--test", "cyclohexane", out=tmp_path, learners="ridge") == 0
    assert ("read as spectra" in capsys.readouterr().out) == spectra


# the page ---------------------------------------------------------------------------------------------


class Page(html.parser.HTMLParser):
    """Collects what a page refers to, its text, and checks that tags are closed."""

    void = {"meta", "img", "br", "hr", "link", "input"}

    def __init__(self, path):
        super().__init__()
        self.links, self.text, self.open, self.tags = [], [], [], set()
        self.feed(path.read_text(encoding="utf-8"))

    def handle_starttag(self, tag, attrs):
        self.tags.add(tag)
        self.links += [value for name, value in attrs if name in ("src", "href", "action")]
        if tag not in self.void:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.text.append(data)


def test_the_page_stands_alone(table, tmp_path):
    run(table, *ROLES, "--test", "hexane", "--unit", "eV", out=tmp_path)
    page = Page(tmp_path / "index.html")
    assert not page.open
    assert {link[:22] for link in page.links} == {"data:image/png;base64,"}
    assert not {"link", "iframe", "object"} & page.tags and "fetch(" not in "".join(page.text)
    text = " ".join(page.text)
    assert "Does data from gas and water help to predict hexane?" in text
    assert "--source gas,water" in text  # how to do it again
    assert f"skxfer {importlib.metadata.version('skxfer')}" in text and "scikit-learn" in text
    assert "Ridge" in text and "Eads (eV)" in text
    assert (tmp_path / "index.html").stat().st_size < 1_000_000


def test_names_from_the_table_cannot_break_the_page(frame, tmp_path):
    odd = '<b>"E" & co</b>'
    frame.rename(columns={"Eads": odd}).to_csv(tmp_path / "t.csv", index=False)
    assert run(tmp_path / "t.csv", "--target", odd, *ROLES[2:], "--test", "hexane", out=tmp_path) == 0
    page = Page(tmp_path / "index.html")
    assert not page.open and odd in " ".join(page.text)


def test_a_learner_that_cannot_run_is_named_with_its_reason(table, tmp_path, monkeypatch, capsys):
    find = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == "xgboost" else find(name))
    assert run(table, *ROLES, "--test", "hexane", out=tmp_path, learners="xgb,ridge") == 0
    printed = capsys.readouterr().out
    assert "! xgb: ImportError: xgb needs xgboost: pip install 'skxfer[xgboost]', or " in printed
    text = " ".join(Page(tmp_path / "index.html").text)
    assert "Not everything could be fitted" in text and "skxfer[xgboost]" in text


def summary_of(*verdicts):
    return pd.DataFrame({"verdict": verdicts, "auto": 1.0})


@pytest.mark.parametrize(
    "verdicts, start",
    [
        (["helps"] * 3, "Yes: transfer lowers the error for all 3 combinations"),
        (["helps"], "Yes: transfer lowers the error for one learner and one target"),
        (["helps"] * 4 + ["no clear gain"], "Mostly yes: transfer helps 4 of 5 combinations"),
        (["helps"] * 9 + ["hurts"], "In part: transfer helps 9 of 10 combinations"),
        (["helps", "no clear gain", "no result"], "In part: transfer helps 1 of 2 combinations"),
        (["no clear gain"] * 2, "No clear gain"),
        (["hurts", "no clear gain"], "No: transfer helps 0 of 2"),
        (["no result"], "There is no comparison"),
    ],
)
def test_the_headline_is_no_better_than_the_verdicts(verdicts, start):
    assert words.headline(summary_of(*verdicts)).startswith(start)


@pytest.mark.parametrize(
    "value, text",
    [(0.012345, "0.0123"), (12.345, "12.3"), (1234.5, "1234"), (0.0, "0"), (1e-7, "1.00e-07"), (np.nan, "–")],
)
def test_numbers_have_three_digits(value, text):
    assert words.number(value) == text


@pytest.mark.parametrize(
    "gain, spread, text",
    [(12.4, 3.2, "+12 ± 3 %"), (-0.3, 1.0, "+0 ± 1 %"), (-7, np.nan, "-7 %"), (np.nan, np.nan, "–")],
)
def test_gains_have_their_spread(gain, spread, text):
    assert words.gain(gain, spread) == text


# mistakes ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "arguments, message",
    [
        (["--target", "Eadz", *ROLES[2:]], "no column is called 'Eadz'; did you mean Eads"),
        (["--target", "Eads", "--domain", "Solvent", "--source", "gas"], "'Solvent'; did you mean solvent"),
        (["--target", "Eads", "--domain", "solvent", "--source", "Water"], "'Water'; did you mean water"),
        ([*ROLES, "--test", "benzene"], "no domain in column 'solvent' is called 'benzene'; there are gas"),
        ([*ROLES, "--test", "gas"], "domain 'gas' is a source and tested"),
        ([*ROLES, "--features", "note,Eads"], "'Eads' cannot be a feature"),
        ([*ROLES, "--features", "Eads"], "'Eads' cannot be a feature"),
        (["--target", "note", *ROLES[2:]], "target 'note' does not hold numbers: 'by hand' in row 1"),
        (
            ["--target", "Eads", "--domain", "solvent"],
            "--source is needed: the domains in 'solvent' are gas (40",
        ),
        (["--target", "Eads", "--source", "gas"], "--domain is needed: "),
        (["--domain", "solvent", "--source", "gas"], "--target is needed: "),
        ([*ROLES, "--learners", "rff"], "no learner 'rff'"),
        ([*ROLES, "--unit", "eV,eV,eV"], "3 units for 1 target"),
        ([*ROLES, "--dataset", "co_ag"], "a table or --dataset, not both"),
        ([*ROLES, "--seeds", "0"], "argument --seeds"),
        ([*ROLES, "--featurizer", "fft"], "argument --featurizer"),
        ([*ROLES, "--featurizer", "spectrum", "--test", "hexane"], None),
        ([*ROLES, "--nonsense"], "unrecognized arguments"),
    ],
)
def test_a_mistake_is_one_clear_line_and_exit_code_2(table, arguments, message, tmp_path, capsys):
    code = run(table, *arguments, out=tmp_path / "out")
    error = capsys.readouterr().err
    if message is None:  # no mistake: columns without spectra are only scaled
        assert code == 0
        return
    assert code == 2
    lines = [line for line in error.splitlines() if not line.startswith("fits")]
    assert len(lines) == 1 and lines[0].startswith("skxfer: error: ")
    assert message in lines[0]


def test_a_row_without_a_domain_is_named(frame, tmp_path, capsys):
    frame.assign(solvent=frame["solvent"].where(frame.index != 5)).to_csv(tmp_path / "t.csv", index=False)
    assert run(tmp_path / "t.csv", *ROLES, out=tmp_path / "out") == 2
    assert "column 'solvent' has no domain in row 6" in capsys.readouterr().err


@pytest.mark.parametrize(
    "name, content, message",
    [
        ("absent.csv", None, "there is no file"),
        ("empty.csv", b"", "it is empty"),
        ("head.csv", b"Eads,solvent\n", "has no rows"),
        ("t.xls", b"x", "cannot read .xls"),
        ("t", b"x", "cannot read a file without ending"),
        ("t.xlsx", b"no zip", "cannot be read as Excel"),
        ("t.csv", b"\xff\xfe\x00", "it holds zero bytes"),
        ("t.csv.gz", b"Eads,solvent", "cannot be decompressed"),
        ("t.parquet", b"PAR1", "cannot be read as parquet"),
    ],
)
def test_a_file_that_is_no_table_is_named(name, content, message, tmp_path, capsys):
    pytest.importorskip({"t.xlsx": "openpyxl", "t.parquet": "pyarrow"}.get(name, "pandas"))
    if content is not None:
        (tmp_path / name).write_bytes(content)
    assert run(tmp_path / name, *ROLES, out=tmp_path / "out") == 2
    assert message in capsys.readouterr().err


def test_a_place_that_cannot_be_written_is_found_out_before_the_study(table, tmp_path, capsys):
    assert run(table, *ROLES, out=table / "below") == 2
    assert "cannot write to" in capsys.readouterr().err


def test_without_matplotlib_the_extra_is_named(table, tmp_path, monkeypatch, capsys):
    find = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name: None if name == "matplotlib" else find(name)
    )
    assert run(table, *ROLES, out=tmp_path) == 2
    assert "pip install 'skxfer[cli]'" in capsys.readouterr().err


def test_if_no_learner_can_be_fitted_the_reason_is_the_error(table, tmp_path, monkeypatch, capsys):
    find = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == "xgboost" else find(name))
    assert run(table, *ROLES, "--test", "hexane", out=tmp_path, learners="xgb") == 2
    assert "no learner could be fitted: ImportError: xgb needs xgboost" in capsys.readouterr().err
    assert {path.name for path in tmp_path.iterdir()} >= FILES


# how it starts and ends -------------------------------------------------------------------------------


def test_version_and_help(capsys):
    assert cli.main(["--version"]) == 0
    assert capsys.readouterr().out == f"skxfer {importlib.metadata.version('skxfer')}\n"
    assert cli.main(["study", "--help"]) == 0
    assert "--source" in capsys.readouterr().out
    assert cli.main([]) == 2


def test_the_study_has_its_former_name_too(table, tmp_path):
    options = [str(table), *ROLES, "--test", "hexane", "--learners", "knn", "--n-jobs", "1", "--quick"]
    assert cli.main(["portability", *options, "--out", str(tmp_path / "a")]) == 0
    assert cli.main(["study", *options, "--out", str(tmp_path / "b")]) == 0
    a, b = (pd.read_csv(tmp_path / name / "portability.csv").drop(columns="fit_seconds") for name in "ab")
    pd.testing.assert_frame_equal(a, b)


def test_help_imports_nothing_heavy():
    code = (
        "import sys; from skxfer.cli.main import main; main(sys.argv[1:]); "
        "print(*{name.partition('.')[0] for name in sys.modules})"
    )
    for arguments in (["--help"], ["--version"], ["study", "--help"], ["study", "--nonsense"]):
        command = [sys.executable, "-c", code, *arguments]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        loaded = set(done.stdout.splitlines()[-1].split())
        assert "argparse" in loaded
        assert not loaded & {"numpy", "scipy", "pandas", "sklearn", "joblib", "torch", "matplotlib"}


def test_the_package_can_be_run_as_a_module():
    done = subprocess.run([sys.executable, "-m", "skxfer", "--version"], capture_output=True, text=True)
    assert done.stdout == f"skxfer {importlib.metadata.version('skxfer')}\n"


def test_the_console_script_is_installed():
    (entry,) = importlib.metadata.entry_points(group="console_scripts", name="skxfer")
    assert entry.load() is cli.main


@pytest.mark.skipif(os.name == "nt", reason="POSIX signals")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_study_writes_what_is_finished(number, tmp_path):
    pytest.importorskip("rich", reason="the progress bar tells when to interrupt")
    problem = make_domains(1500, 40, 60, 4, random_state=0)
    table = pd.DataFrame(problem.data, columns=list("abcd")).assign(y=problem.target, place=problem.domain)
    table.to_csv(tmp_path / "t.csv", index=False)
    roles = ["--target", "y", "--domain", "place", "--source", "source_0", "--test", "test"]
    command = [sys.executable, "-m", "skxfer", "study", "t.csv", *roles, "--n-jobs", "2"]
    # In a terminal, since only there the bar moves, and in a group of its own, to which Ctrl-C goes there.
    ours, theirs = os.openpty()
    process = subprocess.Popen(
        [*command, "--learners", "knn,gp"],
        cwd=tmp_path,
        env=os.environ | {"TERM": "xterm", "COLUMNS": "100"},
        start_new_session=True,
        stdin=subprocess.DEVNULL,
        stdout=theirs,
        stderr=theirs,
    )
    os.close(theirs)
    try:
        shown = read_until(ours, r"[3-8]/8")  # of eight fits, two are of gp and take minutes
        (os.killpg if number == signal.SIGINT else os.kill)(process.pid, number)
        shown += read_until(ours, None)
        process.wait(timeout=60)
    finally:
        os.close(ours)
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
    assert process.returncode == 130, shown
    assert "interrupted; the finished fits are written" in shown and "Traceback" not in shown
    results = pd.read_csv(tmp_path / "report" / "portability.csv")
    finished = max(int(n) for n in re.findall(r"(\d)/8", shown))
    assert 3 <= finished == len(results) < 8
    assert "was interrupted" in (tmp_path / "report" / "index.html").read_text(encoding="utf-8")


def read_until(terminal, pattern):
    """Return what a process writes to its terminal, until it matches, or to its end."""
    text = ""
    while pattern is None or not re.search(pattern, text):
        try:
            part = os.read(terminal, 1 << 16)
        except OSError:  # on Linux, the terminal is closed
            part = b""
        if not part:
            assert pattern is None, f"it ended early:\n{text}"
            break
        text += part.decode(errors="replace")
    return text


@pytest.mark.skipif(os.name == "nt", reason="POSIX signals")
def test_ctrl_c_before_the_first_fit_writes_nothing(table, tmp_path, monkeypatch, capsys):
    from skxfer.model_selection import _jobs

    def interrupt(*_):
        os.kill(os.getpid(), signal.SIGINT)
        yield

    monkeypatch.setattr(_jobs, "finished", interrupt)
    assert run(table, *ROLES, out=tmp_path / "out") == 130
    assert "nothing is written" in capsys.readouterr().err
    assert {path.name for path in (tmp_path / "out").iterdir()} == {"fits.jsonl"}
