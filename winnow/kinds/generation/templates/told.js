{# How responses and prompts are told in a line of decisions.csv, as winnow/kinds/generation/telling.py: fills blocks of the page. #}
{% extends page %}
{% block told %}
const BREAKING = /[\x00-\x1f\x7f-\x9f\u2028\u2029]/g;
const AT_ENDS = /^[\s\x1c-\x1f\x85]|[\s\x1c-\x1f\x85]$/;
const HASHED = /^sha256:[0-9a-f]{16}$/;

/** Returns the text that a cell in quotes tells, or null if it is the text itself. */
function unquoted(cell) {
  if (cell.length < 2 || !cell.startsWith('"') || !cell.endsWith('"') || !cell.includes("\\")) return null;
  const found = attempt(() => JSON.parse(cell));
  return found?.isWellFormed() ? found : null;
}

/** Returns a character as escapes of JSON. */
function escaped(sign) {
  return [...Array(sign.length).keys()].map((at) => `\\u${sign.charCodeAt(at).toString(16).padStart(4, "0")}`).join("");
}

/** Returns a response or a prompt as a line of text. */
function toldText(text) {
  if (!text || !(AT_ENDS.test(text) || text.search(BREAKING) >= 0 || HASHED.test(text) || unquoted(text) !== null)) return text;
  const inside = JSON.stringify(text).slice(1, -1).replace(BREAKING, escaped);
  if (inside.includes("\\")) return `"${inside}"`;
  const signs = [...inside];
  const at = AT_ENDS.test(signs.at(-1)) ? signs.length - 1 : 0;
  return `"${signs.with(at, escaped(signs[at])).join("")}"`;
}

{% endblock %}
{% block lines %}
    // What people saw is told by its hash, which stands beside each entry.
    const seen = new Map(this.data.entries.map(({ id, given_told }) => [id, given_told ?? ""]));
    const told = ({ new_label, new_text, ...decision }) => ({
      ...decision,
      given_label: seen.get(decision.id),
      new_label: toldText(new_label),
      new_text: toldText(new_text ?? ""),
    });
    const rows = this.decisions().map(told);
    const columns = rows.some(({ new_text }) => new_text) ? [...COLUMNS, "new_text"] : COLUMNS;
    const lines = rows.map((decision) => columns.map((name) => cell(String(decision[name]))).join(","));
{% endblock %}
