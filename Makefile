# make app, make demo and make test need nothing but Python >= 3.11: they make .venv themselves.

VENV   := .venv
BIN    := $(VENV)/bin
STAMP  := $(VENV)/.installed
SMALL  := .venv-small
TORCH  := torch==2.13.0
# Processes that share the tests out.
WORKERS ?= 2
PYTHON ?= $(shell for p in python3.11 python3.12 python3.13 python3; do \
	$$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && { echo $$p; break; }; \
	done)

# Idle OpenMP threads sleep instead of spinning on cores that others could use.
export OMP_WAIT_POLICY := PASSIVE
export GOMP_SPINCOUNT  := 0

.PHONY: app demo test test-small lint format clean

app: $(STAMP)
	$(BIN)/lsamatting serve

demo: $(STAMP)
	$(BIN)/lsamatting demo

# A file's tests stay in one process: what they share is made once.
test: $(STAMP)
	$(BIN)/python -m pytest -n $(WORKERS) --dist loadfile

# In an environment without PyTorch, from a wheel of the package as it is now.
test-small: $(SMALL)/.installed
	$(SMALL)/bin/python -m pip install --quiet --no-deps --force-reinstall .
	$(SMALL)/bin/python -m pytest tests/test_small_install.py

lint: $(STAMP)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

format: $(STAMP)
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

clean:
	rm -rf $(VENV) $(SMALL) demo-output .pytest_cache .mypy_cache .ruff_cache .hypothesis

# PyTorch comes first and pinned, so that nothing that follows chooses another.
$(STAMP): pyproject.toml
	@test -n "$(PYTHON)" || { echo "Python 3.11 or newer is needed" >&2; exit 2; }
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet "$(TORCH)"
	$(BIN)/python -m pip install --quiet -e ".[dev,all]"
	touch $@

$(SMALL)/.installed: pyproject.toml
	@test -n "$(PYTHON)" || { echo "Python 3.11 or newer is needed" >&2; exit 2; }
	$(PYTHON) -m venv $(SMALL)
	$(SMALL)/bin/python -m pip install --quiet ".[serve]" pytest hypothesis
	touch $@
