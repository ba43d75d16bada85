"""The same training and embedding by Winnow and by the stock recipes, on texts from a JSON file.

Every function returns `seconds` of the work alone (not imports, loading or, but for embedding, tokenizing), `tokens`
that were read in it, padding left out, and a measure of what came out. Winnow's are the functions that its stages call.
"""

import json
import math
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent
MASKED = 0.15  # of the held-out texts' tokens, for the loss that is compared
MATRIX, MULTIPLICATIONS = 2048, 20


def _read(file: str) -> dict:
    return json.loads(Path(file).read_text(encoding="utf-8"))


def peak() -> dict:
    """Return the GFLOP/s of a product of two large matrices in fp32 and in bf16, and the GPU's name if there is one."""
    import torch

    torch.set_num_threads(1)
    on_gpu = torch.cuda.is_available()
    size, device = (4 * MATRIX, "cuda") if on_gpu else (MATRIX, "cpu")
    found: dict = {"gpu": torch.cuda.get_device_name() if on_gpu else None}
    for name, kind in (("fp32", torch.float32), ("bf16", torch.bfloat16)):
        one, two = (torch.randn(size, size, dtype=kind, device=device) for _ in range(2))
        best = math.inf
        for _ in range(MULTIPLICATIONS):
            start = time.perf_counter()
            one @ two
            if on_gpu:
                torch.cuda.synchronize()
            best = min(best, time.perf_counter() - start)
        found[name] = 2 * size**3 / best / 1e9
    return found


# Ours.


def _start():
    from winnow.encoder.compute import Compute, start

    return start(Compute(threads=1, device="auto", precision="auto"), seed=1)


def _section(name: str) -> dict:
    from winnow.base import params

    return dict(params.read(ROOT / "params.yaml")[name])


def winnow_mlm(file: str, base: str) -> dict:
    """Adapt the encoder of `base`, which holds a masked-LM head, as stage `adapt` does, on one epoch of the texts."""
    import pyarrow as pa

    from stages.adapt import __main__ as adapt
    from stages.adapt.corpus import Corpus
    from stages.adapt.objectives.learner import Learner
    from winnow.encoder import batching, masked_lm, models
    from winnow.training import checkpoints

    data, folder = _read(file), Path(base)
    accelerator, tokenizer = _start(), models.load_tokenizer(folder)
    masked = {"objectives": {"masked_lm": 1.0}, "warmup_tokens": 0, "max_length": 128, "batch_tokens": 4096}
    settings = adapt.Params(**_section("adapt") | masked | {"tokens": 1})
    texts = data["train"]
    rows = pa.table({"id": list(map(str, range(len(texts)))), "purpose": ["text"] * len(texts), "text": texts})
    learner = Learner(masked_lm.load(folder), {})

    def plan(rows: pa.Table) -> adapt.Plan:
        config = learner.body.config
        return adapt.Plan(adapt.build(Corpus.of(rows), tokenizer, settings, config, accelerator.device), settings)

    whole, one = plan(rows), plan(rows.slice(0, 1))
    lengths = models.lengths(whole.objectives["masked_lm"].read(0))
    tokens = int(lengths.sum())

    def train(settings: adapt.Params) -> None:
        adapt.adapt(learner, adapt.Plans(whole, one), settings, accelerator, checkpoints.NONE)

    start = time.perf_counter()
    train(settings.model_copy(update={"tokens": tokens}))
    seconds = time.perf_counter() - start
    loss = held_out_loss(learner.body, tokenizer, data["held_out"])
    read = whole.tokens(whole.batches(1, 1000)[0])
    inside = _inside(lambda: train(settings), read)  # one batch
    inside["padding"] = _padding(lengths, batching.shuffled(lengths, settings.batch_tokens, settings.seed, 0))
    return _result(seconds, tokens, loss, inside, accelerator.mixed_precision)


def winnow_classify_once(file: str, base: str) -> dict:
    """Do what `winnow_classify` does, in one epoch."""
    return winnow_classify(file, base, epochs=1)


