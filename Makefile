PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin

.PHONY: app test test-camera test-slow screenshots clean

app: $(VENV)/app.stamp
	$(BIN)/streamlit run Home.py

test: $(VENV)/dev.stamp
	@command -v chromium >/dev/null || command -v chromium-browser >/dev/null || command -v google-chrome >/dev/null \
		|| { command -v apt-get >/dev/null && { [ "$$(id -u)" = 0 ] && apt-get install -y -qq chromium || sudo -n apt-get install -y -qq chromium; }; } \
		|| echo "No Chromium here: the browser tests will be skipped."
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/pytest -n 2 --dist loadfile -m "not camera and not slow" --durations=40

# Streams through a browser's camera: on a quiet machine, before a change to the demo lands.
test-camera: $(VENV)/dev.stamp
	$(BIN)/pytest -m "camera and not slow"

# What is run before a release: a killed training, two processes, an empty environment.
test-slow: $(VENV)/dev.stamp
	$(BIN)/pytest -m slow

# From a clean clone, which has no data set: of FER-2013 only the committed sample may be published.
screenshots: $(VENV)/dev.stamp
	rm -rf build/clean
	git clone --quiet . build/clean
	cd build/clean && FER_SCREENSHOTS="$(CURDIR)/docs/screenshots" "$(CURDIR)/$(BIN)/pytest" \
		tests/browser -k "((page_is_whole and not Home) or photo_shows) and (desktop-en or phone-id)"

$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' \
		|| { echo "$(PYTHON) is not Python 3.11, 3.12 or 3.13; name one: make PYTHON=python3.12 app"; exit 1; }
	$(PYTHON) -m venv $(VENV)

$(VENV)/app.stamp: requirements.txt pyproject.toml | $(VENV)/bin/python
	$(BIN)/pip install --quiet -r requirements.txt
	$(BIN)/pip install --quiet --no-deps -e .
	touch $@

$(VENV)/dev.stamp: requirements-dev.txt $(VENV)/app.stamp
	$(BIN)/pip install --quiet -r requirements-dev.txt
	touch $@

clean:
	rm -rf $(VENV)
