# `make repro` runs the pipeline, `make test` proves it; both make .venv first, and a second run installs nothing.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
INSTALLED := $(VENV)/.installed
# Test processes: a torch process takes about 1 GB and one thread. A file's tests run in one, since they may share a run
# of the pipeline.
WORKERS ?= 2

BENCHES := html cleaning deduplicate memory scale pipeline engine labels labels-finetune active review dapt approaches label-budget few-shot train
# A disk for the corpora of `bench-memory` and `bench-scale`: 50 GB free.
FOLDER ?= /var/tmp

export DVC_NO_ANALYTICS := 1
# Many container images set it; each of the pipeline's processes would then compile all that it imports anew, for 5 s.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: repro test lint format bench docs lock clean $(BENCHES:%=bench-%)

# dvc.yaml's commands say `python`: it must be ours.
repro: $(INSTALLED)
	PATH="$(CURDIR)/$(BIN):$$PATH" $(BIN)/dvc repro

test: $(INSTALLED)
	$(BIN)/python -m pytest --numprocesses $(WORKERS) --dist loadfile $(ARGS)

lint: $(INSTALLED)
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/winnow lint

format: $(INSTALLED)
	$(BIN)/ruff check --fix
	$(BIN)/ruff format

# Each wants the machine to itself, and the data of `make repro`. docs/benchmarks.md says what they take.
BENCH = PATH="$(CURDIR)/$(BIN):$$PATH" $(BIN)/python -m bench.$(subst -,_,$*) --out bench/results/$(subst -,_,$*).json
bench: $(BENCHES:%=bench-%)

bench-html bench-cleaning: bench-%: $(INSTALLED)
	$(BENCH) --raw data/raw

bench-deduplicate: bench-%: $(INSTALLED)
	$(BENCH) --base data/deduplicated.parquet

bench-memory bench-scale bench-engine: bench-%: $(INSTALLED)
	$(BENCH) --base data/clean.parquet --folder $(FOLDER)

bench-labels: bench-%: $(INSTALLED)
	$(BENCH) --rows data/labelled.parquet --embeddings data/embeddings --base models/base --encoder models/adapted \
	  --cache .dvc/tmp/bench

# One kind and rate of noise only: an encoder is trained for each fold, 5 min a draw.
bench-labels-finetune: bench-%: $(INSTALLED)
	PATH="$(CURDIR)/$(BIN):$$PATH" $(BIN)/python -m bench.labels --out bench/results/$*.json \
	  --rows data/labelled.parquet --embeddings data/embeddings --base models/base --encoder models/adapted \
	  --cache .dvc/tmp/bench --kinds instance --rates 0.1 --seeds 1 2 3 --sentences 0 --finetune

bench-active: bench-%: $(INSTALLED)
	$(BENCH) --rows data/labelled.parquet --embeddings data/embeddings

bench-dapt: bench-%: $(INSTALLED)
	$(BENCH) --rows data/deduplicated.parquet --labelled data/labelled.parquet --split data/split.parquet \
	  --base models/base --cache .dvc/tmp/bench/dapt $(ARGS)

bench-approaches: bench-%: $(INSTALLED)
	$(BENCH) --rows data/labelled.parquet --deduplicated data/deduplicated.parquet --split data/split.parquet \
	  --base models/base $(ARGS)

# Hours; a run that is cut short goes on from what it has done. ARGS="--seeds 1 2" narrows it down.
bench-label-budget: bench-%: $(INSTALLED)
	$(BENCH) --rows data/labelled.parquet --deduplicated data/deduplicated.parquet --split data/split.parquet \
	  --base models/base --adapted models/adapted --cache .dvc/tmp/bench/label_budget $(ARGS)

bench-few-shot: bench-%: $(INSTALLED)
	$(BENCH) --rows data/labelled.parquet --base models/base --cache .dvc/tmp/bench/few_shot $(ARGS)

bench-review: bench-%: $(INSTALLED)
	$(BENCH) --rows data/labelled.parquet

bench-train: bench-%: $(INSTALLED)
	$(BENCH) --rows data/labelled.parquet --text data/deduplicated.parquet --base models/base $(ARGS)

# In a clone of its own, from the network on.
bench-pipeline: bench-%: $(INSTALLED)
	$(BENCH)

# What documentation is made from the code: the stage table, from dvc.yaml, and the page of parameters.
docs: $(INSTALLED)
	$(BIN)/winnow stages --write docs/pipeline.md
	$(BIN)/winnow params --write docs/parameters.md

$(INSTALLED): requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "Winnow needs Python 3.11 or later, $(PYTHON) is older: make PYTHON=/path/to/python3.11" >&2; exit 1; }
	@$(BIN)/python -m pip --version > /dev/null 2>&1 || $(PYTHON) -m venv --clear $(VENV)
	@echo "installing requirements.lock into $(VENV) (about 1.6 GB, minutes)"
	$(BIN)/python -m pip install --quiet --no-compile --requirement requirements.lock
	$(BIN)/python -m pip install --quiet --no-deps --no-build-isolation --editable .
	@touch $@

# The newest versions within pyproject.toml's ranges. A build's local version (+cpu) and CUDA's own packages depend on
# the machine, so they stay out: pip adds what the machine's build of torch needs.
lock:
	$(PYTHON) -m venv --clear .venv-lock
	.venv-lock/bin/python -m pip install --quiet ".[dev]"
	.venv-lock/bin/python -m pip freeze --all --exclude winnow --exclude pip \
	  | sed 's/+[^ ]*$$//' | grep -vE '^(nvidia|triton|cuda)' > requirements.lock
	rm -rf .venv-lock build

# Not the data: `dvc gc` is for that.
clean:
	rm -rf $(VENV) .venv-lock .venv-peers .venv-peers-neural build *.egg-info .pytest_cache .ruff_cache .hypothesis
	find . -name __pycache__ -type d -not -path './.git/*' -prune -exec rm -rf {} +
