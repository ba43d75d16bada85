"""What rows weigh in training: as the types of their spans do on average."""

from winnow.kinds.multilabel.weights import weigh

__all__ = ["weigh"]