def winnow_classify_compiled(file: str, base: str) -> dict:
    """Do what `winnow_classify` does with the layers that are trained compiled (BERT's); twice, the first not counted.

    `inside` holds `compile_seconds`, what the first time took longer. Torch finds on disk what an earlier run compiled,
    unless TORCHINDUCTOR_FORCE_DISABLE_CACHES=1 is set.
    """
    return winnow_classify(file, base, compiled=True)


def winnow_classify_512(file: str, base: str) -> dict:
    """Do what `winnow_classify` does, in steps of 512 tokens at twice the learning rates of steps of 256."""
    return winnow_classify(file, base, batch_tokens=512, learning_rate=4e-4, head_learning_rate=2e-3)


def winnow_classify(file: str, base: str, compiled: bool = False, **changed) -> dict:
    """Fine-tune by the recipe of params.yaml's section `finetune`; `changed` takes the place of its values."""
    import numpy as np
    import torch

    from winnow.encoder import batching, models
    from winnow.encoder.reader import Reader
    from winnow.kinds.classification import head
    from winnow.kinds.classification.model import Labelled, class_losses
    from winnow.training import finetuning
    from winnow.training.finetuning import Texts

    data, folder, section = _read(file), Path(base), _section("finetune")
    recipe = finetuning.Recipe(**{k: v for k, v in section.items() if k in finetuning.Recipe.model_fields})
    recipe = recipe.model_copy(update={"epochs": data["epochs"]} | changed)
    accelerator = _start()
    reader = Reader.of(folder, data["max_length"], recipe.batch_tokens, accelerator)
    tokens = reader.tokenize(data["train"])
    torch.manual_seed(1)
    model = finetuning.prepare(head.build(folder, data["labels"]), recipe)

    def learn(chosen: slice) -> None:
        truth = np.array(data["truth"][chosen])
        rows = Labelled(Texts(tokens[chosen], list(map(str, range(len(truth))))), truth, np.ones(len(truth)))
        loss_of = class_losses(rows, len(data["labels"]), recipe, reader)
        finetuning.train(model, rows.texts, loss_of, finetuning.Run(recipe, reader, 1))

    def train() -> float:
        start = time.perf_counter()
        learn(slice(None))
        return time.perf_counter() - start

    first = 0.0
    if compiled:
        for layer in model.base_model.encoder.layer[recipe.whole_frozen_layers :]:
            layer.compile(dynamic=True)
        fresh = {name: weights.clone() for name, weights in model.state_dict().items()}
        first = train()
        model.load_state_dict(fresh)
    seconds = train()
    held_out = Texts(reader.tokenize(data["held_out"]), data["held_out"])
    chances = head.probabilities(accelerator.prepare(model).eval(), held_out, reader)
    some, lengths = slice(0, 32), models.lengths(tokens)
    few = int(lengths[some].sum()) * recipe.epochs
    # A profile of compiled code would be that of other code.
    inside = {"compile_seconds": first - seconds} if compiled else _inside(lambda: learn(some), few)
    inside["padding"] = _padding(lengths, batching.shuffled(lengths, recipe.batch_tokens, 1, 0))
    read = int(lengths.sum()) * recipe.epochs
    return _result(seconds, read, _log_loss(chances, data["held_out_truth"]), inside, accelerator.mixed_precision)


