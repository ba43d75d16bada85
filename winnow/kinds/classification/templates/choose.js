{# How a label is chosen of a list, by a digit or by typing: fills the blocks of the review page's script. #}
{% extends page %}
{% block choices %}
  const few = state.session.labels.length <= DIGITS;
  $("digits").hidden = !few; // of the help
  const labels = few ? state.session.labels : [];
  const digits = labels.map((label, place) => {
    const element = button(label, String(place + 1), "digit", () => relabel(label));
    element.dataset.label = label;
    return element;
  });
  const choose = button("Relabel …", "r", few ? "choose narrow" : "choose", openChooser);
{% endblock %}
{% block chooser %}
// The list of labels -------------------------------------------------------------------------------------------------

/** Few labels stay in their order, by which their digits are known; of many the likeliest come first. */
function fillChooser() {
  const entry = state.entries.get(state.here);
  const { labels } = state.session;
  const few = labels.length <= DIGITS;
  const wanted = $("filter").value.trim().toLowerCase();
  const found = labels.filter((label) => label !== entry.given_label && label.toLowerCase().includes(wanted));
  const chances = new Map(entry.probabilities.map(({ label, p }) => [label, p]));
  const rank = (label) => (label === entry.suggested_label ? 2 : (chances.get(label) ?? 0));
  if (!few) found.sort((one, other) => rank(other) - rank(one));
  const options = found.map((label, place) => {
    const digit = few ? make("kbd", { "aria-hidden": "true" }, String(labels.indexOf(label) + 1)) : null;
    const kind = label === entry.suggested_label ? make("i", {}, " suggested") : null;
    const chance = chances.has(label) ? make("span", { class: "value" }, percent(chances.get(label))) : null;
    const option = make("li", { role: "option", id: `option-${place}` }, digit, make("span", { class: "name" }, label, kind), chance);
    option.dataset.label = label;
    option.addEventListener("click", () => chosen(label));
    return option;
  });
  $("options").replaceChildren(...options);
  $("none").hidden = options.length > 0;
  select(Math.max(0, found.indexOf(entry.suggested_label)));
}

function select(place) {
  const options = [...$("options").children];
  options.forEach((option, other) => option.setAttribute("aria-selected", String(other === place)));
  options[place]?.scrollIntoView({ block: "nearest" });
  $("filter").setAttribute("aria-activedescendant", options[place]?.id ?? "");
}

function chosen(label) {
  $("chooser").close();
{% block chosen %}
  relabel(label);
{% endblock %}
}

function pressedInChooser(event) {
  const options = [...$("options").children];
  const place = options.findIndex((option) => option.getAttribute("aria-selected") === "true");
  const { labels } = state.session;
  const digit = labels.length <= DIGITS && /^[1-9]$/.test(event.key) ? labels[event.key - 1] : undefined;
  if (event.isComposing) return;
  if (event.key === "ArrowDown") select((place + 1) % options.length);
  else if (event.key === "ArrowUp") select((place - 1 + options.length) % options.length);
  else if (event.key === "Enter") options[place] && chosen(options[place].dataset.label);
  else if (digit !== undefined) chosen(digit);
  else return;
  event.preventDefault();
}

{% endblock %}
{% block key %}
  const { labels } = state.session;
  const label = labels.length <= DIGITS && /^[1-9]$/.test(key) ? labels[key - 1] : undefined;
{% endblock %}
{% block listeners %}
  $("filter").addEventListener("keydown", pressedInChooser);
  $("filter").addEventListener("input", fillChooser);
{% endblock %}
