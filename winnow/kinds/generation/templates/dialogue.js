{# How dialogues, responses and their changes are shown: fills the blocks of the review page's view. #}
{% extends page %}
{% block sets %}
const LONGEST = 60; // characters of a response that a button or a line repeats
const ROLES = ["system", "user", "assistant", "tool"];
// As winnow/text/dialogue.py: a line that begins a turn, and one that only looks so.
const HEADER = /^<\|(system|user|assistant|tool|tools|calls)(?: (\{.*\}))?\|>$/s;
const ESCAPED = /^\\(?=\\*<\|(?:system|user|assistant|tool|tools|calls)(?: \{.*\})?\|>$)/s;
const ESCAPABLE = /^\\*<\|(?:system|user|assistant|tool|tools|calls)(?: \{.*\})?\|>$/s; // that would read as a header
const CALLS = "<|calls|>";
// Letters and digits, a sign of a script that writes no spaces, white space, or another sign.
const WORD = /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Thai}\p{Script=Lao}\p{Script=Khmer}\p{Script=Myanmar}]\p{M}*|(?:(?![\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Thai}\p{Script=Lao}\p{Script=Khmer}\p{Script=Myanmar}])[\p{L}\p{N}_]\p{M}*)+|\n|[^\S\n]+|./gsu;
const MOST_CELLS = 4_000_000; // of the table by which words are compared: a tenth of a second
const CONTEXT = 24; // words that are shown on either side of a change
const PLACE = /" at (\d+)-(\d+)/g; // in a reason: where in the response its words stand, in code points

/** Returns the turns of a dialogue: role, content, what is called (empty: nothing) and attributes; one turn, if it is none. */
function turnsOf(text) {
  const lines = text.split("\n");
  const whole = [{ role: "user", content: text, calls: "", attributes: {} }];
  if (!HEADER.test(lines[0])) return whole;
  const sections = [];
  for (const line of lines) {
    const header = HEADER.exec(line);
    if (header) sections.push({ name: header[1], attributes: attempt(() => JSON.parse(header[2] ?? "{}")), lines: [] });
    else sections.at(-1).lines.push(line.replace(ESCAPED, ""));
  }
  const turns = [];
  for (const { name, attributes, lines: body } of sections) {
    const content = body.join("\n");
    if (ROLES.includes(name)) turns.push({ role: name, content, calls: "", attributes: attributes ?? {} });
    else if (name === "tools" && !turns.length) turns.push({ role: "tools", content: "", calls: content, attributes: {} });
    else if (name === "calls" && turns.at(-1)?.role === "assistant" && !turns.at(-1).calls) turns.at(-1).calls = content;
    else return whole;
  }
  return turns;
}

/** Returns the words and the calls of a response. */
function answeredOf(response) {
  const lines = response.split("\n");
  const at = lines.indexOf(CALLS);
  const plain = (some) => some.map((line) => line.replace(ESCAPED, "")).join("\n");
  return at < 0 ? [plain(lines), ""] : [plain(lines.slice(0, at)), plain(lines.slice(at + 1))];
}

/** Returns a turn as an element, under a title; its words in other form (`parts`), or as a field with what it changes. */
function turnOf({ role, content, calls, attributes }, title = role, parts = null, open = null) {
  const more = Object.entries(attributes).map(([name, value]) => (name === "name" ? String(value) : `${name} ${value}`));
  const heading = make("span", { class: "role" }, title, more.length ? make("bdi", {}, ` ${more.join(", ")}`) : null);
  const words = parts ?? (content ? [content] : []);
  return make(
    "span",
    { class: `turn ${role}` },
    heading,
    ...(open ? [open.field, open.changes] : [words.length ? make("span", { class: "content", dir: "auto" }, ...words) : null]),
    calls ? make("code", { class: "calls", dir: "ltr" }, calls) : null,
  );
}

/** Returns the turns of a dialogue as its text, so that `turnsOf` gives them back. */
function writtenOf(turns) {
  const [only] = turns;
  const isPlain = turns.length === 1 && only.role === "user" && !Object.keys(only.attributes).length;
  if (isPlain && !only.content.split("\n").some((line) => ESCAPABLE.test(line))) return only.content;
  return turns.map(({ role, content, calls, attributes }) => `${headerOf(role, attributes)}\n${role === "tools" ? calls : bodyOf(content, calls)}`).join("\n");
}

