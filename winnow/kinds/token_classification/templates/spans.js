{# How spans of a text, and what changes others of it, are told and drawn: fills the blocks of the review page's view. #}
{% extends page %}
{% block sets %}
const EMPTY = "no entity";
const HUES = 8; // colours of types; further ones begin anew, and every type is named
const TOLD = 6; // spans that are told one by one
const LONGEST = 40; // characters of a span that are told
const SPACE = "\\t-\\r\\x1c-\\x20\\x85\\xa0\\u1680\\u2000-\\u200a\\u2028\\u2029\\u202f\\u205f\\u3000"; // as Python's isspace
const CHUNK = new RegExp(`[^${SPACE}]+`, "gu");
const BORDER = new RegExp(`^[${SPACE}]+|[${SPACE}]+$`, "gu");
// Scripts without spaces, and Korean, which puts endings right behind a name: each character is a word.
const JOINED =
  "\\p{Ideographic}\\p{sc=Han}\\p{sc=Hiragana}\\p{sc=Katakana}\\u30fc\\p{sc=Hangul}\\p{sc=Thai}\\p{sc=Lao}\\p{sc=Khmer}" +
  "\\p{sc=Myanmar}\\p{sc=Ahom}\\p{sc=Tai_Le}\\p{sc=New_Tai_Lue}\\p{sc=Tai_Tham}\\p{sc=Tai_Viet}";
const LETTER = new RegExp(`^(?![${JOINED}])[\\p{L}\\p{N}]`, "u");
const GRAPHEMES = new Intl.Segmenter("en", { granularity: "grapheme" });

/** A text's places, which labels count in code points and a browser in UTF-16 code units. */
class Places {
  /** Places in code units, ascending, at which a character of two units begins. */
  pairs = [];

  constructor(text) {
    for (const found of text.matchAll(/[\u{10000}-\u{10ffff}]/gu)) this.pairs.push(found.index);
  }

  /** Returns a place in code points; a place within a character is that of its beginning. */
  points(units) {
    return units - this.#count((pair) => pair < units);
  }

  /** Returns a place in code units. */
  units(points) {
    return points + this.#count((pair, before) => pair - before < points);
  }

  /** Returns how many pairs fulfil what the first ones do and the others do not. */
  #count(isBefore) {
    let [low, high] = [0, this.pairs.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (isBefore(this.pairs[middle], middle)) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}

let lastPlaces = { text: "", places: new Places("") };

/** Returns the places of a text; those of the last one are kept. */
function placesOf(text) {
  if (lastPlaces.text !== text) lastPlaces = { text, places: new Places(text) };
  return lastPlaces.places;
}

/** Returns the characters of a text as people see them, each as [start, end] in code units; white space is none. */
function characters(text) {
  const found = [];
  for (const { 0: chunk, index } of text.matchAll(CHUNK)) {
    if (/^[\x21-\x7e]+$/.test(chunk)) for (let at = 0; at < chunk.length; at++) found.push([index + at, index + at + 1]);
    else for (const { segment, index: at } of GRAPHEMES.segment(chunk)) found.push([index + at, index + at + segment.length]);
  }
  return found;
}

/** Returns the words of a text, each as [start, end] in code units: letters and digits, and other signs one by one. */
function wordsOf(text) {
  const found = [];
  let joins = false; // the last one goes on
  for (const [start, end] of characters(text)) {
    const isLetter = LETTER.test(text.slice(start, end));
    if (joins && isLetter && found.at(-1)[1] === start) found.at(-1)[1] = end;
    else found.push([start, end]);
    joins = isLetter;
  }
  return found;
}

/** Returns the spans of a label in canonical form: [start, end, type], in code points. */
function spansOf(label) {
  return label ? JSON.parse(label) : [];
}

/** Returns spans as a label in canonical form. */
function labelOf(spans) {
  return JSON.stringify(spans.toSorted((one, other) => one[0] - other[0]));
}

/** Returns words of one line and bearable length. */
function short(words) {
  const signs = [...words.slice(0, 4 * LONGEST).replace(/\s+/gu, " ")];
  return signs.length > LONGEST ? `${signs.slice(0, LONGEST).join("")}…` : signs.join("");
}

/** Returns the words of a span, short. */
function mention(text, [start, end]) {
  const places = placesOf(text);
  return short(text.slice(places.units(start), places.units(end)));
}

/** Returns how many spans of each type there are, in words. */
function counted(spans) {
  const counts = new Map();
  for (const [, , type] of spans) counts.set(type, (counts.get(type) ?? 0) + 1);
  return [...counts].map(([type, count]) => `${count} ${short(type)}`).join(", ");
}

/** Returns a label in words: its spans if they are few and their text is known, or how many of each type. */
function shownLabel(label, text) {
  if (!label.startsWith("[")) return label;
  const spans = spansOf(label);
  if (!spans.length) return EMPTY;
  if (text === undefined || spans.length > TOLD) return counted(spans);
  return spans.map((span) => (mention(text, span) ? `${span[2]}: ${mention(text, span)}` : span[2])).join("; ");
}

const isSame = (one, other) => one[0] === other[0] && one[1] === other[1] && one[2] === other[2];
const overlaps = (one, other) => one[0] < other[1] && other[0] < one[1];

/** Returns what leads from spans to others: pairs [before, after], of which one is null where a span comes or goes. */
function changes(from, to) {
  const before = from.filter((span) => !to.some((other) => isSame(span, other)));
  const after = to.filter((span) => !from.some((other) => isSame(span, other)));
  const found = before.map((span) => {
    const place = after.findIndex((other) => overlaps(span, other));
    return [span, place < 0 ? null : after.splice(place, 1)[0]];
  });
  const start = ([one, other]) => (one ?? other)[0];
  return [...found, ...after.map((span) => [null, span])].sort((one, other) => start(one) - start(other));
}

/** Returns a change as an element: its sign, its type, its words. */
function shownChange([before, after], text) {
  const words = (span) => make("bdi", {}, mention(text, span));
  if (!before) return make("span", { class: "change more" }, `+ ${after[2]}: `, words(after));
  if (!after) return make("span", { class: "change less" }, `− ${before[2]}: `, words(before));
  const isMoved = before[0] !== after[0] || before[1] !== after[1];
  if (!isMoved) return make("span", { class: "change" }, "± ", words(before), `: ${before[2]} → ${after[2]}`);
  const type = before[2] === after[2] ? before[2] : `${before[2]} → ${after[2]}`;
  return make("span", { class: "change" }, `± ${type}: `, words(before), " → ", words(after));
}
{% endblock %}
{% block rest %}
const REST = { name: "span", exclusive: false };
{% endblock %}
{% block kind %}
/** Returns what a label, or one span of it, is to a row: given, suggested or neither (empty), as all of other texts are. */
function kindOf(entry, label, text) {
  if (text !== entry.text) return "";
  if (label === entry.given_label) return "given";
  if (label === entry.suggested_label) return "suggested";
  const [span, ...more] = label.startsWith("[") ? spansOf(label) : [];
  const isIn = (other) => spansOf(other).some((one) => isSame(one, span));
  if (!span || more.length) return "";
  if (isIn(entry.given_label)) return "given";
  return isIn(entry.suggested_label) ? "suggested" : "";
}
{% endblock %}
{% block given %}
  const given = entry.given_label ? counted(spansOf(entry.given_label)) || EMPTY : "no label"; // the text shows them
  const parts = [label("given", "Given", given)];
{% endblock %}
{% block suggested %}
    const found = changes(spansOf(entry.given_label), spansOf(entry.suggested_label));
    const told = found.slice(0, TOLD).map((change) => shownChange(change, entry.text));
    if (found.length > TOLD) told.push(make("span", { class: "change" }, `and ${found.length - TOLD} more`));
    parts.push(label("suggested", "Suggested (t)", ...(told.length ? told : [EMPTY])));
{% endblock %}
