{# How sets of labels, and what one changes of another, are shown: fills the blocks of the review page's view. #}
{% extends page %}
{% block sets %}
const EMPTY = "none of them";

/** Returns the names of a label in canonical form, which is a JSON list. */
function namesOf(label) {
  return label ? JSON.parse(label) : [];
}

/** Returns a set in words. */
function setInWords(label) {
  return namesOf(label).join(", ") || EMPTY;
}

/** Returns what leads from one set to another, each name with + or −. */
function changes(from, to) {
  const [before, after] = [namesOf(from), namesOf(to)];
  return [
    ...after.filter((name) => !before.includes(name)).map((name) => `+ ${name}`),
    ...before.filter((name) => !after.includes(name)).map((name) => `− ${name}`),
  ];
}
{% endblock %}
{% block kind %}
/** Returns what a name, or a whole set, is to a row: given, suggested or neither (empty). */
function kindOf(entry, label) {
  if (label === entry.given_label) return "given";
  if (label === entry.suggested_label) return "suggested";
  if (entry.given_label && namesOf(entry.given_label).includes(label)) return "given";
  return entry.suggested_label && namesOf(entry.suggested_label).includes(label) ? "suggested" : "";
}

function inWords({ verdict, new_label }) {
  return verdict === "relabel" ? `relabel ${setInWords(new_label)}` : NAMES[verdict];
}
{% endblock %}
{% block labels %}
  const given = entry.given_label ? setInWords(entry.given_label) : "no label";
  const parts = [label("given", "Given", given)];
  if (isSuggested(entry)) {
    const suggested = entry.given_label ? changes(entry.given_label, entry.suggested_label).join(", ") : setInWords(entry.suggested_label);
    parts.push(make("span", { class: "arrow", "aria-hidden": "true" }, "→"));
    parts.push(label("suggested", "Suggested (t)", suggested));
  }
{% endblock %}
{% block tag %}
  const tag = make("b", { class: `tag ${label ? kindOf(entry, label) : ""}` }, label ? setInWords(label) : "abstains");
{% endblock %}