const headerOf = (role, attributes) => (Object.keys(attributes).length ? `<|${role} ${JSON.stringify(attributes)}|>` : `<|${role}|>`);

function bodyOf(content, calls) {
  const escaped = (text) => text.split("\n").map((line) => (ESCAPABLE.test(line) ? `\\${line}` : line)).join("\n");
  return [content || !calls ? [escaped(content)] : [], calls ? [CALLS, escaped(calls)] : []].flat().join("\n");
}

/** Returns a response in one line of bearable length, or an outcome that is none. */
function shownLabel(label) {
  const signs = [...label.slice(0, 4 * LONGEST).replace(/\s+/gu, " ").trim()];
  return signs.length > LONGEST ? `${signs.slice(0, LONGEST).join("")}…` : signs.join("");
}

/** Returns what leads from words to others: [-1, word] is taken out, [1, word] put in, [0, word] stays. */
function changesOf(from, to) {
  let [start, before, after] = [0, from.length, to.length];
  while (start < before && start < after && from[start] === to[start]) start++;
  while (before > start && after > start && from[before - 1] === to[after - 1]) [before, after] = [before - 1, after - 1];
  const [own, other] = [from.slice(start, before), to.slice(start, after)];
  const found = from.slice(0, start).map((word) => [0, word]);
  found.push(...(own.length * other.length > MOST_CELLS ? exchanged(own, other) : aligned(own, other)));
  return found.concat(from.slice(before).map((word) => [0, word]));
}

const exchanged = (own, other) => [...own.map((word) => [-1, word]), ...other.map((word) => [1, word])];

/** Returns the changes that leave the longest common subsequence as it is. */
function aligned(own, other) {
  const width = other.length + 1;
  const longest = new Uint16Array((own.length + 1) * width); // the shorter side has few enough words
  for (let one = own.length - 1; one >= 0; one--) {
    for (let two = other.length - 1; two >= 0; two--) {
      const at = one * width + two;
      longest[at] = own[one] === other[two] ? longest[at + width + 1] + 1 : Math.max(longest[at + width], longest[at + 1]);
    }
  }
  const found = [];
  let [one, two] = [0, 0];
  while (one < own.length && two < other.length) {
    const at = one * width + two;
    if (own[one] === other[two]) {
      found.push([0, own[one]]);
      [one, two] = [one + 1, two + 1];
    } else if (longest[at + width] >= longest[at + 1]) found.push([-1, own[one++]]);
    else found.push([1, other[two++]]);
  }
  return found.concat(exchanged(own.slice(one), other.slice(two)));
}

/** Returns changes as elements; of long stretches that stay, what is near to a change. */
function shownChanges(from, to) {
  const runs = []; // [kind, words]
  for (const [kind, word] of changesOf(from.match(WORD) ?? [], to.match(WORD) ?? [])) {
    if (runs.at(-1)?.[0] === kind) runs.at(-1)[1].push(word);
    else runs.push([kind, [word]]);
  }
  return runs.map(([kind, words], place) => {
    if (kind) return make(kind > 0 ? "ins" : "del", { class: kind > 0 ? "more" : "less" }, words.join(""));
    const [first, last] = [place === 0 ? 0 : CONTEXT, place === runs.length - 1 ? 0 : CONTEXT];
    if (words.length <= first + last + 1) return words.join("");
    return `${words.slice(0, first).join("")} … ${words.slice(words.length - last).join("")}`;
  });
}

/** Returns the places of a response that the reasons name, [start, end] in code units, in order and apart. */
function suspectsOf(entry) {
  const named = entry.reasons.flatMap((reason) => [...reason.matchAll(PLACE)].map(([, start, end]) => [Number(start), Number(end)]));
  if (!named.length) return [];
  const units = [0];
  for (const sign of entry.given_label ?? "") units.push(units.at(-1) + sign.length);
  const found = [];
  for (const [start, end] of named.toSorted((one, other) => one[0] - other[0])) {
    if (start < end && end < units.length && units[start] >= (found.at(-1)?.[1] ?? 0)) found.push([units[start], units[end]]);
  }
  return found;
}
{% endblock %}
{% block rest %}
const REST = { name: "response", exclusive: true };
{% endblock %}
{% block given %}
  const parts = entry.given_label ? [] : [label("given", "Given", "no response")]; // it stands below the prompt
{% endblock %}
{% block suggested %}
    parts.push(label("suggested", "Suggested (t)", shownLabel(entry.suggested_label)));
{% endblock %}
