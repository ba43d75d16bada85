"""A model as one graph from token ids to logits, for runtimes that know no pooling of ours, and back again."""

from winnow.kinds.classification.graph import OUTPUT, module, wrapped

__all__ = ["OUTPUT", "module", "wrapped"]
