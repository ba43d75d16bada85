"""A model's folder as transformers' `pipeline` uses it, with the probabilities of `evaluate`.

from transformers import pipeline
classify = pipeline("text-classification", folder, trust_remote_code=True)
classify(["We enrolled 40 patients."], top_k=None, function_to_apply="sigmoid")
"""

from winnow.kinds.classification import served
from winnow.kinds.classification.served import TASK, accompany
from winnow.kinds.multilabel import thresholds

__all__ = ["FILES", "TASK", "accompany"]

FILES = (*served.FILES, thresholds.FILE)
