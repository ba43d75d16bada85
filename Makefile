# `make repro` runs the pipeline, `make test` proves it; both make .venv first, and a second run installs nothing.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
INSTALLED := $(VENV)/.installed
# Test processes: a torch process takes about 1 GB and one thread. A file's tests run in one, since they may share a run
# of the pipeline; files begin in the order of tests/conftest.py, not by how many tests they have.
WORKERS ?= 2

BENCHES := html cleaning mail deduplicate near-duplicates memory scale rows pipeline engine judging classes diff evenness labels labels-finetune set-labels pairs repair checks spans pieces strategies automatic-labels active review dapt adaptation approaches recipes heads cpu label-budget few-shot train train-generator predict remotes examples budgets fuzz
# A disk for the corpora of `bench-memory`, `bench-scale` and `bench-rows`: 50 GB free.
FOLDER ?= /var/tmp

export DVC_NO_ANALYTICS := 1
# Many container images set it; each of the pipeline's processes would then compile all that it imports anew, for 5 s.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: install repro test fuzz lint format bench docs images lock clean $(BENCHES:%=bench-%)

# dvc.yaml's commands say `python`: it must be ours.
repro: $(INSTALLED)
	PATH="$(CURDIR)/$(BIN):$$PATH" $(BIN)/dvc repro
	@$(BIN)/winnow status

install: $(INSTALLED)

test: $(INSTALLED)
	$(BIN)/python -m pytest --numprocesses $(WORKERS) --dist loadfile --no-loadscope-reorder $(ARGS)

# Every reader on inputs that are changed at random. ARGS="--minutes 10 --seed 2"; tests/fuzz/__main__.py has the rest.
fuzz: $(INSTALLED)
	$(BIN)/python -m tests.fuzz $(ARGS)

lint: $(INSTALLED)
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/winnow lint

format: $(INSTALLED)
	$(BIN)/ruff check --fix
	$(BIN)/ruff format

# Each wants the machine to itself, and the data of `make repro`. docs/benchmarks.md says what they take.
BENCH = PATH="$(CURDIR)/$(BIN):$$PATH" $(BIN)/python -m bench.$(subst -,_,$*) --out bench/results/$(subst -,_,$*).json
# `bench-spans`, `bench-pieces` and `bench-strategies` want a corpus that nothing here fetches, `bench-budgets` an example
# or a project: ARGS="--example mesh", ARGS="--project folder".
bench: $(patsubst %,bench-%,$(filter-out spans pieces strategies budgets,$(BENCHES)))

bench-html bench-cleaning: bench-%: $(INSTALLED)
	$(BENCH) --raw data/raw

# Needs no data of the pipeline. ARGS="--before REVISION" compares with the rules of another revision.
bench-mail: bench-%: $(INSTALLED)
	$(BIN)/python -m bench.mail_rules --out bench/results/mail_rules.json $(ARGS)

bench-deduplicate: bench-%: $(INSTALLED)
	$(BENCH) --base data/deduplicated.parquet

bench-memory bench-scale bench-engine: bench-%: $(INSTALLED)
	$(BENCH) --base data/clean.parquet --folder $(FOLDER)

bench-rows: bench-%: $(INSTALLED)
	$(BENCH) --base data/clean.parquet --embeddings data/base_embeddings --folder $(FOLDER) $(ARGS)

bench-near-duplicates: bench-%: $(INSTALLED)
	$(BENCH) $(ARGS)

# Two revisions of Git beside each other: ARGS="--before main".
bench-judging: bench-%: $(INSTALLED)
	$(BENCH) --data data --reports reports $(ARGS)

# Generated: they need no data of `make repro`.
bench-classes bench-diff bench-examples bench-budgets: bench-%: $(INSTALLED)
	$(BENCH) --folder $(FOLDER) $(ARGS)

# Fetches the rows of examples/mesh; needs no data of `make repro`.
bench-evenness: bench-%: $(INSTALLED)
	$(BENCH) $(ARGS)

bench-labels: bench-%: $(INSTALLED)
	$(BENCH) --rows data/labelled.parquet --embeddings data/embeddings --base models/base --encoder models/adapted \
	  --cache .dvc/tmp/bench

# Fetches the rows of examples/mesh. ARGS="--part other" takes rows that are not reported.
bench-set-labels: bench-%: $(INSTALLED)
	$(BENCH) --base models/base --cache .dvc/tmp/bench $(ARGS)

# Reads the papers of the default's source; models/generator is that of `params.yaml: generator`. ARGS="--part other"
# takes rows that are not reported.
bench-pairs bench-repair: bench-%: $(INSTALLED)
	$(BENCH) --base models/base --generator models/generator --cache .dvc/tmp/bench $(ARGS)

bench-checks: bench-%: $(INSTALLED)
	$(BENCH) $(ARGS)

