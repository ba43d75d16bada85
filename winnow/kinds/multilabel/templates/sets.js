{# How sets of labels, and what one changes of another, are shown: fills the blocks of the review page's view. #}
{% extends page %}
{% block sets %}
const EMPTY = "none of them";

/** Returns the names of a label in canonical form, which is a JSON list. */
function namesOf(label) {
  return label ? JSON.parse(label) : [];
}

/** Returns a label in words: a set, or one name of it. */
function shownLabel(label) {
  return label.startsWith("[") ? namesOf(label).join(", ") || EMPTY : label;
}

/** Returns the names that lead from one set to another, each with + or −. */
function changes(from, to) {
  const [before, after] = [namesOf(from), namesOf(to)];
  return [
    ...after.filter((name) => !before.includes(name)).map((name) => ["+", name]),
    ...before.filter((name) => !after.includes(name)).map((name) => ["−", name]),
  ];
}

/** Returns changes as elements, what is added and what is removed each in its colour. */
function shownChanges(found) {
  const parts = found.map(([sign, name]) => make("span", { class: sign === "+" ? "more" : "less" }, `${sign} ${name}`));
  return parts.flatMap((part, place) => (place ? [", ", part] : [part]));
}
{% endblock %}
{% block rest %}
const REST = { name: "label", exclusive: false };
{% endblock %}
{% block kind %}
/** Returns what a name, or a whole set, is to a row: given, suggested or neither (empty). */
function kindOf(entry, label) {
  if (label === entry.given_label) return "given";
  if (label === entry.suggested_label) return "suggested";
  if (entry.given_label && namesOf(entry.given_label).includes(label)) return "given";
  return entry.suggested_label && namesOf(entry.suggested_label).includes(label) ? "suggested" : "";
}
{% endblock %}
{% block suggested %}
    const found = changes(entry.given_label, entry.suggested_label);
    const suggested = entry.given_label && found.length ? shownChanges(found) : [shownLabel(entry.suggested_label)];
    parts.push(label("suggested", "Suggested (t)", ...suggested));
{% endblock %}
