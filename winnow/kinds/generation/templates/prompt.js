{# How the turns of a prompt are edited where they stand: a part of edit.js. #}
// The prompt of the row in view ---------------------------------------------------------------------------------------

const isBlank = (prompt) => !turnsOf(prompt).some(({ role, content, calls }) => role !== "tools" && (content.trim() || calls.trim()));

/** Returns a field's text with the line ends of what stood in it, which a field gives in one form alone. */
function withLineEnds(text, given) {
  const lines = text.replace(/\r\n?/g, "\n");
  if (lines === given.replace(/\r\n?/g, "\n")) return given;
  return given.includes("\r\n") && !/(^|[^\r])\n/.test(given) ? lines.replaceAll("\n", "\r\n") : text;
}

/** Draws the prompt's turns: as they were given, with what the edit changes of them. */
function drawPrompt() {
  edits.asking = null;
  const given = turnsOf(edits.entry.text);
  const turns = edits.prompt === null ? given : turnsOf(edits.prompt);
  const isAlike = turns.length === given.length && turns.every(({ role }, place) => role === given[place].role);
  const drawn = turns.map((turn, place) => {
    const before = isAlike ? given[place].content : "";
    if (edits.prompt === null || turn.content === before) return turnOf(turn);
    return turnOf(turn, `${turn.role}, edited`, shownChanges(before, turn.content));
  });
  $("text").replaceChildren(...drawn);
}

const isAsking = () => edits.asking !== null;

/** Opens every turn that has words, and goes to the user's last one. */
function editPrompt() {
  if (!isOpen() || isAsking()) return;
  close();
  const turns = turnsOf(edits.prompt ?? edits.entry.text);
  const fields = turns.map((turn) => (turn.role === "tools" ? null : fieldOf(turn)));
  edits.asking = { turns, fields };
  const hint = make("span", { class: "hint", id: "asking" }, "Ctrl Enter saves, Esc leaves and keeps what you wrote");
  $("text").replaceChildren(...turns.map((turn, place) => turnOf(turn, turn.role, null, fields[place])), hint);
  for (const each of fields) if (each) growField(each.field);
  drawPromptChanges();
  const last = turns.findLastIndex(({ role }) => role === "user");
  const { field } = fields[last < 0 ? fields.findLastIndex(Boolean) : last];
  field.focus();
  field.setSelectionRange(field.value.length, field.value.length);
  field.scrollIntoView({ block: "nearest" });
}

/** Returns the field of a turn's words, and the line below it that tells what the edit changes of them. */
function fieldOf({ role, content }) {
  const field = make("textarea", { class: "text asked", dir: "auto", rows: "2", "aria-label": `What the ${role} says`, "aria-describedby": "asking" });
  field.value = content;
  field.addEventListener("keydown", pressedInField);
  field.addEventListener("input", () => writtenPrompt(field));
  return { field, changes: make("span", { class: "text changes", dir: "auto" }) };
}

/** Keeps what is written; a prompt that is as it was given is no edit. */
function writtenPrompt(field) {
  if (!isOpen() || !isAsking()) return;
  const { turns, fields } = edits.asking;
  const now = turns.map((turn, place) => (fields[place] ? { ...turn, content: withLineEnds(fields[place].field.value, turn.content) } : turn));
  const prompt = writtenOf(now);
  edits.prompt = prompt === writtenOf(turnsOf(edits.entry.text)) ? null : prompt;
  keep();
  growField(field);
  showTools();
  edits.waits ||= requestAnimationFrame(drawDifference);
}

/** Draws below each field what the edit changes of the given turn. */
function drawPromptChanges() {
  const { turns, fields } = edits.asking;
  const given = turnsOf(edits.entry.text);
  const isAlike = turns.length === given.length;
  fields.forEach((each, place) => {
    if (!each) return;
    const before = isAlike ? given[place].content : turns[place].content;
    const now = withLineEnds(each.field.value, before);
    each.changes.hidden = now === before;
    each.changes.replaceChildren(...(now === before ? [] : shownChanges(before, now)));
  });
}
