// What the review page makes of a row: elements, whose every text is set as text. The policy in the page's head forbids
// anything else.

const DIGITS = 9; // labels that a digit chooses, and that have a bar
const NAMES = { keep: "keep", relabel: "relabel", ambiguous: "ambiguous", out_of_scope: "out of scope" };

const $ = (id) => document.getElementById(id);
{% block sets %}
/** Returns a label in words. Its text is given where it is known. */
function shownLabel(label) {
  return label;
}
{% endblock %}

/** Returns an element; attributes that are null stay away, children are elements, text or null. */
function make(name, attributes, ...children) {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (value !== null) element.setAttribute(key, value);
  }
  element.append(...children.filter((child) => child !== null));
  return element;
}

/** Returns a share in words that call nothing certain. */
function percent(share) {
  if (share < 0.005) return "under 1 %";
  return share > 0.995 ? "over 99 %" : `${Math.round(100 * share)} %`;
}

const shownGiven = (entry) => (entry.given_label ? shownLabel(entry.given_label, entry.text) : "no label");
const isSuggested = (entry) => Boolean(entry.suggested_label) && entry.suggested_label !== entry.given_label;

{% block kind %}
/** Returns what a label is to a row: given, suggested or neither (empty). */
function kindOf(entry, label) {
  if (label === entry.given_label) return "given";
  return label === entry.suggested_label ? "suggested" : "";
}

{% endblock %}

/** Returns a decision in words, on a text where it is known. */
function inWords({ verdict, new_label, new_text }, text) {
  if (verdict !== "relabel") return NAMES[verdict];
  const parts = [new_label ? `relabel ${shownLabel(new_label, text)}` : "", new_text ? "edit the text" : ""];
  return parts.filter(Boolean).join(", ");
}

/** Returns the given label, the suggested one if it is another, and the chance of an error. */
function labelsOf(entry) {
  const label = (kind, what, ...name) =>
    make("p", { class: `label ${kind}` }, make("span", { class: "what" }, what), " ", make("b", {}, ...name));
{% block given %}
  const parts = [label("given", "Given", shownGiven(entry))];
{% endblock %}
  if (isSuggested(entry)) {
    parts.push(make("span", { class: "arrow", "aria-hidden": "true" }, "→"));
{% block suggested %}
    parts.push(label("suggested", "Suggested", shownLabel(entry.suggested_label, entry.text)));
{% endblock %}
  }
  if (entry.p_error !== null) {
    const tier = entry.tier ? `, ${entry.tier}` : "";
    parts.push(label("chance", "Chance of an error", `${percent(entry.p_error)}${tier}`));
  }
  return parts;
}

{% block rest %}
const REST = { name: "label", exclusive: true }; // what the model gives chances to
{% endblock %}
/** Returns in words how probable those are that are not shown: together where they exclude each other, else each. */
function restOf(others) {
  const chances = others.map(({ p }) => p);
  const chance = percent(REST.exclusive ? chances.reduce((sum, p) => sum + p, 0) : Math.max(...chances));
  if (others.length === 1) return `1 more ${REST.name}, ${chance}`;
  return `${others.length} more ${REST.name}s, ${REST.exclusive ? `together ${chance}` : `each ${chance} or less`}`;
}

/** Returns bars of the likeliest labels, of which the given and the suggested one always are, and a line on the others. */
function barsOf(entry) {
  const sorted = entry.probabilities.toSorted((one, other) => other.p - one.p);
  const isNamed = ({ label }) => Boolean(kindOf(entry, label, entry.text));
  const first = [...sorted.filter(isNamed), ...sorted.filter((of) => !isNamed(of))];
  const others = first.slice(DIGITS);
  const bars = sorted.filter((of) => !others.includes(of)).map((of) => bar(entry, of));
  return others.length ? [...bars, make("li", { class: "rest" }, restOf(others))] : bars;
}

/** Returns a section for each kind of evidence that a row has. */
function evidenceOf(entry) {
  return [
    section("Why this row is here", "reasons", entry.reasons.map((reason) => make("li", {}, reason))),
    section("What the model says", "bars", barsOf(entry)),
    section("What the rules say", "votes", entry.votes.map((vote) => said(entry, { ...vote, text: entry.text }, vote.rule))),
    section("The nearest rows", "neighbours", entry.neighbours.map((near) => neighbour(entry, near))),
  ].filter((part) => part !== null);
}

function section(title, kind, items) {
  if (!items.length) return null;
  return make("section", {}, make("h3", {}, title), make("ul", { class: kind }, ...items));
}

function bar(entry, { label, p }) {
  const kind = kindOf(entry, label, entry.text);
  const fill = make("span", {});
  fill.style.width = `${100 * p}%`;
  return make(
    "li",
    { class: kind || null },
    make("span", { class: "name" }, shownLabel(label, entry.text), kind ? make("i", {}, ` ${kind}`) : null),
    make("span", { class: "value" }, percent(p)),
    make("span", { class: "track", "aria-hidden": "true" }, fill),
  );
}

function said(entry, { label, text }, by, ...more) {
  const tag = make("b", { class: `tag ${label ? kindOf(entry, label, text) : ""}` }, label ? shownLabel(label, text) : "abstains");
  return make("li", {}, make("p", { class: "by" }, tag, " ", make("span", {}, by)), ...more);
}

function neighbour(entry, near) {
  const alike = near.similarity === null ? "" : `${Math.round(100 * near.similarity)} % alike`;
  return said(entry, near, alike, make("p", { class: "near", dir: "auto" }, near.text));
}
