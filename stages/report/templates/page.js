// The page's comforts; without a script it holds the same, folded by the browser.
const folds = [...document.querySelectorAll("main details")];

// Links into what is folded open it.
function reveal() {
  const target = document.getElementById(location.hash.slice(1)); // ids here are of letters and hyphens
  for (let at = target; at; at = at.parentElement) if (at.tagName === "DETAILS") at.open = true;
  if (target) target.scrollIntoView();
}
addEventListener("hashchange", reveal);
for (const link of document.querySelectorAll('a[href^="#"]')) {
  link.addEventListener("click", () => { if (link.hash === location.hash) reveal(); });
}
reveal();

for (const button of document.querySelectorAll("button[hidden]")) button.hidden = false;
const on = (id, act) => document.getElementById(id).addEventListener("click", act);
on("open-all", () => folds.forEach((fold) => { fold.open = true; }));
on("close-all", () => folds.forEach((fold) => { fold.open = false; }));

// Printing opens all, but for who asked for a part.
let closed = [];
addEventListener("beforeprint", () => {
  if (document.body.dataset.print) return;
  closed = folds.filter((fold) => !fold.open);
  closed.forEach((fold) => { fold.open = true; });
});
addEventListener("afterprint", () => {
  closed.forEach((fold) => { fold.open = false; });
  closed = [];
  delete document.body.dataset.print;
  for (const fold of folds) delete fold.dataset.print;
});
on("print-open", () => { document.body.dataset.print = "open"; print(); });
for (const button of document.querySelectorAll("button.print")) {
  button.addEventListener("click", () => {
    document.body.dataset.print = "part";
    button.closest("details").dataset.print = "this";
    print();
  });
}

// Tables are sorted by their columns; long ones can be searched.
const LONG = 15;
const places = new Intl.Collator(undefined, { numeric: true });
function sortKey(row, column) {
  const text = row.cells[column].textContent.trim();
  const digits = text.replaceAll(",", "").replace("−", "-").match(/^[+-]?\d+(\.\d+)?/);
  return { text, number: digits ? Number(digits[0]) : NaN };
}
function compare(a, b) {
  if (!Number.isNaN(a.number) && !Number.isNaN(b.number)) return a.number - b.number;
  return Number.isNaN(a.number) - Number.isNaN(b.number) || places.compare(a.text, b.text);
}
function sortable(table) {
  const body = table.tBodies[0];
  for (const head of table.tHead.querySelectorAll("th")) {
    const button = document.createElement("button");
    button.type = "button";
    button.append(...head.childNodes);
    head.append(button);
    button.addEventListener("click", () => {
      const down = head.getAttribute("aria-sort") !== "descending" && head.classList.contains("number")
        || head.getAttribute("aria-sort") === "ascending";
      for (const other of table.tHead.querySelectorAll("th")) other.removeAttribute("aria-sort");
      head.setAttribute("aria-sort", down ? "descending" : "ascending");
      const rows = [...body.rows].map((row) => [sortKey(row, head.cellIndex), row]);
      rows.sort(([a], [b]) => (down ? compare(b, a) : compare(a, b)));
      body.append(...rows.map(([, row]) => row));
    });
  }
}
function searchable(table) {
  const rows = [...table.tBodies[0].rows];
  const field = document.createElement("label");
  const input = document.createElement("input");
  const said = document.createElement("output");
  field.className = "find";
  input.type = "search";
  field.append(`Find among ${rows.length.toLocaleString("en")} lines `, input, said);
  table.parentElement.before(field);
  const texts = rows.map((row) => row.textContent.toLowerCase());
  input.addEventListener("input", () => {
    const words = input.value.toLowerCase().split(/\s+/).filter(Boolean);
    let shown = 0;
    rows.forEach((row, place) => {
      row.hidden = !words.every((word) => texts[place].includes(word));
      shown += !row.hidden;
    });
    said.textContent = words.length ? ` ${shown.toLocaleString("en")} found` : "";
  });
}
for (const table of document.querySelectorAll("table.data")) {
  const rows = table.tBodies[0].rows.length;
  if (rows > 2) sortable(table);
  if (rows > LONG) searchable(table);
}