def winnow_folds(file: str, base: str) -> dict:
    """Score the labels by the recipe of params.yaml's `score.finetune`, one model a fold."""
    import numpy as np

    from winnow.encoder.reader import Reader
    from winnow.kinds.classification.finetuned import FineTuned
    from winnow.kinds.members import Recipe

    data, folder = _read(file), Path(base)
    recipe = Recipe(**_section("score").get("finetune", {}) | {"epochs": data["epochs"]})
    accelerator, truth, folds = _start(), np.array(data["truth"]), np.array(data["folds"])
    reader = Reader.of(folder, data["max_length"], recipe.batch_tokens, accelerator)
    member = FineTuned(reader, data["train"], recipe)
    chances = np.zeros((len(truth), len(data["labels"])))
    start = time.perf_counter()
    for fold in sorted(set(data["folds"])):
        inside = folds == fold
        chances[inside] = member.predict(~inside, truth[~inside], inside, len(data["labels"]))
    seconds = time.perf_counter() - start
    read = _read_in_folds(list(map(len, reader.tokenize(data["train"]))), data)
    return _result(seconds, read, _log_loss(chances, data["truth"]), None, accelerator.mixed_precision)


def winnow_embed(file: str, base: str, out: str) -> dict:
    """Embed the texts as stage `embed` does, tokenizing included."""
    import numpy as np

    from winnow.encoder import batching, models, pooling
    from winnow.encoder.reader import Reader

    data, folder, section, accelerator = _read(file), Path(base), _section("embed"), _start()
    model = pooling.load(folder, accelerator)
    reader = Reader.of(folder, data["max_length"], section["batch_tokens"], accelerator)

    def embed(texts: list[str]) -> tuple["np.ndarray", "np.ndarray"]:
        tokens = reader.tokenize(texts)
        return pooling.embed(model, tokens, reader), models.lengths(tokens)

    embed(data["train"][:16])
    start = time.perf_counter()
    vectors, lengths = embed(data["train"])
    seconds = time.perf_counter() - start
    np.save(out, vectors)
    some = data["train"][:64]
    inside = _inside(lambda: embed(some), int(embed(some)[1].sum()))
    inside["padding"] = _padding(lengths, batching.by_length(lengths, section["batch_tokens"]))
    return _result(seconds, int(lengths.sum()), None, inside, accelerator.mixed_precision)


# Theirs: transformers' example scripts run_mlm and run_classification, and sentence-transformers.


def _arguments(folder: str, **changed):
    import torch
    from transformers import TrainingArguments

    torch.set_num_threads(1)
    # What is not named is the default: batches of 8, learning rate 5e-5 with linear decay, fp32, AdamW.
    quiet = {"save_strategy": "no", "report_to": "none", "disable_tqdm": True, "seed": 1}
    quiet["use_cpu"] = not torch.cuda.is_available()  # else bf16 is refused
    return TrainingArguments(output_dir=folder, **quiet | changed)


def trainer_mlm(settings: str, file: str, base: str) -> dict:
    """Run run_mlm's recipe: texts joined and cut into equal blocks, one epoch.

    Args:
        settings: "stock", the script's own: blocks of 512 tokens, 8 at once, fp32, a learning rate of 5e-5. "tuned":
            128, 32, bf16, ours. "compiled": so, and by torch.compile; the seconds are then of as many steps as were
            done, each as long as those after the first two were on average, so without the compilation.
        file: train and held_out texts.
        base: a folder with a masked-LM head.
    """
    import datasets
    from transformers import AutoModelForMaskedLM, AutoTokenizer, DataCollatorForLanguageModeling, Trainer

    datasets.disable_progress_bars()
    data, tokenizer, tuned = _read(file), AutoTokenizer.from_pretrained(base), settings != "stock"
    size = 128 if tuned else 512
    texts = tokenizer(data["train"], return_special_tokens_mask=True)
    joined = {key: [token for row in texts[key] for token in row] for key in texts}
    whole = len(joined["input_ids"]) // size * size
    blocks = {key: [row[at : at + size] for at in range(0, whole, size)] for key, row in joined.items()}
    model = AutoModelForMaskedLM.from_pretrained(base)
    share = 0.2 if tuned else 0.15
    changed = {"per_device_train_batch_size": 32, "bf16": True, "learning_rate": data["learning_rate"]} if tuned else {}
    if settings == "compiled":
        changed |= {"torch_compile": True, "dataloader_drop_last": True}
    ends: list[float] = []
    with tempfile.TemporaryDirectory() as folder:
        trainer = Trainer(
            model=model,
            args=_arguments(folder, num_train_epochs=1, **changed),
            train_dataset=datasets.Dataset.from_dict(blocks),
            data_collator=DataCollatorForLanguageModeling(tokenizer=tokenizer, mlm_probability=share),
            processing_class=tokenizer,
        )
        trainer.add_callback(_clock(ends))
        start = time.perf_counter()
        trainer.train()
        seconds = time.perf_counter() - start
    if settings == "compiled":
        seconds = (ends[-1] - ends[1]) / (len(ends) - 2) * len(ends)
        whole = len(ends) * changed["per_device_train_batch_size"] * size
    return _result(seconds, whole, held_out_loss(model, tokenizer, data["held_out"]))


