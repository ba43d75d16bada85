// The review page: shows a row, takes a verdict, shows the next.

const WINDOW = 20; // rows fetched at once
const KEPT = 400; // fetched rows kept in memory
const RETRY = 2000; // milliseconds until what failed is tried again

const embedded = $("data");
const store = embedded ? new Saved(JSON.parse(embedded.textContent)) : new Served(location.hash.slice(1));
const clock = new Clock();
const state = {
  session: null,
  here: null, // the row in view; null: none, all are decided
  busy: false, // something is under way that ends with a row in view
  pending: null, // a verdict that is not saved yet
  entries: new Map(), // row: entry
  decided: new Map(), // row: its decision, or `by` alone if it is another reviewer's
  skipped: new Set(), // rows, in the order in which they were skipped
  notes: new Map(), // row: a note that has no verdict yet
  receipts: [], // [receipt, row] of decisions that can be undone, the last one last
  times: [], // seconds of the decisions of this page
  last: "", // the last one, in words
};

// What is known ------------------------------------------------------------------------------------------------------

function learn(answer) {
  for (const [row, decision] of answer.changes) {
    if (decision) state.decided.set(row, decision);
    else state.decided.delete(row);
  }
  return answer;
}

/** Begins anew with the queue as it is; returns the row that has the id `find`, or null. */
async function open(find) {
  const session = await store.open(find);
  for (const known of [state.entries, state.decided, state.skipped, state.notes, clock.spent]) known.clear();
  learn(session);
  state.session = session;
  state.receipts = session.written;
  $("reviewer-name").textContent = session.reviewer ?? "";
  $("progress").setAttribute("aria-valuemax", session.rows);
  buildBar();
  return session.found;
}

async function entryOf(row) {
  if (!state.entries.has(row)) {
    if (state.entries.size > KEPT) state.entries.clear();
    const answer = learn(await store.rows(row, WINDOW));
    answer.entries.forEach((entry, place) => state.entries.set(row + place, entry));
  }
  return state.entries.get(row);
}

/** Returns the next open row after `row`: of those below, then above, then of those that were skipped; or null. */
function nextRow(row) {
  const { rows } = state.session;
  for (let step = 1; step <= rows; step++) {
    const candidate = (row + step) % rows;
    if (!state.decided.has(candidate) && !state.skipped.has(candidate)) return candidate;
  }
  return [...state.skipped].find((candidate) => !state.decided.has(candidate)) ?? null;
}

// What is shown ------------------------------------------------------------------------------------------------------

/** Says something to a screen reader; everybody else sees the row itself. */
function say(text) {
  $("said").textContent = text;
  $("said").classList.remove("seen");
}

/** Says something that cannot be seen elsewhere. */
function tell(text) {
  say(text);
  $("said").classList.add("seen");
}

function warn(text) {
  if ($("warning").textContent !== text) $("warning").textContent = text;
  $("warning").hidden = !text;
}

function reveal(part) {
  for (const id of ["loading", "card", "end"]) $(id).hidden = id !== part;
  $("bar").hidden = part === "loading";
}

/** Shows a row, or the end if it is null; what happened before is said with it. */
async function show(row, before = "") {
  if (row === null) return showEnd(before);
  const entry = await entryOf(row);
  state.here = row;
  state.skipped.delete(row);
  clock.start(row);
  const decision = state.decided.get(row);
  const decided = decision ? (decision.by ? `Decided by ${decision.by}` : `You decided: ${inWords(decision, entry.text)}`) : "";
  const where = `Row ${row + 1} of ${state.session.rows}`;
  $("where").replaceChildren(where, make("span", { class: "split" }, entry.split ?? ""));
  $("decided").textContent = decided;
  $("labels").replaceChildren(...labelsOf(entry));
  $("evidence").replaceChildren(...evidenceOf(entry));
  $("note").value = state.notes.get(row) ?? decision?.note ?? "";
  markBar(entry, decision);
{% block text %}
  $("text").textContent = entry.text;
{% endblock %}
  reveal("card");
  showProgress();
  scrollTo(0, 0);
  const suggested = isSuggested(entry) ? ` Suggested ${shownLabel(entry.suggested_label, entry.text)}.` : "";
  say(`${before}${where}. Given ${shownGiven(entry)}.${suggested}${decided ? ` ${decided}.` : ""}`);
  const next = nextRow(row);
  if (next !== null) entryOf(next).catch(() => {}); // ahead of time; if it fails, it is fetched when it is shown
}

