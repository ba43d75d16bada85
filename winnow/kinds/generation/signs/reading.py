"""What a language model makes of a response: what each of its tokens costs, with the prompt and without it.

The two losses and their ratio are the terms of IFD (Li et al. 2023, arXiv 2308.12032). Forward passes alone.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from winnow.encoder import models
from winnow.generator import losses
from winnow.generator.losses import Passes
from winnow.generator.template import Encoded, Template, TooLong

if TYPE_CHECKING:
    from accelerate import Accelerator

TAIL = 0.2  # share of a response's tokens, the dearest, that its tail is the mean of
NAMES = ("loss", "loss_alone", "gain", "ifd", "worst", "tail", "excess", "ending")


@dataclass(frozen=True)
class Read:
    """What a language model makes of some responses.

    Attributes:
        values: (responses,) float64 each, by `NAMES`; nan where a response is too long. In nats a token: `loss`, with
            the prompt; `loss_alone`, without; `gain`, what the prompt saves; `ifd`, the first as a share of the second;
            `worst`, the dearest token; `tail`, the mean of the dearest; `excess`, the most that the prompt makes a
            token dearer, 0 where it is cut into other tokens; `ending`, the token that ends the turn.
        worst: (responses, 2) int, where the dearest token stands in the response, in characters; -1: not known.
    """

    values: dict[str, np.ndarray]
    worst: np.ndarray


@dataclass(frozen=True)
class LanguageModel:
    """A causal language model in a folder, and how it reads.

    Attributes:
        max_length: tokens of prompt and response; of longer ones, the prompt is cut.
        batch_tokens: padded tokens in one forward pass.
    """

    folder: Path
    max_length: int
    batch_tokens: int
    accelerator: "Accelerator"

    def read(self, prompts: Sequence[str], responses: Sequence[str]) -> Read:
        """Return what the model makes of responses to prompts, (pairs,) each.

        Raises:
            UserError: the folder holds no language model.
        """
        from transformers import AutoModelForCausalLM

        model = models.load_model(AutoModelForCausalLM, self.folder)
        template = Template.of(self.folder)
        passes = Passes(template.padding, self.batch_tokens, self.accelerator)
        given = [self._encoded(template, *pair) for pair in zip(prompts, responses, strict=True)]
        fit = [place for place, encoded in enumerate(given) if encoded is not None]
        told = dict(zip(fit, losses.token_losses(model, [given[place] for place in fit], passes), strict=True))
        unique = list(dict.fromkeys(responses[place] for place in fit))
        alone = dict(
            zip(unique, losses.token_losses(model, [template.alone(each) for each in unique], passes), strict=True)
        )
        values = {name: np.full(len(responses), np.nan) for name in NAMES}
        worst = np.full((len(responses), 2), -1)
        for place, own in told.items():
            for name, value in measured(own, alone[responses[place]]).items():
                values[name][place] = value
            dearest = int(own[:-1].argmax()) if len(own) > 1 else 0
            worst[place] = _place(template, given[place], dearest, responses[place])
        return Read(values, worst)

    def _encoded(self, template: Template, prompt: str, response: str) -> Encoded | None:
        try:
            template.alone(response, self.max_length)
            return template.encode(prompt, response, self.max_length)
        except TooLong:
            return None


def measured(given: np.ndarray, alone: np.ndarray) -> dict[str, float]:
    """Return what the losses of a response's tokens say of it, by `NAMES`.

    Args:
        given: (tokens,) float, with the prompt; the last is that of the token that ends the turn.
        alone: the same without the prompt; it may have other tokens.
    """
    words = given[:-1] if len(given) > 1 else given
    mean, without = float(given.mean()), float(alone.mean())
    count = max(1, round(TAIL * len(words)))
    aligned = len(given) == len(alone)
    return {
        "loss": mean,
        "loss_alone": without,
        "gain": without - mean,
        "ifd": mean / max(without, 1e-6),
        "worst": float(words.max()),
        "tail": float(np.sort(words)[-count:].mean()),
        "excess": float((given - alone).max()) if aligned else 0.0,
        "ending": float(given[-1]),
    }


def _place(template: Template, encoded: Encoded, number: int, response: str) -> tuple[int, int]:
    """Return where a token stands in the response, in characters; (-1, -1) where the template wrote other words."""

    def text(end: int) -> str:
        return template.tokenizer.decode(encoded.response[:end], clean_up_tokenization_spaces=False)

    before, with_it = text(number), text(number + 1)
    if not response.startswith(with_it):
        return -1, -1
    return len(before), len(with_it)
