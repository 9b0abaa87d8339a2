"""What README and documentation show is what runs; `docs/refresh.py` writes it anew."""

import contextlib
import doctest
import io
import re
import shlex
from pathlib import Path

import pandas as pd
import pytest
from threadpoolctl import threadpool_limits

from skxfer.cli.main import main

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
RESULTS = ROOT / "benchmarks" / "results"
PAGES = [page for page in sorted(DOCS.rglob("*.rst")) if ">>>" in page.read_text(encoding="utf-8")]
PAGES = [page for page in PAGES if not {"generated", "auto_examples", "_build"} & set(page.parts)]
OPTIONS = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE
NUMBER = re.compile(r"-?\d+\.?\d*%?")


@pytest.fixture(autouse=True)
def one_thread():
    # Threads that wait for one another take most of the time where cores are shared.
    with threadpool_limits(1):
        yield


class RoundingChecker(doctest.OutputChecker):
    """Numbers may differ by two in the last digit that is shown: other processors round differently."""

    def check_output(self, want, got, optionflags):
        if super().check_output(want, got, optionflags):
            return True
        if NUMBER.sub("#", want).split() != NUMBER.sub("#", got).split():
            return False
        pairs = zip(NUMBER.findall(want), NUMBER.findall(got), strict=True)
        return all(g == w or _is_near(w, g) for w, g in pairs)


def _is_near(want, got):
    if "." not in want and "%" not in want:
        return False  # a count
    want, got = want.strip("%"), got.strip("%")
    last_digit = 10.0 ** -len(want.partition(".")[2])
    return float(got) == pytest.approx(float(want), abs=2.01 * last_digit)


def block(text, language):
    return re.search(rf"^```{language}\n(.*?)^```$", text, re.DOTALL | re.MULTILINE)[1]


def readme_output(text):
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        exec(compile(block(text, "python"), "README.md", "exec"), {"__name__": "__main__"})
    return printed.getvalue()


@pytest.mark.timeout(300)
def test_the_commands_of_the_readme_run(tmp_path, monkeypatch):
    pytest.importorskip("matplotlib")
    monkeypatch.chdir(tmp_path)
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    for line in block(text, "sh").splitlines():
        command = shlex.split(line, comments=True)
        assert command[0] == "skxfer"
        assert main([*command[1:], *(["--n-jobs", "1"] if command[1] in ("study", "fit") else [])]) == 0
    predicted = pd.read_csv("predictions.csv")
    assert len(predicted) == len(pd.read_csv("new_solvents.csv")) and predicted["error"].isna().all()
    exec(compile(block(text, "py"), "README.md", "exec"), names := {"__name__": "__main__"})
    assert len(names["predictions"]) == len(predicted)


def test_readme_prints_what_it_shows():
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    printed = readme_output(text)
    assert RoundingChecker().check_output(block(text, "text"), printed, 0), printed


def test_all_that_the_readme_lists_can_be_imported_from_skxfer():
    import skxfer

    box = (ROOT / "README.md").read_text(encoding="utf-8").partition("## What is in the box")[2]
    first_cells = re.findall(r"^\| (`.*?) \|", box.partition("\n## ")[0], re.MULTILINE)
    names = re.findall(r"`(?:skxfer\.)?(\w+)`", " ".join(first_cells))
    assert len(names) > 10
    assert [name for name in names if name not in skxfer.__all__] == []


def _markdown(table):
    lines = [list(table.columns), ["---"] * table.shape[1], *table.to_numpy().tolist()]
    return "\n".join("| " + " | ".join(map(str, line)) + " |" for line in lines)


def portability_in_short():
    runs = pd.read_csv(RESULTS / "portability.csv", dtype=str).set_index(["setting", "learner"])
    targets = list(runs.columns.drop("fit_seconds"))
    alone = runs.loc["target_only", targets].apply(lambda column: column.str.partition(" ")[0])
    return _markdown((alone + " → " + runs.loc["auto", targets]).reset_index())


def guard_in_short():
    runs = pd.read_csv(RESULTS / "guard.csv", dtype=str).query("n_target == '20'")
    table = runs.pivot_table(
        index="relation", columns="learner", values="median", aggfunc="first", sort=False
    )
    return _markdown(table.reset_index())


@pytest.mark.parametrize("table", [portability_in_short, guard_in_short])
def test_readme_shows_the_numbers_of_the_benchmarks(table):
    assert table() in (ROOT / "README.md").read_text(encoding="utf-8"), table()


@pytest.mark.timeout(300)  # a page trains several networks
@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(DOCS).as_posix())
def test_page_prints_what_it_shows(page):
    text = page.read_text(encoding="utf-8")
    test = doctest.DocTestParser().get_doctest(text, {"__name__": "__main__"}, page.name, str(page), 0)
    report = io.StringIO()
    runner = doctest.DocTestRunner(RoundingChecker(), optionflags=OPTIONS)
    runner.run(test, out=report.write)
    assert runner.summarize(verbose=False).failed == 0, report.getvalue()
