"""Connected components: what belongs together because something ties it together, directly or by a chain."""

from collections.abc import Iterable


class Components:
    """Disjoint sets of the numbers 0…n-1; a component's root is its lowest member."""

    def __init__(self, count: int) -> None:
        self._parent = list(range(count))

    def root(self, item: int) -> int:
        """Return the lowest member of the item's component."""
        parent = self._parent
        while parent[item] != item:
            parent[item] = item = parent[parent[item]]
        return item

    def join(self, first: int, second: int) -> None:
        """Make one component of two."""
        low, high = sorted((self.root(first), self.root(second)))
        self._parent[high] = low

    def join_equal(self, keys: Iterable[object]) -> None:
        """Join all items that have one key; `keys` holds a hashable value per item."""
        seen: dict[object, int] = {}
        for item, key in enumerate(keys):
            self.join(seen.setdefault(key, item), item)

    def roots(self) -> list[int]:
        """Return each item's root."""
        return [self.root(item) for item in range(len(self._parent))]
