{# How a response is edited where it stands: fills the blocks of the review page's script. #}
{% extends page %}
{% block choices %}
  const digits = [button("Edit", "e", "edit", edit), button("Suggestion", "t", "suggestion", takeSuggestion)];
  const choose = button("Save", "Enter", "choose", decideEdited);
{% endblock %}
{% block text %}
  $("text").replaceChildren(...turnsOf(entry.text).map(turnOf));
  close();
{% endblock %}
{% block marked %}
  takeUp(decision);
  showTools();
{% endblock %}
{% block chooser %}
// The response of the row in view -------------------------------------------------------------------------------------

const edits = {
  row: null,
  entry: null,
  text: null, // what the reviewer wrote; null: nothing, or what was given
  said: null, // what was decided on the row; null: no edit
  waits: 0, // the request by which changes are drawn before the next frame; 0: none
  kept: new Map(), // entry: what was written on rows that were left without a verdict
};

const keyOf = (entry) => entry && JSON.stringify([entry.id, entry.text_sha, entry.given_label]);

/** Takes up a row that was not in view before: what was written, or decided. */
function takeUp(decision) {
  const entry = state.here === null ? null : state.entries.get(state.here);
  const key = keyOf(entry);
  edits.said = decision?.verdict === "relabel" ? decision.new_label : null;
  if (edits.row !== state.here || keyOf(edits.entry) !== key) {
    edits.row = state.here;
    edits.entry = entry;
    edits.text = edits.kept.get(key) ?? edits.said;
  } else if (decision) edits.kept.delete(key);
  else keep(); // a verdict that was refused
}

function keep() {
  const key = keyOf(edits.entry);
  if (edits.text === null || edits.text === edits.said) edits.kept.delete(key);
  else edits.kept.set(key, edits.text);
}

/** Keeps what is written, for whoever comes back to the row; a field gives line ends in one form alone. */
function write(text) {
  const given = edits.entry.given_label ?? "";
  const lines = text.replace(/\r\n?/g, "\n");
  const isAlike = lines === given.replace(/\r\n?/g, "\n");
  const own = given.includes("\r\n") && !/(^|[^\r])\n/.test(given) ? lines.replaceAll("\n", "\r\n") : text;
  edits.text = isAlike || !text ? null : own;
  keep();
}

/** Says on the buttons what they would do now. */
function showTools() {
  const { entry, text } = edits;
  const buttons = (name) => $("verdicts").querySelector(`.${name}`);
  for (const name of ["edit", "suggestion"]) buttons(name).removeAttribute("aria-pressed");
  const suggests = entry !== null && isSuggested(entry) && text !== entry.suggested_label;
  buttons("suggestion").setAttribute("aria-disabled", String(!suggests));
  buttons("suggestion").setAttribute("aria-label", suggests ? "Take the suggestion" : "Nothing is suggested");
  buttons("choose").setAttribute("aria-label", "Save the edit");
  buttons("choose").setAttribute("aria-disabled", String(text === null));
  buttons("edit").querySelector("span").textContent = entry && !entry.given_label ? "Write" : "Edit";
  buttons("keep").querySelector("span").textContent = "Keep";
}

/** Draws the response: as it was given, with what made it suspicious, or what the edit changes of it. */
function drawResponse() {
  const { entry, text } = edits;
  $("response-title").textContent = text === null ? "Response" : "Response, edited";
  $("shown").replaceChildren(...(text === null ? givenOf(entry) : shownChanges(entry.given_label ?? "", text)));
}

/** Returns the given response as elements. */
function givenOf(entry) {
  const response = entry.given_label ?? "";
  const places = suspectsOf(entry);
  const [content, calls] = answeredOf(response);
  if (calls || content !== response) {
    return [make("span", { class: "content", dir: "auto" }, content), calls ? make("code", { class: "calls", dir: "ltr" }, calls) : null].filter((part) => part !== null);
  }
  const parts = [];
  let done = 0;
  for (const [start, end] of places) {
    parts.push(response.slice(done, start), make("mark", {}, response.slice(start, end)));
    done = end;
  }
  return [...parts, response.slice(done)];
}

/** Draws what the field changes of the given response. */
function drawDifference() {
  edits.waits = 0;
  if (!isEditing()) return;
  const given = edits.entry?.given_label ?? "";
  $("difference").hidden = edits.text === null || !given;
  $("difference").replaceChildren(...(edits.text === null || !given ? [] : shownChanges(given, edits.text)));
}

/** Whether something may be written now; a verdict that is under way is on what is written already. */
const isOpen = () => edits.entry !== null && state.here !== null && !state.busy && !state.pending;
const isEditing = () => !$("edited").hidden;

function edit() {
  if (!isOpen()) return;
  const field = $("edited");
  field.value = edits.text ?? edits.entry.given_label ?? "";
  $("shown").hidden = true;
  field.hidden = $("editing").hidden = false;
  grow();
  drawDifference();
  field.focus();
  field.setSelectionRange(field.value.length, field.value.length);
  field.scrollIntoView({ block: "nearest" });
}

function grow() {
  const field = $("edited");
  field.style.height = "auto";
  field.style.height = `${field.scrollHeight + 4}px`;
}

/** Leaves the field, and shows what was written. */
function close() {
  if (isEditing() && $("edited") === document.activeElement) $("row").focus({ preventScroll: true });
  $("edited").hidden = $("editing").hidden = $("difference").hidden = true;
  $("shown").hidden = false;
  drawResponse();
  showTools();
}

function written() {
  if (!isOpen()) return;
  write($("edited").value);
  grow();
  showTools();
  edits.waits ||= requestAnimationFrame(drawDifference);
}

function decideEdited() {
  if (!isOpen()) return;
  if (isEditing() && !$("edited").value.trim()) return tell("The response is empty. Say out of scope where there is none.");
  if (edits.text === null) return tell("Nothing is edited. Press e to edit the response, k to keep it.");
  if (!edits.text.trim()) return tell("The response is empty. Say out of scope where there is none.");
  const text = edits.text;
  close();
  relabel(text);
}

function takeSuggestion() {
  if (!isOpen()) return;
  if (!isSuggested(edits.entry)) return tell("Nothing is suggested.");
  write(edits.entry.suggested_label);
  close();
  say("The suggestion is your edit now. Enter saves it.");
}

/** Drops what was written on this row since it was decided; returns whether there was something. */
function undoEdit() {
  if (!isOpen() || edits.text === edits.said) return false;
  edits.text = edits.said;
  keep();
  close();
  say("The edit is dropped.");
  return true;
}

function pressedInField(event) {
  // The page's own keys are letters here.
  event.stopPropagation();
  if (event.isComposing) return;
  const leaves = event.key === "Escape";
  const saves = event.key === "Enter" && (event.ctrlKey || event.metaKey);
  if (!leaves && !saves) return;
  event.preventDefault();
  if (event.repeat) return;
  if (leaves) close();
  else decideEdited();
}

{% endblock %}
{% block key %}
  const onButton = event.target.matches("button, a, summary"); // Enter presses it
  const acts = { e: edit, r: edit, t: takeSuggestion, Enter: onButton ? undefined : decideEdited };
  const act = Object.hasOwn(acts, key) ? acts[key] : undefined;
  if (act) {
    event.preventDefault();
    if (!event.repeat) act();
    return;
  }
  const label = undefined;
{% endblock %}
{% block listeners %}
  const undoDecision = KEYS.u;
  KEYS.u = () => undoEdit() || undoDecision();
  $("edited").addEventListener("keydown", pressedInField);
  $("edited").addEventListener("input", written);
  addEventListener("resize", () => isEditing() && grow());
  addEventListener("beforeunload", (event) => edits.kept.size && event.preventDefault());
{% endblock %}