function showEnd(before) {
  state.here = null;
  clock.start(null);
  const { rows, left_out } = state.session;
  const title = rows ? `All ${rows} rows are decided` : "There is nothing to review";
  const what = embedded ? "Download the decisions, take them in and commit them." : "Every verdict is in data/decisions.csv.";
  const also = left_out ? ` ${left_out} more had been decided before.` : "";
  const commands = ['git commit -m "Review" data/decisions.csv', "dvc repro   # the next queue"];
  if (embedded) commands.unshift("winnow review --import decisions.csv");
  $("end").replaceChildren(make("h2", {}, title), make("p", {}, what + also), make("pre", {}, commands.join("\n")));
  $("note").value = "";
  markBar(null);
  reveal("end");
  showProgress();
  say(`${before}${title}.`);
}

function showProgress() {
  const { rows, beyond } = state.session;
  const done = state.decided.size;
  $("progress").setAttribute("aria-valuenow", done);
  $("progress").firstElementChild.style.width = `${rows ? (100 * done) / rows : 100}%`;
  const parts = [`${done} of ${rows} decided`];
  if (state.skipped.size) parts.push(`${state.skipped.size} skipped`);
  if (state.times.length) {
    const median = state.times.toSorted((one, other) => one - other)[Math.floor(state.times.length / 2)];
    const minutes = Math.ceil((median * (rows - done)) / 60);
    parts.push(`${Math.max(1, Math.round(median))} s a row`);
    if (minutes) parts.push(minutes > 90 ? `about ${Math.round(minutes / 60)} h left` : `about ${minutes} min left`);
  }
  if (state.last) parts.push(`last: ${state.last}`);
  if (beyond) parts.push(`${beyond} more in \`winnow review\``);
  $("counts").textContent = parts.join(" · ");
}

// The verdicts -------------------------------------------------------------------------------------------------------

function button(text, key, kind, act) {
  const hint = make("kbd", { "aria-hidden": "true" }, key);
  const element = make("button", { type: "button", class: kind, "aria-keyshortcuts": key }, hint, make("span", {}, text));
  element.addEventListener("click", act);
  return element;
}

function buildBar() {
{% block choices %}
  const digits = [];
  const choose = button("Relabel …", "r", "choose", openChooser);
{% endblock %}
  const had = $("bar").contains(document.activeElement);
  $("verdicts").replaceChildren(
    button("Keep", "k", "keep", () => decide("keep")),
    make("span", { class: "which", role: "group", "aria-label": "Relabel" }, ...digits, choose),
  );
  $("others").replaceChildren(
    button("Ambiguous", "a", "ambiguous", () => decide("ambiguous")),
    button("Out of scope", "o", "out_of_scope", () => decide("out_of_scope")),
    button("Skip", "s", "skip", skip),
  );
  if (had && document.activeElement === document.body) $("row").focus({ preventScroll: true });
}

const verdictButtons = () => document.querySelectorAll("#verdicts button, #others button");

/** Says on the buttons what the labels are to a row (null: there is none) and what was decided on it. */
function markBar(entry, decision) {
  for (const element of verdictButtons()) {
    const { label } = element.dataset;
    const kind = entry && label ? kindOf(entry, label) : "";
    element.classList.toggle("given", kind === "given");
    element.classList.toggle("suggested", kind === "suggested");
    if (label) element.setAttribute("aria-label", kind ? `${label}, ${kind}` : label);
    // Not `disabled`, which would lose the focus.
    const useless = !entry || (element.matches(".keep") && !entry.given_label);
    element.setAttribute("aria-disabled", String(useless));
  }
  $("verdicts").querySelector(".keep span").textContent = entry?.given_label ? `Keep ${shownGiven(entry)}` : "Keep";
  press(decision);
}

function press(decision) {
  for (const element of verdictButtons()) {
    const { label } = element.dataset;
    const verdict = element.matches(".choose") ? "relabel" : element.className.split(" ")[0];
    const pressed = decision && (label ? label === decision.new_label : verdict === decision.verdict);
    if (verdict !== "skip") element.setAttribute("aria-pressed", String(Boolean(pressed)));
  }
{% block marked %}
{% endblock %}
}

