"""Write anew what README and pages show as printed, after a change of behaviour: run it, then read the diff.

``python docs/refresh.py`` runs every example and puts its output below it. Text around it that comments on
the numbers has to be read again by a person.
"""

import doctest
import os
import sys
import warnings
from pathlib import Path

ROOT = Path(__file__).parents[1]
os.environ["OMP_NUM_THREADS"] = "1"
sys.path.insert(0, str(ROOT / "tests"))
warnings.simplefilter("ignore")

import test_readme as shown  # noqa: E402


class Recorder(doctest.DocTestRunner):
    """Keep what was printed where it differs from the page."""

    def __init__(self):
        # Exactly: what passes the test as rounding is still not what is printed today.
        super().__init__(doctest.OutputChecker(), optionflags=shown.OPTIONS)
        self.differences = []

    def report_failure(self, out, test, example, got):
        self.differences.append((example, got))

    def report_unexpected_exception(self, out, test, example, exc_info):
        raise exc_info[1]


def refresh_page(path):
    text = path.read_text(encoding="utf-8")
    recorder = Recorder()
    recorder.run(doctest.DocTestParser().get_doctest(text, {"__name__": "__main__"}, path.name, str(path), 0))
    lines = text.splitlines()
    for example, got in reversed(recorder.differences):
        start = example.lineno + example.source.count("\n")
        indent = " " * example.indent
        new = [(indent + line).rstrip() for line in got.splitlines()]
        lines[start : start + example.want.count("\n")] = new
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


def refresh_readme():
    path = ROOT / "README.md"
    text = path.read_text(encoding="utf-8")
    old = shown.block(text, "text")
    new = shown.readme_output(text)
    text = text.replace(old, new)
    for table in (shown.portability_in_short(), shown.guard_in_short()):
        start = text.index(table.partition("\n")[0])
        text = text[:start] + table + text[text.index("\n\n", start) :]
    path.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    refresh_readme()
    for page in shown.PAGES:
        refresh_page(page)
