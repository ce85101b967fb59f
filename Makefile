# Needs Python 3.11 or newer, make, and a network to the package index. Everything else comes here.

PYTHON ?= python3
# Another Python beside the one of .venv: make PYTHON=python3.13 VENV=.venv-3.13 test
VENV ?= .venv
BIN := $(VENV)/bin
# Processes that run tests: one more than CI has cores, since some tests wait (for a browser, for a
# process that shall die) rather than compute.
WORKERS ?= 3
LIBTPU := .libtpu$(patsubst .venv%,%,$(notdir $(VENV)))
WORKDIR ?= runs/demo

# Python keeps what it compiles. Where the environment forbids that, as container images often do, each
# of some hundred processes would compile JAX's sources again, for 7 s.
unexport PYTHONDONTWRITEBYTECODE

# The language, the data, the decoder, a training step: what another version of Python would break first.
QUICK := tests/test_imports.py tests/xojl tests/data tests/nn/test_decoder.py tests/engine/test_step.py

# $(call install,VENV,ARGUMENTS): uv is several times faster; where it is not to be had, pip does the
# same. What pip compiles ahead for every module, Python compiles for those that are imported.
install = { $(1)/bin/python -m pip install --quiet --disable-pip-version-check uv==0.13.9 && \
	$(1)/bin/uv pip install --quiet --python $(1)/bin/python $(2); } || \
	$(1)/bin/python -m pip install --quiet --disable-pip-version-check --no-compile $(2)

.PHONY: demo demo-document serve test test-quick test-slow coverage lint types docs wheel clean

$(VENV): $(VENV)/installed

$(VENV)/installed: requirements.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "error: $$($(PYTHON) --version) is too old: Python 3.11 or newer is needed (make PYTHON=python3.12 …)" >&2; exit 2; }
	$(PYTHON) -m venv $(VENV)
	$(call install,$(VENV),-r requirements.txt)
	@touch $@

# Apache Beam pins older versions than training does, so what runs with --beam has its own environment.
.venv-beam: .venv-beam/installed

.venv-beam/installed: requirements-beam.txt
	$(PYTHON) -m venv .venv-beam
	$(call install,.venv-beam,-r requirements-beam.txt)
	@touch $@

# The compiler for TPUs: plan --topology finds it with TPU_LIBRARY_PATH=.libtpu/libtpu/libtpu.so.
$(LIBTPU): $(LIBTPU)/installed

$(LIBTPU)/installed: requirements-tpu.txt $(VENV)/installed
	$(call install,$(VENV),--no-deps --target $(LIBTPU) --upgrade -r requirements-tpu.txt)
	@touch $@

# What checks and documents the code: basedpyright, codespell, mkdocs, build.
.venv-tools: .venv-tools/installed

.venv-tools/installed: requirements-tools.txt
	$(PYTHON) -m venv .venv-tools
	$(call install,.venv-tools,-r requirements-tools.txt)
	@touch $@

# The model in the box, over HTTP: a page to try it, and an address for programs. One section at a time: the
# program for batches would take as long again to compile.
serve: $(VENV)
	@echo "http://127.0.0.1:8000/ answers when the model is compiled (the line with \"ready\"); Ctrl-C ends it"
	$(BIN)/python -m xojl_jax.serve --batch-size=1

# The main job as the README has it: train, evaluate on held-out records, predict one of them.
demo: $(VENV)
	$(BIN)/python -m xojl_jax.train --config=configs/stage4.py:tiny --workdir=$(WORKDIR)
	$(BIN)/python -m xojl_jax.evaluate --workdir=$(WORKDIR) --split=test
	$(BIN)/python -m xojl_jax.predict --workdir=$(WORKDIR) --sample=0 --split=test
	@echo "pictures: $(WORKDIR)/predictions/, curves: tensorboard --logdir $(WORKDIR)/tensorboard"

# The same for pages of documents: the image tokenizer, then hidden words and patches.
demo-document: DOCUMENTS := $(WORKDIR)-document
demo-document: $(VENV)
	$(BIN)/python -m xojl_jax.train --config=configs/document_image.py:tiny --config.objectives=tokenizer --config.total_steps=60 --workdir=$(DOCUMENTS)/tokenizer
	$(BIN)/python -m xojl_jax.train --config=configs/document_pretrain.py:tiny --config.init_from=$(DOCUMENTS)/tokenizer --workdir=$(DOCUMENTS)/pretrained
	$(BIN)/python -m xojl_jax.evaluate --workdir=$(DOCUMENTS)/pretrained --split=test
	$(BIN)/python -m xojl_jax.predict --workdir=$(DOCUMENTS)/pretrained --sample=0 --split=test
	@echo "picture: $(DOCUMENTS)/pretrained/predictions/"

# A file's tests stay in one process: what they share is made once. In their order, the longest file is not the last.
# A worker that dies fails the run at once; one started in its place would meet the same end.
test: $(VENV)
	$(BIN)/python -m pytest -q -n $(WORKERS) --dist=loadfile --no-loadscope-reorder --max-worker-restart=0 --durations=10 $(PYTEST_ARGS)

# `override`: what is added stays where somebody gives PYTEST_ARGS, too.
test-quick: override PYTEST_ARGS += $(QUICK)
test-quick: test

# The longer soaks and searches, too.
test-slow: override PYTEST_ARGS += --slow
test-slow: test

# From Python 3.12 on, sys.monitoring counts lines at little cost.
coverage: export COVERAGE_CORE = $(shell $(PYTHON) -c 'import sys; print("sysmon" if sys.version_info >= (3, 12) else "ctrace")')
coverage: override PYTEST_ARGS += --cov --cov-report=term
coverage: test

lint: $(VENV) .venv-tools
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	.venv-tools/bin/codespell

types: $(VENV) .venv-tools
	.venv-tools/bin/basedpyright --baselinemode=discard  # fewer findings than the baseline has are well

# The site, in site/; a page out of the index or a broken link is an error.
docs: .venv-tools
	NO_MKDOCS_2_WARNING=1 .venv-tools/bin/mkdocs build --strict --quiet

wheel: .venv-tools
	rm -rf build dist
	.venv-tools/bin/python -m build --outdir dist

clean:
	rm -rf .venv .venv-* .libtpu .libtpu-* runs site build dist *.egg-info
