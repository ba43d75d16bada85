{# How spans are marked, with the mouse or by keys: fills the blocks of the review page's script. #}
{% extends choose %}
{% block choices %}
  const { labels } = state.session;
  const types = labels.slice(0, DIGITS).map((type, place) => {
    const element = button(short(type), String(place + 1), `type hue-${place % HUES}`, () => mark(type));
    element.dataset.type = type;
    element.setAttribute("aria-label", type);
    return element;
  });
  const tools = [
    button("Type …", "r", "edit", openChooser),
    button("Delete", "Del", "edit", remove),
    button("Shorter", "⇧←", "edit", () => stretch(-1)),
    button("Longer", "⇧→", "edit", () => stretch(1)),
    button("Other end", "x", "edit", turn),
  ];
  const step = button("By words", "c", "step", changeStep);
  const choose = button("Decide", "Enter", "choose", decideMarked);
  const digits = [
    make("span", { class: "types", role: "group", "aria-label": "Type" }, ...types),
    make("span", { class: "tools", role: "group", "aria-label": "Selection" }, ...tools, step),
    button("Take the suggestion", "t", "suggestion", takeSuggestion),
  ];
{% endblock %}
{% block text %}
  drawText();
{% endblock %}
{% block marked %}
  showRow(decision);
{% endblock %}
{% block chosen %}
  mark(label);
{% endblock %}
{% block chooser %}
{{ super() }}
// The spans of the row in view ----------------------------------------------------------------------------------------

const marks = {
  row: null,
  entry: null,
  spans: [], // [start, end, type] in code points
  past: [], // what the spans were before each change, the last one last
  places: null,
  selected: null, // [start, end] in code units; null: nothing is
  atStart: false, // which end of the selection moves
  fine: false, // the step is a character, not a word
  units: new Map(), // steps of the text in view, by `fine`
  kept: new Map(), // entry: [spans, past] of rows that were left, for those that come back without a verdict
};

/** Takes up a row that was not in view before: what was marked, decided or given. */
function showRow(decision) {
  const entry = state.here === null ? null : state.entries.get(state.here);
  if (marks.row !== state.here || keyOf(marks.entry) !== keyOf(entry)) takeUp(entry, decision);
  showTools();
}

function showMarks() {
  drawText();
  showTools();
}

/** Says on the buttons what they would do now. */
function showTools() {
  const { entry, spans, selected } = marks;
  const type = selectedSpan()?.[2];
  for (const element of document.querySelectorAll("#verdicts .type")) {
    element.setAttribute("aria-pressed", String(element.dataset.type === type));
  }
  for (const element of document.querySelectorAll("#verdicts .edit, .step, .suggestion")) element.removeAttribute("aria-pressed");
  const left = entry ? changes(spans, suggestedSpans()) : [];
  const suggestion = $("verdicts").querySelector(".suggestion");
  suggestion.setAttribute("aria-disabled", String(!left.length));
  suggestion.querySelector("span").textContent = left.length ? "Take the suggestion" : "Nothing more is suggested";
  for (const element of document.querySelectorAll("#verdicts .edit")) {
    element.setAttribute("aria-disabled", String(!selected));
  }
  $("verdicts").querySelector(".step span").textContent = marks.fine ? "By characters" : "By words";
  const own = entry ? changes(spansOf(entry.given_label), spans).length : 0;
  const given = entry?.given_label ? (own ? `${own} change${own > 1 ? "s" : ""}` : "as given") : counted(spans) || EMPTY;
  $("verdicts").querySelector(".choose span").textContent = entry ? `Decide: ${given}` : "Decide";
  $("verdicts").querySelector(".keep span").textContent = "Keep the given";
}

const keyOf = (entry) => entry && JSON.stringify([entry.id, entry.text_sha, entry.given_label]);

function takeUp(entry, decision) {
  if (marks.entry && marks.past.length) marks.kept.set(keyOf(marks.entry), [marks.spans, marks.past]);
  marks.row = state.here;
  marks.entry = entry;
  const kept = decision ? undefined : marks.kept.get(keyOf(entry));
  [marks.spans, marks.past] = kept ?? [spansOf(decision?.new_label || entry?.given_label), []];
  marks.places = placesOf(entry?.text ?? "");
  marks.selected = null;
  marks.units.clear();
}

const unitsOf = ([start, end]) => [marks.places.units(start), marks.places.units(end)];
const pointsOf = ([start, end]) => [marks.places.points(start), marks.places.points(end)];

function suggestedSpans() {
  const { entry, spans } = marks;
  return isSuggested(entry) ? spansOf(entry.suggested_label) : spans;
}

/** Returns the span that is exactly the selection, or undefined. */
function selectedSpan() {
  if (!marks.selected) return undefined;
  const [start, end] = pointsOf(marks.selected);
  return marks.spans.find((span) => span[0] === start && span[1] === end);
}

/** Draws the text: spans, what is suggested beside them, and the selection. It holds the text and nothing else. */
function drawText() {
  const { spans, selected, entry } = marks;
  const left = changes(spans, suggestedSpans());
  const isMoved = ([before, after]) => after && (!before || before[0] !== after[0] || before[1] !== after[1]);
  const more = left.filter(isMoved).map(([before, after]) => [...unitsOf(after), `${before ? "±" : "+"} ${after[2]}`]);
  const less = new Map(left.filter(([before]) => before).map((one) => [one[0][0], one]));
  const parts = [];
  let done = 0;
  spans.forEach((span, place) => {
    const [start, end] = unitsOf(span);
    const hue = state.session.labels.indexOf(span[2]) % HUES;
    const [kind, tag] = told(span, less.get(span[0]), isMoved);
    const own = { class: `span hue-${hue} ${kind}`, "data-tag": short(tag), "data-place": place };
    parts.push(...pieces(done, start, more), make("mark", own, ...pieces(start, end, more)));
    done = end;
  });
  parts.push(...pieces(done, entry.text.length, more));
  $("text").replaceChildren(...parts);
  if (selected) $("text").querySelector(".selected")?.scrollIntoView({ block: "nearest" });
}

/** Returns what a span is called, and the class by which it is seen, where a change of it is suggested. */
function told([, , type], change, isMoved) {
  if (!change) return ["", type];
  if (!change[1]) return ["less", `− ${type}`];
  return ["other", isMoved(change) ? `± ${type}` : `± ${type} → ${change[1][2]}`];
}

/** Returns a stretch of the text, cut where the selection and what is suggested begin and end. */
function pieces(from, to, more) {
  const { selected, entry } = marks;
  const within = (place) => place > from && place < to;
  const cuts = [from, to, ...(selected ?? []), ...more.flatMap(([start, end]) => [start, end])];
  const places = [...new Set(cuts)].filter((place) => place === from || place === to || within(place)).sort((a, b) => a - b);
  return places.slice(1).map((end, place) => {
    const start = places[place];
    const words = entry.text.slice(start, end);
    const isSelected = selected && selected[0] <= start && end <= selected[1];
    const added = more.find((other) => other[0] <= start && end <= other[1]);
    if (!isSelected && !added) return words;
    const tag = added && added[1] === end ? short(added[2]) : null;
    return make("span", { class: [isSelected ? "selected" : "", added ? "more" : ""].join(" ").trim(), "data-tag": tag }, words);
  });
}

// What is selected ----------------------------------------------------------------------------------------------------

/** Returns the steps of the text: words or characters, as starts and ends in code units. */
function steps(fine = marks.fine) {
  if (!marks.units.has(fine)) {
    const found = (fine ? characters : wordsOf)(marks.entry.text);
    marks.units.set(fine, { starts: found.map(([start]) => start), ends: found.map(([, end]) => end) });
  }
  return marks.units.get(fine);
}

const firstAfter = (places, at) => places[bound(places, (place) => place <= at)];
const lastBefore = (places, at) => places[bound(places, (place) => place < at) - 1];

/** Returns how many of ascending places fulfil what the first ones do. */
function bound(places, isBefore) {
  let [low, high] = [0, places.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (isBefore(places[middle])) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** Whether something may be marked now; a verdict that is under way is on what is marked already. */
const isOpen = () => marks.entry !== null && state.here !== null && !state.busy && !state.pending;

function selectWords(start, end) {
  marks.selected = [start, end];
  showMarks();
  const span = selectedSpan();
  const words = marks.entry.text.slice(start, end);
  say(span ? `${words}, ${span[2]}.` : `${words}.`);
}

/** Selects the step after or before. */
function move(by) {
  if (!isOpen()) return;
  const { starts, ends } = steps();
  if (!starts.length) return tell("The text has no words.");
  const [start, end] = marks.selected ?? (by > 0 ? [-1, 0] : [Infinity, Infinity]);
  const place = by > 0 ? bound(starts, (other) => other < end) : bound(ends, (other) => other <= start) - 1;
  if (place < 0 || place >= starts.length) return tell(by > 0 ? "This is the last word." : "This is the first word.");
  marks.atStart = false;
  selectWords(starts[place], ends[place]);
}

/** Moves one end of the selection a step on, or back; a span that is selected goes along. */
function stretch(by) {
  if (!isOpen()) return;
  if (!marks.selected) return move(by);
  const { starts, ends } = steps();
  let [start, end] = marks.selected;
  const isTurned = marks.atStart ? by > 0 && !(firstAfter(starts, start) < end) : by < 0 && !(lastBefore(ends, end) > start);
  const atStart = marks.atStart !== isTurned;
  if (atStart) start = (by > 0 ? firstAfter(starts, start) : lastBefore(starts, start)) ?? start;
  else end = (by > 0 ? firstAfter(ends, end) : lastBefore(ends, end)) ?? end;
  if (start === marks.selected[0] && end === marks.selected[1]) return tell("The text ends here.");
  const span = selectedSpan();
  marks.atStart = atStart;
  if (span) put([...pointsOf([start, end]), span[2]], [span], [start, end]);
  else selectWords(start, end);
}

/** The other end of the selection moves from now on. */
function turn() {
  if (!isOpen()) return;
  if (!marks.selected) return tell("Select words first: press → or drag over them.");
  marks.atStart = !marks.atStart;
  tell(marks.atStart ? "Shift with ← → moves the beginning." : "Shift with ← → moves the end.");
}

function changeStep() {
  if (!isOpen()) return;
  marks.fine = !marks.fine;
  showMarks();
  say(marks.fine ? "By characters." : "By words.");
}

/** Selects the next span, or the one before: of those that are marked, and of those that are suggested. */
function go(by) {
  if (!isOpen()) return;
  const all = [...marks.spans, ...suggestedSpans()].map((span) => unitsOf(span)).sort((one, other) => one[0] - other[0] || one[1] - other[1]);
  if (!all.length) return tell("Nothing is marked.");
  const [start, end] = marks.selected ?? (by > 0 ? [-1, -1] : [Infinity, Infinity]);
  const isBeyond = (span) => by * (span[0] - start || span[1] - end) > 0;
  const found = by > 0 ? all.find(isBeyond) : all.findLast(isBeyond);
  marks.atStart = false;
  selectWords(...(found ?? all.at(by > 0 ? 0 : -1)));
}

/** Selects what was selected with the mouse or a finger, as whole steps. */
function selectRange(from, to) {
  const { starts, ends } = steps();
  const { text } = marks.entry;
  const inside = text.slice(from, to);
  const bare = inside.replace(BORDER, "");
  if (!bare) return;
  const first = from + inside.indexOf(bare);
  const [start, end] = [starts[bound(starts, (place) => place <= first) - 1], firstAfter(ends, first + bare.length - 1)];
  marks.selected = [start, end];
  marks.atStart = false;
}

/** Returns the step at a place, or null. */
function stepAt(place) {
  const { starts, ends } = steps();
  const found = bound(starts, (other) => other <= place) - 1;
  return found < 0 || ends[found] < place ? null : [starts[found], ends[found]];
}

/** Returns where in the text something was clicked or touched, as a node and a place in it; or null. */
function caretAt({ clientX, clientY }) {
  if (document.caretPositionFromPoint) {
    const found = document.caretPositionFromPoint(clientX, clientY);
    return found && [found.offsetNode, found.offset];
  }
  const range = document.caretRangeFromPoint(clientX, clientY);
  return range && [range.startContainer, range.startOffset];
}

/** Returns the place of a point of the page's own selection in the text, in code units. */
function placeOf(node, offset) {
  const range = document.createRange();
  range.setStart($("text"), 0);
  range.setEnd(node, offset);
  return range.toString().length;
}

/** Takes over what the browser has selected in the text; returns whether it is something. */
function takeOver() {
  const chosen = getSelection();
  if (!isOpen() || !chosen.rangeCount) return false;
  const range = chosen.getRangeAt(0);
  if (!range.intersectsNode($("text"))) return false;
  const whole = document.createRange();
  whole.selectNodeContents($("text"));
  const from = range.compareBoundaryPoints(Range.START_TO_START, whole) < 0 ? 0 : placeOf(range.startContainer, range.startOffset);
  const isBeyond = range.compareBoundaryPoints(Range.END_TO_END, whole) > 0;
  const to = isBeyond ? marks.entry.text.length : placeOf(range.endContainer, range.endOffset);
  if (from >= to) return false;
  selectRange(from, to);
  return true;
}

const finger = { is: false }; // whether one points; the browser draws its own handles around what a finger selects

function released(event) {
  if (event.pointerType !== "mouse" || event.button !== 0 || !isOpen()) return;
  const inText = $("text").contains(event.target);
  // What Shift and a click select is told from our own selection: the text was drawn anew under the browser's.
  if (!event.shiftKey && takeOver()) selectWords(...marks.selected);
  else if (inText) pick(event);
  if (inText) getSelection().removeAllRanges();
}

/** Selects the span or the word that was clicked or touched; with Shift, all from the selection up to it. */
function pick(event) {
  const within = event.target.closest("mark");
  const caret = caretAt(event);
  const before = marks.selected;
  const found = within ? unitsOf(marks.spans[within.dataset.place]) : caret && $("text").contains(caret[0]) && stepAt(placeOf(...caret));
  if (!found) return;
  marks.atStart = false;
  if (event.shiftKey && before) selectWords(Math.min(before[0], found[0]), Math.max(before[1], found[1]));
  else selectWords(...found);
}

// What is marked ------------------------------------------------------------------------------------------------------

/** Puts a span in the place of those that it overlaps and of those in `gone`. */
function put(span, gone, selected) {
  const lost = marks.spans.filter((other) => !gone.includes(other) && overlaps(span, other));
  change(marks.spans.filter((other) => !gone.includes(other) && !lost.includes(other)).concat([span]));
  marks.selected = selected;
  showMarks();
  const { text } = marks.entry;
  const replaced = lost.map((other) => `${other[2]}: ${mention(text, other)}`).join("; ");
  if (lost.length) tell(`Replaced ${replaced}. u takes it back.`);
  else say(`${span[2]}: ${mention(text, span)}.`);
}

function change(spans) {
  marks.past.push(marks.spans);
  marks.spans = spans.toSorted((one, other) => one[0] - other[0]);
}

function mark(type) {
  if (!isOpen()) return;
  if (!marks.selected) return tell("Select words first: press → or drag over them.");
  const [start, end] = pointsOf(marks.selected);
  const span = [start, end, type];
  const here = selectedSpan();
  if (here && isSame(here, span)) return tell(`It is marked as ${type}. Del deletes it.`);
  put(span, here ? [here] : [], marks.selected);
}

function remove() {
  if (!isOpen()) return;
  if (!marks.selected) return tell("Select a span first: press ↓ or click it.");
  const [start, end] = pointsOf(marks.selected);
  const gone = marks.spans.filter((span) => overlaps(span, [start, end]));
  if (!gone.length) return tell("No span is selected.");
  change(marks.spans.filter((span) => !gone.includes(span)));
  showMarks();
  say(`Deleted ${gone.map((span) => `${span[2]}: ${mention(marks.entry.text, span)}`).join("; ")}.`);
}

function takeSuggestion() {
  if (!isOpen()) return;
  const spans = suggestedSpans();
  if (!changes(marks.spans, spans).length) return tell("Nothing more is suggested.");
  change(spans);
  showMarks();
  say(`Marked: ${shownLabel(labelOf(spans), marks.entry.text)}.`);
}

/** Takes the last change of this row back; returns whether there was one. */
function undoMark() {
  if (!isOpen() || !marks.past.length) return false;
  marks.spans = marks.past.pop();
  if (!marks.past.length) marks.kept.delete(keyOf(marks.entry));
  showMarks();
  say("Taken back.");
  return true;
}

function decideMarked() {
  if (isOpen()) relabel(labelOf(marks.spans));
}

function clearSelection() {
  if (!isOpen() || !marks.selected) return;
  marks.selected = null;
  showMarks();
}

/** Returns 1 where the right arrow leads on in the text, −1 where the left one does. */
const forward = () => (getComputedStyle($("text")).direction === "rtl" ? -1 : 1);

{% endblock %}
{% block key %}
  const type = /^[1-9]$/.test(key) ? state.session.labels[key - 1] : undefined;
  const step = event.shiftKey ? stretch : move;
  const onButton = event.target.matches("button, a, summary"); // Enter presses it
  const acts = {
    ArrowRight: () => step(forward()),
    ArrowLeft: () => step(-forward()),
    ArrowDown: () => go(1),
    ArrowUp: () => go(-1),
    x: turn,
    c: changeStep,
    t: takeSuggestion,
    Delete: remove,
    Backspace: remove,
    Escape: clearSelection,
    Enter: onButton ? undefined : decideMarked,
  };
  const act = type !== undefined ? () => mark(type) : acts[key];
  if (act) {
    event.preventDefault();
    if (!event.repeat || key.startsWith("Arrow")) act();
    return;
  }
  const label = undefined;
{% endblock %}
{% block listeners %}
{{ super() }}
  const undoDecision = KEYS.u;
  KEYS.u = () => undoMark() || undoDecision();
  document.addEventListener("pointerdown", (event) => (finger.is = event.pointerType !== "mouse"));
  document.addEventListener("pointerup", released);
  document.addEventListener("selectionchange", () => finger.is && takeOver() && showTools());
  $("text").addEventListener("click", (event) => finger.is && !takeOver() && pick(event));
{% endblock %}