/** Does one thing at a time: a key pressed meanwhile would be meant for a row that is not in view yet. */
async function alone(act) {
  if (state.busy) return;
  state.busy = true;
  $("row").setAttribute("aria-busy", "true");
  try {
    await act();
  } catch (error) {
    if (error.why === "reread") await reread();
    else if (error instanceof Refused) warn(`${error.message}.`);
    else throw error;
  } finally {
    state.busy = false;
    $("row").setAttribute("aria-busy", "false");
  }
}

function relabel(label) {
  // Whoever says that the given label is right keeps it.
  if (label === state.entries.get(state.here)?.given_label) decide("keep");
  else decide("relabel", label);
}

function decide(verdict, new_label = "", new_text = "") {
  const row = state.here;
  if (row === null || state.busy || state.pending) return;
  const entry = state.entries.get(row);
  if (verdict === "keep" && !entry.given_label) return tell("This row has no label to keep. Choose one.");
  const reviewer = $("reviewer").value.trim().replace(/\s+/g, " ");
  if (embedded && !reviewer) {
    $("reviewer").focus();
    return tell("Who decides? Write your name first.");
  }
  const decision = { verdict, new_label, reviewer, note: $("note").value.trim(), seconds: clock.seconds(row) };
  if (new_text) decision.new_text = new_text;
  state.pending = { row, entry, decision };
  press(decision);
  return alone(save);
}

async function save() {
  const { row, entry, decision } = state.pending;
  try {
    const answer = learn(await store.decide(row, entry, decision));
    state.receipts.push([answer.receipt, row]);
  } catch (error) {
    if (!(await wasSaved(error))) return notSaved(error);
  }
  state.pending = null;
  state.notes.delete(row);
  state.times.push(decision.seconds);
  state.last = inWords(decision);
  warn(store.keeps ? "" : "This browser keeps nothing for this file: download the decisions before you close it.");
  await show(nextRow(row), `Saved: ${inWords(decision)}. `);
}

/** Whether the answer to an earlier try was lost, and this one met what that had saved. */
async function wasSaved(error) {
  if (error.why !== "elsewhere") return false;
  learn(await store.rows(0, 0));
  const { row, decision, again } = state.pending;
  const found = state.decided.get(row);
  return again && found && ["verdict", "new_label", "new_text"].every((name) => (found[name] ?? "") === (decision[name] ?? ""));
}

async function notSaved(error) {
  const { row, entry, decision } = state.pending;
  if (error.why === "gone" || error.why === "files") {
    warn(`Not saved yet: ${error.message}. Your verdict, ${inWords(decision)}, is kept and sent again. Undo drops it.`);
    state.pending.again = true;
    setTimeout(() => state.pending && alone(save), RETRY);
    return;
  }
  state.pending = null;
  if (error.why === "reread") return reread(entry, `; ${inWords(decision)} is not saved, decide again`);
  state.notes.set(row, decision.note);
  warn(`Not saved: ${error.message}.${error.why === "elsewhere" ? " Decide again to have the last word." : ""}`);
  await show(row);
}

/** The queue on disk is another one: begins anew with it, at the same entry if it is there. */
async function reread(entry = state.entries.get(state.here), lost = "") {
  const found = await open(entry?.id ?? "");
  warn(`The queue on disk changed and was read anew: ${state.session.rows} rows to decide${lost}.`);
  await show(found ?? nextRow(-1));
}

async function undo() {
  if (state.pending) {
    const { row, decision } = state.pending;
    state.pending = null;
    state.notes.set(row, decision.note);
    warn("");
    return show(row, "Dropped, nothing was saved. ");
  }
  if (!state.receipts.length) return tell("There is nothing to undo.");
  const [receipt, row] = state.receipts.at(-1);
  const note = state.decided.get(row)?.note;
  try {
    learn(await store.undo(receipt));
  } catch (error) {
    if (error.why === "elsewhere") state.receipts.pop(); // it cannot be undone later either
    throw error;
  }
  state.receipts.pop();
  state.times.pop();
  state.last = "";
  if (note && !state.notes.has(row)) state.notes.set(row, note);
  warn("");
  await show(row, "Undone. ");
}

async function skip() {
  const row = state.here;
  if (row === null || state.pending) return;
  if (!state.decided.has(row)) state.skipped.add(row);
  const next = nextRow(row);
  await show(next, next === row ? "Every other row is decided. " : "Skipped. ");
}

