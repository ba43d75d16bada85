"""What several tests of the benches share: words that tell a label, a fine-tuning recipe, the form of a result."""

LABELS = ["COLD", "HOT", "WET"]
WORDS = [["ice", "snow", "frost"], ["fire", "sun", "ember"], ["rain", "river", "pond"]]

FORM = ("work", "peer", "device", "ours", "theirs", "unit", "ratio", "goal", "command", "versions")

# params.yaml: score.finetune, which must be there but is not run.
RECIPE = {
    "epochs": 1,
    "batch_tokens": 64,
    "learning_rate": 1e-3,
    "head_learning_rate": 1e-3,
    "warmup_share": 0.0,
    "weight_decay": 0.0,
    "label_smoothing": 0.0,
    "dropout": 0.0,
    "freeze_embeddings": False,
    "frozen_layers": 0,
    "seeds": [1],
}
