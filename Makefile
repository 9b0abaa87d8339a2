# Everything runs in a virtual environment of its own, .venv, made at first use.
PYTHON ?= python3
VENV ?= .venv
CONSTRAINTS ?= constraints.txt
ifeq ($(OS),Windows_NT)
BIN := $(VENV)/Scripts
else
BIN := $(VENV)/bin
endif
# On Linux, the package xgboost brings 400 MB of GPU libraries that a laptop has no use for.
XGBOOST := $(shell $(PYTHON) -c "import platform as p; print('xgboost-cpu' if (p.system(), p.machine()) == ('Linux', 'x86_64') else 'xgboost')")
INSTALL := $(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint $(CONSTRAINTS)

.PHONY: demo test fuzz lint docs clean

demo: $(VENV)/demo
	$(BIN)/skxfer study --out report
	$(BIN)/skxfer fit --from report --target Eads --learners svr --out report/model.skxfer
	$(BIN)/skxfer sample --out report
	$(BIN)/skxfer predict report/model.skxfer report/new_solvents.csv --out report/predictions.csv

# The networks of the tests are small: threads that wait for one another take longer than one alone.
test: export OMP_NUM_THREADS = 1
test: $(VENV)/test
	$(BIN)/python -m pytest --numprocesses 2

# All odd inputs of tests/fuzz; the table of outcomes goes to benchmarks/results/fuzz.csv.
fuzz: export OMP_NUM_THREADS = 1
fuzz: export SKXFER_FUZZ = all
fuzz: export SKXFER_FUZZ_TABLE = benchmarks/results/fuzz.csv
fuzz: $(VENV)/test
	$(BIN)/python -m pytest tests/fuzz -p no:xdist --capture=no -o session_timeout=7200 -o faulthandler_timeout=3700

lint: $(VENV)/lint
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

docs: $(VENV)/docs
	$(BIN)/python -m sphinx -W --keep-going -b html docs docs/_build/html

$(VENV)/venv:
	$(PYTHON) -m venv $(VENV)
	touch $@

$(VENV)/demo: $(VENV)/venv setup.cfg $(CONSTRAINTS)
	$(INSTALL) $(XGBOOST) --editable ".[cli]"
	touch $@

$(VENV)/test: $(VENV)/venv setup.cfg $(CONSTRAINTS)
	$(INSTALL) $(XGBOOST) --editable ".[cli,networks,structures,molecules,formulas,excel,dask,test]"
	touch $@

$(VENV)/lint: $(VENV)/venv setup.cfg $(CONSTRAINTS)
	$(INSTALL) ruff
	touch $@

$(VENV)/docs: $(VENV)/venv setup.cfg $(CONSTRAINTS)
	$(INSTALL) $(XGBOOST) --editable ".[structures,cli,formulas,docs,networks]"
	touch $@

clean:
	rm -rf $(VENV) docs/_build docs/api/generated docs/auto_examples report
