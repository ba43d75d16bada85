// Where the review page has its rows from and its decisions go to: a server (`winnow review`), or the page's own file
// and the browser's storage (reports/review/queue.html). And the clock by which a decision is timed.

const PATIENCE = 5000; // milliseconds to wait for an answer
const PAUSE = 120000; // milliseconds without a key, a scroll or a pointer, after which nobody is taken to be reading
const COLUMNS = "id,text_sha,given_label,verdict,new_label,reviewer,decided_on,note,seconds,drawn_for".split(",");
// As winnow/decisions.py: what a spreadsheet would run, or round.
const TOUCHED = /^'*([=+\-@\t\r\n＝＋－＠]|(0\d+|\d{12,}|\d+[eE]\d+)$)/;

{% block told %}
{% endblock %}
/** Returns what `act` does, or null where it throws: a browser's storage may be off, or full. */
function attempt(act) {
  try {
    return act();
  } catch {
    return null;
  }
}

/** A request that was answered with a refusal; `why` is the server's word for it. */
class Refused extends Error {
  constructor(message, why) {
    super(message);
    this.why = why;
  }
}

/** Rows and decisions of a server. */
class Served {
  keeps = true;

  constructor(token) {
    this.token = token;
    this.session = "";
    this.since = 0;
  }

  async open(find) {
    this.session = "";
    this.since = 0;
    return this.#call("GET", "/api/session", { find });
  }

  rows(start, count) {
    return this.#call("GET", "/api/rows", { start, count });
  }

  decide(row, entry, decision) {
    const { reviewer, ...said } = decision; // who that is, the server knows
    return this.#call("POST", "/api/decide", { row, text_sha: entry.text_sha, ...said });
  }

  undo(receipt) {
    return this.#call("POST", "/api/undo", { receipt });
  }

  isAtRisk() {
    return false;
  }

  async #call(method, path, said) {
    const { session, since } = this;
    said = { ...said, session, since };
    const request = { method, headers: { Authorization: `Bearer ${this.token}` }, signal: AbortSignal.timeout(PATIENCE) };
    if (method === "POST") request.body = JSON.stringify(said);
    else path += `?${new URLSearchParams(said)}`;
    let response, answer;
    try {
      response = await fetch(path, request);
      answer = await response.json();
    } catch {
      throw new Refused("the server does not answer; is `winnow review` still running?", "gone");
    }
    if (!response.ok) throw new Refused(answer.error, answer.why);
    if (session !== this.session) throw new Refused("the queue was read anew meanwhile", "late");
    // Answers may overtake each other: each change is learnt once, in its order.
    answer.changes = answer.changes.slice(this.since - since);
    this.since = Math.max(this.since, answer.revision);
    this.session = answer.session;
    return answer;
  }
}

/** Rows that stand in the page; decisions go to the browser's storage and are downloaded. */
class Saved {
  constructor(data) {
    this.data = data;
    this.place = new Map(data.entries.map((entry, row) => [entry.id, row]));
    this.key = `winnow review ${data.queue}`;
    this.memory = [];
    this.keeps = attempt(() => localStorage.setItem("winnow review", "1")) !== null;
  }

  async open() {
    const { title, labels, entries, rows_in_queue } = this.data;
    const decisions = this.decisions();
    return {
      title,
      labels,
      rows: entries.length,
      left_out: 0,
      beyond: rows_in_queue - entries.length,
      written: decisions.map((decision) => [decision.receipt, this.place.get(decision.id)]),
      found: null,
      changes: decisions.map((decision) => [this.place.get(decision.id), decision]),
    };
  }

  async rows(start, count) {
    return { entries: this.data.entries.slice(start, start + count), changes: [] };
  }

  async decide(row, entry, decision) {
    const decisions = this.decisions();
    const receipt = 1 + Math.max(0, ...decisions.map((other) => other.receipt));
    const { id, text_sha, given_label, drawn_for } = entry;
    const before = decisions.findLast((other) => other.id === id);
    // Of two verdicts in one second the last one must count.
    const earliest = before ? Date.parse(before.decided_on) + 1000 : 0;
    const decided_on = `${new Date(Math.max(Date.now(), earliest)).toISOString().slice(0, 19)}Z`;
    const own = { id, text_sha, given_label: given_label ?? "", drawn_for: drawn_for ?? "", decided_on };
    const line = { ...decision, ...own, receipt };
    this.#write([...decisions, line]);
    return { receipt, changes: [[row, line]] };
  }

  async undo(receipt) {
    const decisions = this.decisions();
    const line = decisions.find((decision) => decision.receipt === receipt);
    if (!line) throw new Refused("it was undone in another tab", "elsewhere");
    const rest = decisions.filter((decision) => decision !== line);
    this.#write(rest);
    const before = rest.findLast((decision) => decision.id === line.id) ?? null;
    return { row: this.place.get(line.id), changes: [[this.place.get(line.id), before]] };
  }

  /** Read anew each time: another tab may have written. */
  decisions() {
    if (this.keeps) this.memory = attempt(() => JSON.parse(localStorage.getItem(this.key))) ?? [];
    return this.memory;
  }

  /** Whether closing the page loses decisions. */
  isAtRisk() {
    return !this.keeps && this.memory.length > 0;
  }

  csv() {
    const cell = (value) => {
      const text = TOUCHED.test(value) ? `'${value}` : value;
      return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
    };
{% block lines %}
    const columns = COLUMNS;
    const lines = this.decisions().map((decision) => COLUMNS.map((name) => cell(String(decision[name]))).join(","));
{% endblock %}
    return [columns.join(","), ...lines, ""].join("\n");
  }

  #write(decisions) {
    this.memory = decisions;
    this.keeps = attempt(() => localStorage.setItem(this.key, JSON.stringify(decisions))) !== null;
  }
}

/** The time that a person spends on each row: while the page is in view and something moves now and then. */
class Clock {
  spent = new Map();
  row = null;
  began = 0;
  moved = 0;

  constructor() {
    const move = () => this.#settle(performance.now());
    for (const kind of ["keydown", "pointermove", "pointerdown", "wheel", "scroll"]) {
      addEventListener(kind, move, { passive: true, capture: true });
    }
    document.addEventListener("visibilitychange", () => {
      if (document.hidden) this.#settle(performance.now());
      this.began = this.moved = performance.now();
    });
  }

  start(row) {
    this.#settle(performance.now());
    this.row = row;
  }

  seconds(row) {
    this.#settle(performance.now());
    return Math.round((this.spent.get(row) ?? 0) / 100) / 10;
  }

  #settle(now) {
    const until = Math.min(now, this.moved + PAUSE);
    if (this.row !== null && !document.hidden && until > this.began) {
      this.spent.set(this.row, (this.spent.get(this.row) ?? 0) + until - this.began);
    }
    this.began = this.moved = now;
  }
}
