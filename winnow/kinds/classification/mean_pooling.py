"""The pipeline of a classifier whose logits for a text are the mean of its tokens' logits.

A copy of this file stands in the classifier's folder, which names it in config.json: so transformers takes no other
pipeline for it, by which an untrained layer would answer. It imports nothing of Winnow.

    from transformers import pipeline
    classify = pipeline("text-classification", folder, trust_remote_code=True)
    classify(["We enrolled 40 patients."], batch_size=32, top_k=None)
"""

from transformers import TextClassificationPipeline


class MeanPooling(TextClassificationPipeline):
    """Labels and probabilities of texts, which are cut where the model stopped reading in training."""

    def check_model_type(self, supported_models):
        """Accept a token classifier that reads texts alone."""
        if getattr(self.model.config, "reads_examples", False):
            raise ValueError(
                "this classifier reads labelled examples beside the text, which a pipeline does not give it"
            )

    def preprocess(self, inputs, **named):
        """Return a text's token ids and attention mask."""
        return super().preprocess(inputs, **{"truncation": True} | named)

    def _forward(self, model_inputs):
        outputs = super()._forward(model_inputs)
        weight = model_inputs["attention_mask"].unsqueeze(-1).float()
        outputs["logits"] = (outputs["logits"].float() * weight).sum(1) / weight.sum(1)
        return outputs
