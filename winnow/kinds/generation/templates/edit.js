{# How a response and its prompt are edited where they stand: fills the blocks of the review page's script. #}
{% extends page %}
{% block choices %}
  const digits = [
    button("Edit", "e", "edit", edit),
    button("Prompt", "q", "prompt", editPrompt),
    button("Suggestion", "t", "suggestion", takeSuggestion),
  ];
  const choose = button("Save", "Enter", "choose", decideEdited);
{% endblock %}
{% block text %}
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
  prompt: null, // the same of the prompt, as it would stand in the table
  said: null, // what was decided on the row; null: no edit
  saidPrompt: null, // the same of the prompt
  asking: null, // the prompt's turns and their fields while they are open
  waits: 0, // the request by which changes are drawn before the next frame; 0: none
  kept: new Map(), // entry: what was written on rows that were left without a verdict
};

const keyOf = (entry) => entry && JSON.stringify([entry.id, entry.text_sha, entry.given_label]);

/** Takes up a row that was not in view before: what was written, or decided. */
function takeUp(decision) {
  const entry = state.here === null ? null : state.entries.get(state.here);
  const key = keyOf(entry);
  edits.said = (decision?.verdict === "relabel" && decision.new_label) || null;
  edits.saidPrompt = decision?.new_text || null;
  if (edits.row !== state.here || keyOf(edits.entry) !== key) {
    edits.row = state.here;
    edits.entry = entry;
    const kept = edits.kept.get(key);
    edits.text = kept ? kept.text : edits.said;
    edits.prompt = kept ? kept.prompt : edits.saidPrompt;
  } else if (decision) edits.kept.delete(key);
  else keep(); // a verdict that was refused
}

function keep() {
  const key = keyOf(edits.entry);
  if (isAsSaid() || !isEdited()) edits.kept.delete(key);
  else edits.kept.set(key, { text: edits.text, prompt: edits.prompt });
}

const isAsSaid = () => edits.text === edits.said && edits.prompt === edits.saidPrompt;
const isEdited = () => edits.text !== null || edits.prompt !== null;

/** Keeps what is written, for whoever comes back to the row. */
function write(text) {
  const given = edits.entry.given_label ?? "";
  const own = withLineEnds(text, given);
  edits.text = own === given || !text ? null : own;
  keep();
}

/** Says on the buttons what they would do now. */
function showTools() {
  const { entry, text } = edits;
  const buttons = (name) => $("verdicts").querySelector(`.${name}`);
  for (const name of ["edit", "prompt", "suggestion"]) buttons(name).removeAttribute("aria-pressed");
  const suggests = entry !== null && isSuggested(entry) && text !== entry.suggested_label;
  buttons("suggestion").setAttribute("aria-disabled", String(!suggests));
  buttons("suggestion").setAttribute("aria-label", suggests ? "Take the suggestion" : "Nothing is suggested");
  buttons("choose").setAttribute("aria-label", "Save the edit");
  buttons("choose").setAttribute("aria-disabled", String(!isEdited()));
  buttons("prompt").setAttribute("aria-label", "Edit the prompt");
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
  if (isAsking()) drawPromptChanges();
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
  if (isAsking()) close();
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

const grow = () => growField($("edited"));

function growField(field) {
  field.style.height = "auto";
  field.style.height = `${field.scrollHeight + 4}px`;
}

/** Leaves the fields, and shows what was written. */
function close() {
  const { activeElement } = document;
  if (activeElement?.matches("#edited, .asked")) $("row").focus({ preventScroll: true });
  $("edited").hidden = $("editing").hidden = $("difference").hidden = true;
  $("shown").hidden = false;
  drawPrompt();
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
  const { entry, text, prompt } = edits;
  const isEmpty = isEditing() ? !$("edited").value.trim() : text !== null && !text.trim();
  if (isEmpty) return tell("The response is empty. Say out of scope where there is none.");
  if (!isEdited()) return tell("Nothing is edited. Press e to edit the response, q to edit the prompt, k to keep both.");
  if (prompt !== null && isBlank(prompt)) return tell("The prompt is empty. Say out of scope where there is none.");
  if (text === null && !entry.given_label) return tell("This row has no response. Press e to write one to the new prompt.");
  close();
  if (prompt === null) relabel(text);
  else decide("relabel", text === entry.given_label ? "" : text ?? "", prompt);
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
  if (!isOpen() || isAsSaid()) return false;
  [edits.text, edits.prompt] = [edits.said, edits.saidPrompt];
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

{% include "prompt.js" %}
{% endblock %}
{% block key %}
  const onButton = event.target.matches("button, a, summary"); // Enter presses it
  const acts = { e: edit, r: edit, q: editPrompt, t: takeSuggestion, Enter: onButton ? undefined : decideEdited };
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
  addEventListener("resize", () => {
    if (isEditing()) grow();
    for (const each of edits.asking?.fields ?? []) if (each) growField(each.field);
  });
  addEventListener("beforeunload", (event) => edits.kept.size && event.preventDefault());
{% endblock %}
