"""How a model was made, for the model card and the page: from what stages measured and from params.yaml."""

from stages.report.inputs import Inputs
from winnow.rows import predictions

SHAPED = "a self-supervision shaped like this task, unlike masked-LM DAPT (Gururangan et al. 2020)"
OBJECTIVES = {  # what adaptation learns, and what kind of learning that is
    "masked_lm": ("hidden words", "masked-LM DAPT, domain-adaptive pre-training as Gururangan et al. (2020) have it"),
    "position": ("places of passages", SHAPED),
    "order": ("the order of neighbouring passages", SHAPED),
    "denoise": ("passages from which words were deleted", "a denoising autoencoder (TSDAE, Wang et al. 2021)"),
    "contrast": ("passages told apart under dropout", "contrastive learning (SimCSE, Gao et al. 2021)"),
}


def adaptation(inputs: Inputs) -> dict:
    """Return what adaptation did, in words: its objectives by share, what became of the weights, what it read."""
    made = inputs.metrics["adapt"]
    share = made["interpolation"]
    mean = f"the mean of the adapted weights ({100 * share:.0f} %) and the base's (Wortsman et al. 2022)"
    return {
        "objectives": [
            f"{name}, {learnt} ({100 * made['objectives'][name]:.0f} % of the word pieces): {kind}"
            for name, (learnt, kind) in OBJECTIVES.items()
            if name in made["objectives"]
        ],
        "weights": "the adapted ones alone" if share == 1 else mean,
        "read": "text of dev and test rows among it"
        if made["transductive"]
        else "no text of dev or test rows among it",
    }


def members(inputs: Inputs, arm: str) -> list[str]:
    """Return the arms of which an ensemble is the mean; of any other arm, itself."""
    of = inputs.params["arms"].get("ensembles", {}).get(arm, arm)
    return [of] if isinstance(of, str) else of


def is_adapted(inputs: Inputs, arm: str) -> bool:
    """Return whether an arm, or one of an ensemble's, starts from the adapted encoder."""
    return any(predictions.is_adapted(member) for member in members(inputs, arm))


def recipe(inputs: Inputs, arm: str) -> dict:
    """Return how an arm was trained: its runs and their steps in words, its approaches, and what these set."""
    trained_by = members(inputs, arm)
    runs = {name: len(rows) for name, rows in inputs.training.items() if _arm(name) in trained_by}
    sections = {_approach(member): inputs.params["approaches"].get(_approach(member)) for member in trained_by}
    return {
        "ensemble": trained_by if trained_by != [arm] else [],
        "runs": [f"{name}, {steps:,} steps" for name, steps in runs.items()],
        "approaches": [approach for approach, own in sections.items() if own is not None],
        "own": {f"{approach}.{key}": value for approach, own in sections.items() for key, value in (own or {}).items()},
    }


def _arm(run: str) -> str:
    return predictions.split_name(run)[0]


def _approach(arm: str) -> str:
    """Return the approach of an arm: `dapt` is transfer from the adapted encoder, `dapt_few_shot` is few_shot."""
    arm = predictions.of_repaired(arm)
    if not predictions.is_adapted(arm):
        return arm
    return arm.removeprefix(predictions.ADAPTED).removeprefix("_") or "transfer"
