"""People write a number."""

from winnow.kinds.widget import answers, controls, fits, labels, parts, prediction, read_cell

__all__ = ["answers", "controls", "fits", "labels", "parts", "prediction", "read_cell"]