def _clock(ends: list[float]):
    """Return a callback of Trainer that appends when each step ended."""
    from transformers import TrainerCallback

    class Clock(TrainerCallback):
        def on_step_end(self, *_, **__) -> None:
            ends.append(time.perf_counter())

    return Clock()


def trainer_classify(file: str, base: str) -> dict:
    """Run run_classification's recipe, padded to `max_length`."""
    data = _read(file)
    seconds, tokens, chances = _classify(data, base, data["train"], data["truth"], data["held_out"])
    return _result(seconds, tokens, _log_loss(chances, data["held_out_truth"]))


def trainer_folds(file: str, base: str) -> dict:
    """Run run_classification's recipe once a fold and predict the fold."""
    data = _read(file)
    total, chances = 0.0, [None] * len(data["train"])
    for fold in sorted(set(data["folds"])):
        outside = [row for row, own in enumerate(data["folds"]) if own != fold]
        inside = [row for row, own in enumerate(data["folds"]) if own == fold]
        texts = [data["train"][row] for row in outside]
        truth = [data["truth"][row] for row in outside]
        start = time.perf_counter()
        _, _, found = _classify(data, base, texts, truth, [data["train"][row] for row in inside])
        total += time.perf_counter() - start
        for row, each in zip(inside, found, strict=True):
            chances[row] = each
    from transformers import AutoTokenizer

    lengths = list(map(len, _tokens(AutoTokenizer.from_pretrained(base), data["train"], data["max_length"])))
    return _result(total, _read_in_folds(lengths, data), _log_loss(chances, data["truth"]))


def _tokens(tokenizer, texts: list[str], max_length: int) -> list[list[int]]:
    return tokenizer(texts, truncation=True, max_length=max_length)["input_ids"]


def _classify(data: dict, base: str, texts: list[str], truth: list[int], others: list[str]) -> tuple:
    """Train on `texts`; return the seconds of it, the tokens read, and the probabilities of `others`."""
    import datasets
    import torch
    from transformers import AutoModelForSequenceClassification, AutoTokenizer, Trainer, default_data_collator

    datasets.disable_progress_bars()
    tokenizer = AutoTokenizer.from_pretrained(base)

    def dataset(texts: list[str], truth: list[int]):
        how = {"padding": "max_length", "truncation": True, "max_length": data["max_length"]}
        return datasets.Dataset.from_dict({**tokenizer(texts, **how), "label": truth})

    torch.manual_seed(1)
    model = AutoModelForSequenceClassification.from_pretrained(base, num_labels=len(data["labels"]))
    with tempfile.TemporaryDirectory() as folder:
        trainer = Trainer(
            model=model,
            args=_arguments(folder, num_train_epochs=data["epochs"]),
            train_dataset=dataset(texts, truth),
            data_collator=default_data_collator,
            processing_class=tokenizer,
        )
        start = time.perf_counter()
        trainer.train()
        seconds = time.perf_counter() - start
        logits = torch.tensor(trainer.predict(dataset(others, [0] * len(others))).predictions)
    read = sum(map(len, _tokens(tokenizer, texts, data["max_length"]))) * data["epochs"]
    return seconds, read, torch.softmax(logits.double(), dim=-1).tolist()