/** Shows the row before or after, without deciding on the one in view. */
async function look(step) {
  const { rows } = state.session;
  if (state.pending || !rows) return;
  const row = state.here === null ? rows - 1 : state.here + step;
  if (row < 0 || row >= rows) return tell(row < 0 ? "This is the first row." : "This is the last row.");
  await show(row);
}

/** Opens the dialog in which a label is chosen, or written; the kind fills it. */
function openChooser() {
  if (state.here === null || state.busy || state.pending) return;
  const field = $("chooser").querySelector("input");
  field.value = "";
  fillChooser();
  $("chooser").showModal();
  field.select();
}

{% block chooser %}
// The right label, written by hand -----------------------------------------------------------------------------------

function fillChooser() {
  const entry = state.entries.get(state.here);
  $("written").value = entry.suggested_label ?? entry.given_label ?? "";
}

function pressedInChooser(event) {
  const label = $("written").value.trim();
  if (event.isComposing || event.key !== "Enter" || !label) return;
  event.preventDefault();
  $("chooser").close();
  relabel(label);
}

{% endblock %}
// Keys ---------------------------------------------------------------------------------------------------------------

const KEYS = {
  k: () => decide("keep"),
  a: () => decide("ambiguous"),
  o: () => decide("out_of_scope"),
  r: openChooser,
  s: () => alone(skip),
  u: () => alone(undo),
  n: () => $("note").focus(),
  j: () => alone(() => look(1)),
  ArrowRight: () => alone(() => look(1)),
  ArrowLeft: () => alone(() => look(-1)),
  p: () => alone(() => look(-1)),
  d: () => embedded && download(),
  "?": () => $("help").showModal(),
};

function pressed(event) {
  if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
  if (!state.session || document.querySelector("dialog[open]")) return;
  if (event.target.matches("input")) {
    if (event.key === "Enter" || event.key === "Escape") {
      event.preventDefault();
      $("row").focus({ preventScroll: true });
    }
    return;
  }
  const single = event.key.length === 1;
  if (single && event.key !== "?" && !$("shortcuts").checked) return;
  const key = single ? event.key.toLowerCase() : event.key;
{% block key %}
  const label = undefined;
{% endblock %}
  if (label === undefined && !Object.hasOwn(KEYS, key)) return;
  event.preventDefault();
  // A key held down must not decide on rows that nobody read.
  if (event.repeat && !key.startsWith("Arrow")) return;
  if (label === undefined) KEYS[key]();
  else relabel(label);
}

function download() {
  const url = URL.createObjectURL(new Blob([store.csv()], { type: "text/csv" }));
  make("a", { href: url, download: "decisions.csv" }).click();
  setTimeout(() => URL.revokeObjectURL(url), PATIENCE);
  tell(`${store.decisions().length} decisions downloaded. Take them in with winnow review --import.`);
}

/** Keeps a setting from one visit to the next, where the browser can. */
function remember(element, property) {
  const key = `winnow review: ${element.id}`;
  const kept = attempt(() => localStorage.getItem(key));
  if (kept !== null) element[property] = property === "checked" ? kept === "true" : kept;
  element.addEventListener("change", () => attempt(() => localStorage.setItem(key, element[property])));
}

function listen() {
  document.addEventListener("keydown", pressed);
{% block listeners %}
  $("written").addEventListener("keydown", pressedInChooser);
{% endblock %}
  $("note").addEventListener("input", () => state.here !== null && state.notes.set(state.here, $("note").value));
  $("undo").addEventListener("click", KEYS.u);
  $("back").addEventListener("click", KEYS.ArrowLeft);
  $("on").addEventListener("click", KEYS.ArrowRight);
  $("download").addEventListener("click", KEYS.d);
  $("open-help").addEventListener("click", KEYS["?"]);
  addEventListener("beforeunload", (event) => (state.pending || store.isAtRisk()) && event.preventDefault());
  remember($("shortcuts"), "checked");
  if (embedded) {
    remember($("reviewer"), "value");
    $("reviewer").hidden = $("download").hidden = false;
  }
}

async function begin() {
  try {
    await open("");
    warn("");
    await show(nextRow(-1));
    $("row").focus({ preventScroll: true });
  } catch (error) {
    warn(`${error.message}.`);
    if (error.why === "gone" || error.why === "files") setTimeout(begin, RETRY);
    else if (!(error instanceof Refused)) throw error;
  }
}

listen();
begin();
