# Digit Studio. `make` alone says what there is. Needs make and Python 3.11, 3.12 or 3.13.

HOST = 127.0.0.1
PORT = 8501
ARGS =
# Tried in this order; `make PYTHON=/path/to/python3.12 run` names one. Kept once .venv is there.
PYTHON ?= python3.13 python3.12 python3.11 python3 python
VENV = .venv

# For the web process. Two threads of NumPy's linear algebra that fight for busy cores take ten times
# as long as one; and glibc, left alone, keeps what a page needed for a moment, 150 MB in the end.
WEB = OPENBLAS_NUM_THREADS=1 MALLOC_MMAP_THRESHOLD_=8388608

PY = $(VENV)/bin/python
PIP = $(PY) -m pip install --disable-pip-version-check --no-input -q
FAILED = { echo "Setting up didn't finish: see above. Run it again to go on from there." >&2; exit 1; }

# An environment without a working pip is half made, or its Python is gone: make it anew.
ENVIRONMENT := $(shell $(PY) -c 'import pip' 2>/dev/null && echo whole)

.PHONY: help run test test-faults lint bench bench-live bench-teach bench-training model ablation cross-validation screenshots clean environment chromium
.NOTPARALLEL:

help:
	@echo 'make run          open Digit Studio in the browser; sets everything up the first time'
	@echo '                  HOST=0.0.0.0 lets the local network in (a classroom); PORT=8501'
	@echo 'make test         run all checks and tests; ARGS="-k draw" is handed to pytest'
	@echo 'make test-faults  kill, fill up, damage and delete, again and again (20 minutes)'
	@echo 'make lint         run the checks alone: style, types, which module may import which'
	@echo 'make bench        measure the speed'
	@echo 'make bench-live   measure how the reading follows the pen (8 minutes)'
	@echo 'make bench-teach  measure what teaching does for those who are read worst (4 minutes; needs MNIST and pen strokes)'
	@echo 'make bench-training  measure trainings beside a Keras example (10 minutes; needs MNIST)'
	@echo 'make model        train the model that ships, anew'
	@echo 'make ablation     train without each part of its recipe in turn (half an hour; needs MNIST)'
	@echo 'make cross-validation  make the predictions anew by which labels are doubted (11 minutes)'
	@echo 'make screenshots  take the pictures in docs/screenshots anew'
	@echo 'make clean        remove .venv and caches; what you drew and trained stays, in var/'

run: $(VENV)/.runtime
	@case '$(HOST)' in \
	0.0.0.0) here=localhost; \
		lan=`$(PY) -c 'import socket as s; u = s.socket(s.AF_INET, s.SOCK_DGRAM); u.connect(("192.0.2.1", 9)); print(u.getsockname()[0])' 2>/dev/null` || lan="(this computer's address)"; \
		echo "On other devices of this network:  http://$$lan:$(PORT)";; \
	*) here='$(HOST)';; \
	esac; \
	echo "Digit Studio:  http://$$here:$(PORT)  (Ctrl+C ends it)"; \
	exec env $(WEB) $(PY) -m streamlit run app.py --server.address '$(HOST)' --server.port '$(PORT)' \
		--logger.hideWelcomeMessage true --logger.level warning

# A file's tests stay together, with what they set up.
test: lint chromium
	@$(PY) -m pytest -rs -n 3 --dist loadfile --no-loadscope-reorder $(ARGS)

# The same tests as within `test`, with many more rounds, and some that take long.
test-faults: $(VENV)/.dev chromium
	@FAULTS_ROUNDS=$${FAULTS_ROUNDS:-30} $(PY) -m pytest -rs -n 2 --dist loadfile \
		tests/faults tests/pages/test_faults.py tests/browser/test_faults.py $(ARGS)

lint: $(VENV)/.dev
	@$(PY) -m ruff check -q .
	@$(PY) -m ruff format --check -q . || { echo 'Not formatted: ruff format .' >&2; exit 1; }
	@$(PY) -m mypy --no-error-summary
	@said=`$(PY) -c 'from importlinter.cli import lint_imports_command as main; main()' --no-logo` || { echo "$$said"; exit 1; }
	@echo 'Style, types and imports: all fine.'

bench: $(VENV)/.dev chromium
	@env $(WEB) TF_CPP_MIN_LOG_LEVEL=2 $(PY) -m tests.bench $(ARGS)

bench-live: $(VENV)/.dev chromium
	@env $(WEB) $(PY) -m tests.bench.live

bench-teach: $(VENV)/.dev
	@TF_CPP_MIN_LOG_LEVEL=2 $(PY) -m tests.bench.teach

bench-training: $(VENV)/.dev
	@TF_CPP_MIN_LOG_LEVEL=2 $(PY) -m tests.bench.training

model: $(VENV)/.runtime
	@TF_CPP_MIN_LOG_LEVEL=2 $(PY) -m mnist_core.learning $(ARGS)

ablation: $(VENV)/.dev
	@$(PY) -m tests.bench.ablation $(ARGS)

cross-validation: $(VENV)/.runtime
	@$(PY) -m mnist_core.learning.cross_validation $(ARGS)

screenshots: $(VENV)/.dev chromium
	@$(PY) -m tests.browser.screenshots

clean:
	@rm -rf $(VENV) .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +

# Never fails: where there is no Chromium, its tests are skipped, and it says so.
chromium: $(VENV)/.dev
	@$(PY) -m tests.browser.chromium

# The stamps are written last, so that an interrupted installation is taken up again.
$(VENV)/.runtime: requirements.txt $(if $(ENVIRONMENT),,environment)
	@echo 'Setting up (once, a few minutes: TensorFlow is large) ...'
	@$(PIP) -r requirements.txt || $(FAILED)
	@touch $@

$(VENV)/.dev: requirements-dev.txt $(VENV)/.runtime
	@echo 'Setting up what the tests need (once) ...'
	@$(PIP) -r requirements-dev.txt || $(FAILED)
	@touch $@

environment:
	@rm -rf $(VENV); crippled=; \
	for python in $(PYTHON); do \
		"$$python" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 14))' 2>/dev/null || continue; \
		if "$$python" -c 'import ensurepip, venv' 2>/dev/null; then \
			"$$python" -m venv $(VENV) && exit 0; \
		fi; \
		crippled=$$python; \
	done; \
	rm -rf $(VENV); \
	if [ "$$crippled" ]; then \
		echo "$$crippled can't make virtual environments; on Debian and Ubuntu: apt-get install python3-venv" >&2; \
	else \
		echo 'Digit Studio needs Python 3.11, 3.12 or 3.13 and found none; name yours: make PYTHON=/path/to/python3 run' >&2; \
	fi; \
	exit 1