def sentence_transformers(precision: str, file: str, base: str, out: str) -> dict:
    """Embed the texts by `encode`, tokenizing included.

    Args:
        precision: fp32, the default, or bf16.
        file: texts and max_length.
        base: folder of the encoder.
        out: where the vectors go, .npy.
    """
    import numpy as np
    import torch
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.models import Pooling, Transformer

    torch.set_num_threads(1)
    data = _read(file)
    part = Transformer(base, max_seq_length=data["max_length"])
    model = SentenceTransformer(modules=[part, Pooling(part.get_embedding_dimension(), pooling_mode="mean")])
    if precision == "bf16":
        model = model.bfloat16()
    model.encode(data["train"][:16], show_progress_bar=False)
    start = time.perf_counter()
    vectors = model.encode(data["train"], show_progress_bar=False, convert_to_numpy=False, convert_to_tensor=True)
    seconds = time.perf_counter() - start
    np.save(out, vectors.float().cpu().numpy())
    return _result(seconds, sum(map(len, _tokens(model.tokenizer, data["train"], data["max_length"]))), None)


# Shared by both sides.


def held_out_loss(model, tokenizer, texts: list[str]) -> float:
    """Return the mean cross-entropy at the masked places of `texts`, one by one in fp32, all masked by [MASK]."""
    import numpy as np
    import torch

    generator, losses = np.random.default_rng(0), []
    special = set(tokenizer.all_special_ids)
    model = model.to("cpu").float().eval()
    with torch.no_grad():
        for tokens in _tokens(tokenizer, texts, 128):
            places = [place for place, token in enumerate(tokens) if token not in special]
            chosen = generator.permutation(places)[: max(1, round(MASKED * len(places)))]
            ids = torch.tensor([tokens])
            truth = ids[0, chosen]
            ids[0, chosen] = tokenizer.mask_token_id
            logits = model(input_ids=ids).logits[0, chosen]
            losses.append(torch.nn.functional.cross_entropy(logits, truth, reduction="none"))
    return torch.cat(losses).mean().item()


def _log_loss(chances, truth: list[int]) -> float:
    return sum(-math.log(max(row[label], 1e-9)) for row, label in zip(chances, truth, strict=True)) / len(truth)


def _read_in_folds(lengths: list[int], data: dict) -> int:
    """Return how many tokens K models read in all: each text in K - 1 trainings, every epoch, and in one prediction."""
    folds = len(set(data["folds"]))
    return sum(lengths) * ((folds - 1) * data["epochs"] + 1)


def _padding(lengths, batches: list) -> float:
    """Return the share of padding in batches of rows of these numbers of tokens."""
    return 1 - float(lengths.sum() / sum(len(batch) * lengths[batch].max() for batch in batches))


def _inside(work: Callable[[], object], tokens: int) -> dict:
    """Run `work`, which reads `tokens`, twice more; return what it computes a token and what its time goes to.

    `flops_per_token` counts matrix products, forward and backward; `profile` has the ten operators that take most of
    the time, each without what it calls, and their shares.
    """
    import torch
    from torch.profiler import profile
    from torch.utils.flop_counter import FlopCounterMode

    with FlopCounterMode(display=False) as counter:
        work()
    with profile() as recorded:
        work()
    own = "self_device_time_total" if torch.cuda.is_available() else "self_cpu_time_total"
    times = {event.key: getattr(event, own) for event in recorded.key_averages()}
    longest = sorted(times, key=lambda name: -times[name])[:10]
    shares = {name: round(times[name] / sum(times.values()), 3) for name in longest}
    return {"flops_per_token": counter.get_total_flops() / tokens, "profile": shares}


def _result(seconds: float, tokens: int, loss: float | None, inside: dict | None = None, precision: str = "no") -> dict:
    precision = "bf16" if precision == "bf16" else "fp32"
    return {"seconds": seconds, "tokens": tokens, "loss": loss, "inside": inside or {}, "precision": precision}
