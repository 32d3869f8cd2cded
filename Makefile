# make lab     a virtual environment, everything installed, JupyterLab open on the first notebook
# make test    the same environment, then every check and test; those in a browser, if Chromium is there, and
#              those in classic Notebook, if "make colab" was run
# make demo    restores the sample photos on the command line and prints what was gained
#
# Other Python or place:  make lab PYTHON=python3.12 VENV=/opt/slerir
PYTHON ?= python3
VENV ?= .venv
BIN = $(VENV)/bin
PIP = $(BIN)/python -m pip

# On Linux, PyPI's torch brings gigabytes of CUDA with it. Without an NVIDIA card, ask for PyTorch's CPU
# build; where its index can't be reached, pip goes on to PyPI.  make lab TORCH_INDEX=  leaves it to pip.
ifeq ($(shell uname -s; command -v nvidia-smi || true),Linux)
TORCH_INDEX ?= https://download.pytorch.org/whl/cpu
endif

.PHONY: help lab test test-browser test-browser-20 colab test-colab test-colab-explorers demo samples badges notebooks pictures screenshots scores
help:
	@sed -n '1,/^PYTHON/s/^# \{0,1\}//p' Makefile

lab: $(VENV)/.lab-is-in
	$(BIN)/jupyter lab notebooks/00-restore-a-photo.ipynb

test: $(VENV)/.test-is-in
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	SLERIR_BUDGET=smoke $(BIN)/python -m pytest --nbval-lax --nbval-current-env --nbval-cell-timeout=300 notebooks tests

# Only those in a browser, which they must have; and the same twenty times, with a log for the repository.
test-browser: $(VENV)/.test-is-in colab
	SLERIR_BROWSER=required $(BIN)/python -m pytest tests/browser

test-browser-20: $(VENV)/.test-is-in colab
	$(BIN)/python benchmarks/flakes.py 20

# Colab's versions of what the explorers stand on (Python 3.11 to 3.13), laid over those of the environment:
# for tests in classic Notebook, and for the explorers' tests and all notebooks once more.
PURE = -c 'import sysconfig; print(sysconfig.get_path("purelib"))'
colab: $(VENV)-colab/.is-in
$(VENV)-colab/.is-in: tests/colab.txt $(VENV)/.test-is-in
	$(BIN)/python -m venv --clear $(VENV)-colab
	$(VENV)-colab/bin/python -m pip install --no-deps -r tests/colab.txt
	$(BIN)/python $(PURE) > "$$($(VENV)-colab/bin/python $(PURE))/zz-the-rest.pth"
	touch $@

test-colab: test-colab-explorers
	SLERIR_BUDGET=smoke PYTHONPATH=$(CURDIR) $(VENV)-colab/bin/python -m pytest --nbval-lax --nbval-current-env --nbval-cell-timeout=300 notebooks

test-colab-explorers: colab
	PYTHONPATH=. $(VENV)-colab/bin/python -m pytest -p no:nbval tests/test_explore*.py tests/test_playground.py \
	tests/test_slider.py tests/test_watch.py tests/test_guide_viewer.py tests/test_path_explorer.py \
	tests/test_crowd_report.py tests/test_folder.py

demo: $(VENV)/.lab-is-in
	$(BIN)/slerir restore data_samples/degraded/*.png -o demo --clean data_samples/clean --overwrite

samples: $(VENV)/.lab-is-in
	$(BIN)/python data_samples/make_samples.py

badges: $(VENV)/.lab-is-in
	$(BIN)/python notebooks/badges.py

# After a change of what they show: run the notebooks, draw the README's pictures, write its tables. What the
# notebooks take is measured on the way, so the machine should have nothing else to do.
notebooks: $(VENV)/.test-is-in
	SLERIR_BUDGET=cpu $(BIN)/python notebooks/run.py --measure
	SLERIR_BUDGET=smoke $(BIN)/python notebooks/run.py --measure --only-log
	$(BIN)/python notebooks/table.py --crops

pictures: $(VENV)/.lab-is-in
	$(BIN)/python docs/pictures/make.py

screenshots: $(VENV)/.test-is-in
	$(BIN)/python docs/pictures/screenshots.py

scores: $(VENV)/.lab-is-in
	$(BIN)/python benchmarks/tables.py
	$(BIN)/python benchmarks/report.py
	$(BIN)/python benchmarks/report_shipped.py

# A stamp in the environment says what is installed, so that only a change of the lists installs again.
$(VENV)/.lab-is-in: EXTRAS = lab
$(VENV)/.test-is-in: EXTRAS = lab,test
$(VENV)/.%-is-in: pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 10) and "Python 3.10 or newer is needed; \
	name one:  make lab PYTHON=python3.12")'
	test -x $(BIN)/pip || $(PYTHON) -m venv $(VENV)
	$(PIP) install "pip>=23"
	$(PIP) install --no-deps -c constraints.txt $(if $(TORCH_INDEX),--extra-index-url $(TORCH_INDEX)) torch
	$(PIP) install -c constraints.txt -e ".[$(EXTRAS)]"
	touch $@