# One kind and rate of noise only: an encoder is trained for each fold, 5 min a draw.
bench-labels-finetune: bench-%: $(INSTALLED)
	PATH="$(CURDIR)/$(BIN):$$PATH" $(BIN)/python -m bench.labels --out bench/results/$*.json \
	  --rows data/labelled.parquet --embeddings data/embeddings --base models/base --encoder models/adapted \
	  --cache .dvc/tmp/bench --kinds instance --rates 0.1 --seeds 1 2 3 --sentences 0 --finetune

# CORPUS is a folder of files of words and tags (IOB): `make bench-spans CORPUS=corpus`.
bench-spans bench-pieces bench-strategies: bench-%: $(INSTALLED)
	$(if $(CORPUS),,$(error say where the corpus is: make $@ CORPUS=folder))
	$(BENCH) --corpus $(CORPUS) --base models/base $(ARGS)

bench-automatic-labels: bench-%: $(INSTALLED)
	$(BENCH) --rows data/deduplicated.parquet --split data/split.parquet

bench-active: bench-%: $(INSTALLED)
	$(BENCH) --rows data/labelled.parquet --embeddings data/embeddings

bench-dapt: bench-%: $(INSTALLED)
	$(BENCH) --rows data/deduplicated.parquet --labelled data/labelled.parquet --split data/split.parquet \
	  --base models/base --cache .dvc/tmp/bench/dapt $(ARGS)

# Hours; encoders and runs that are done are not repeated. ARGS="--tokens 300000" narrows it down.
bench-adaptation: bench-%: $(INSTALLED)
	$(BENCH) --rows data/labelled.parquet --deduplicated data/deduplicated.parquet --split data/split.parquet \
	  --base models/base --cache .dvc/tmp/bench/adaptation $(ARGS)

bench-approaches: bench-%: $(INSTALLED)
	$(BENCH) --rows data/labelled.parquet --deduplicated data/deduplicated.parquet --split data/split.parquet \
	  --base models/base $(ARGS)

# Hours; runs that are done are not repeated. ARGS="--arms transfer" narrows it down.
bench-recipes: bench-%: $(INSTALLED)
	$(BENCH) --rows data/labelled.parquet --deduplicated data/deduplicated.parquet --split data/split.parquet \
	  --base models/base --adapted models/adapted --cache .dvc/tmp/bench/recipes $(ARGS)

# Runs that are done, by bench-recipes too, are not repeated.
bench-heads: bench-%: $(INSTALLED)
	$(BENCH) --rows data/labelled.parquet --deduplicated data/deduplicated.parquet --split data/split.parquet \
	  --base models/base --adapted models/adapted --cache .dvc/tmp/bench/recipes $(ARGS)

bench-cpu: bench-%: $(INSTALLED)
	$(BENCH) --rows data/labelled.parquet --classifiers models/classifier --encoder models/base $(ARGS)

# Hours; a run that is cut short goes on from what it has done. ARGS="--seeds 1 2" narrows it down.
bench-label-budget: bench-%: $(INSTALLED)
	$(BENCH) --rows data/labelled.parquet --deduplicated data/deduplicated.parquet --split data/split.parquet \
	  --base models/base --adapted models/adapted --cache .dvc/tmp/bench/label_budget $(ARGS)

bench-few-shot: bench-%: $(INSTALLED)
	$(BENCH) --rows data/labelled.parquet --base models/base --cache .dvc/tmp/bench/few_shot $(ARGS)

bench-review bench-predict: bench-%: $(INSTALLED)
	$(BENCH) --rows data/labelled.parquet

bench-train: bench-%: $(INSTALLED)
	$(BENCH) --rows data/labelled.parquet --text data/deduplicated.parquet --base models/base $(ARGS)

# models/generator is that of `params.yaml: generator`; ARGS="--generator FOLDER" takes another.
bench-train-generator: bench-%: $(INSTALLED)
	$(BENCH) --generator models/generator $(ARGS)

# 5 GB of disk for each GB that is moved. ARGS="--megabytes 2000".
bench-remotes: bench-%: $(INSTALLED)
	$(BENCH) $(ARGS)

# Needs no data of `make repro`. ARGS="--minutes 2 --seeds 7 8"
bench-fuzz: bench-%: $(INSTALLED)
	$(BENCH) $(ARGS)

# In a clone of its own, from the network on.
bench-pipeline: bench-%: $(INSTALLED)
	$(BENCH)

# What documentation is made: the tables of stages and of reruns, the page of parameters, and the figures of all pages.
docs: $(INSTALLED)
	$(BIN)/winnow stages --write docs/pipeline.md
	$(BIN)/winnow stages --reruns docs/reruns.md
	$(BIN)/winnow params --write docs/parameters.md
	$(BIN)/python -m bench.figures --write

# The images of docs, of the pages that `make repro` made; needs Chromium.
images: $(INSTALLED)
	$(BIN)/python -m bench.page_images --report reports/report.html --queue reports/review/queue.html --out docs/images

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
	rm -rf $(VENV) .venv-lock .venv-peers .venv-peers-neural .venv-peers-mail .venv-peers-split build *.egg-info .pytest_cache .ruff_cache .hypothesis
	find . -name __pycache__ -type d -not -path './.git/*' -prune -exec rm -rf {} +
