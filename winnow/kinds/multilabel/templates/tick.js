{# How the labels of a set are ticked, by digits or in a list: fills the blocks of the review page's script. #}
{% extends page %}
{% block choices %}
  const few = state.session.labels.length <= DIGITS;
  const names = few ? state.session.labels : [];
  const boxes = names.map((name, place) => {
    const element = button(name, String(place + 1), "tick", () => tick(name));
    element.dataset.name = name;
    return element;
  });
  if (!few) boxes.push(button("Tick …", "r", "open", openChooser));
  const digits = [
    make("span", { class: "names", role: "group", "aria-label": "Labels" }, ...boxes),
    button("Take the suggestion", "t", "suggestion", takeSuggestion),
  ];
  const choose = button("Decide", "Enter", "choose", decideTicked);
{% endblock %}
{% block marked %}
  markTicks(decision);
{% endblock %}
{% block chooser %}
// The labels that are ticked ------------------------------------------------------------------------------------------

const ticks = { row: null, names: new Set() }; // what is ticked of the row in view

/** Returns the ticked names as a label in canonical form: sorted by code point. */
function ticked() {
  const codes = (name) => [...name].map((sign) => sign.codePointAt(0));
  const sorted = [...ticks.names].map((name) => [name, codes(name)]).sort(([, one], [, other]) => {
    const place = one.findIndex((code, at) => code !== other[at]);
    return place < 0 ? one.length - other.length : one[place] - (other[place] ?? -1);
  });
  return JSON.stringify(sorted.map(([name]) => name));
}

/** Shows what is ticked; of a row that was not in view before, what was decided or given. */
function markTicks(decision) {
  const entry = state.here === null ? null : state.entries.get(state.here);
  if (ticks.row !== state.here) {
    ticks.row = state.here;
    ticks.names = new Set(namesOf(decision?.new_label || entry?.given_label));
  }
  const suggests = entry !== null && isSuggested(entry);
  const found = suggests ? changes(entry.given_label, entry.suggested_label) : [];
  const signs = new Map(found.map(([sign, name]) => [name, sign]));
  for (const element of document.querySelectorAll("#verdicts .tick")) {
    const { name } = element.dataset;
    const kind = entry ? kindOf(entry, name) : "";
    const has = ticks.names.has(name);
    const sign = signs.get(name);
    element.classList.toggle("given", kind === "given");
    element.classList.toggle("more", sign === "+");
    element.classList.toggle("less", sign === "−");
    element.setAttribute("aria-pressed", String(has));
    element.setAttribute("aria-label", sign ? `${name}, suggested: ${sign === "+" ? "add it" : "remove it"}` : name);
    element.querySelector("span").textContent = sign ? `${sign} ${name}` : name;
  }
  const suggestion = $("verdicts").querySelector(".suggestion");
  suggestion.setAttribute("aria-disabled", String(!suggests));
  suggestion.removeAttribute("aria-pressed");
  const what = found.length ? shownChanges(found) : [EMPTY];
  suggestion.querySelector("span").replaceChildren(...(suggests ? ["Tick ", ...what] : ["Nothing is suggested"]));
  $("verdicts").querySelector(".open")?.removeAttribute("aria-pressed");
  $("verdicts").querySelector(".choose span").textContent = entry ? `Decide: ${shownLabel(ticked())}` : "Decide";
}

function tick(name) {
  if (state.here === null || state.busy || state.pending) return;
  if (!ticks.names.delete(name)) ticks.names.add(name);
  markTicks();
  say(`${name} ${ticks.names.has(name) ? "ticked" : "not ticked"}.`);
}

function takeSuggestion() {
  const entry = state.here === null ? null : state.entries.get(state.here);
  if (entry === null || state.busy || state.pending) return;
  if (!isSuggested(entry)) return tell("Nothing is suggested.");
  ticks.names = new Set(namesOf(entry.suggested_label));
  markTicks();
  say(`Ticked: ${shownLabel(entry.suggested_label)}.`);
}

function decideTicked() {
  if (state.here === null || state.busy || state.pending) return;
  relabel(ticked());
}

/** The likeliest labels come first; those that are ticked before them. */
function fillChooser() {
  const entry = state.entries.get(state.here);
  const wanted = $("filter").value.trim().toLowerCase();
  const chances = new Map(entry.probabilities.map(({ label, p }) => [label, p]));
  const rank = (name) => (ticks.names.has(name) ? 2 : (chances.get(name) ?? 0));
  const found = state.session.labels.filter((name) => name.toLowerCase().includes(wanted));
  found.sort((one, other) => rank(other) - rank(one));
  const options = found.map((name) => {
    const box = make("input", { type: "checkbox" });
    box.checked = ticks.names.has(name);
    box.addEventListener("change", () => tick(name));
    const kind = kindOf(entry, name);
    const chance = chances.has(name) ? make("span", { class: "value" }, ` ${percent(chances.get(name))}`) : null;
    return make("li", {}, make("label", {}, box, " ", make("span", { class: "name" }, name), kind ? make("i", {}, ` ${kind}`) : null, chance));
  });
  $("options").replaceChildren(...options);
  $("none").hidden = options.length > 0;
}

function pressedInChooser(event) {
  if (event.isComposing || event.key !== "Enter") return;
  event.preventDefault();
  $("options").querySelector("input")?.click();
}

{% endblock %}
{% block key %}
  const { labels } = state.session;
  const name = labels.length <= DIGITS && /^[1-9]$/.test(key) ? labels[key - 1] : undefined;
  const onButton = event.target.matches("button, a, summary"); // Enter presses it
  const act = name !== undefined ? () => tick(name) : { t: takeSuggestion, Enter: onButton ? undefined : decideTicked }[key];
  if (act) {
    event.preventDefault();
    if (!event.repeat) act();
    return;
  }
  const label = undefined;
{% endblock %}
{% block listeners %}
  $("filter").addEventListener("keydown", pressedInChooser);
  $("filter").addEventListener("input", fillChooser);
{% endblock %}
