// Tables that sort, filter and are copied.

const FEWEST = 6; // rows from which a table is worth a filter

// What a cell is sorted by: its exact number, the number that it begins with, or its text.
const key = (cell) => {
  const exact = cell && cell.querySelector("data");
  const number = parseFloat(exact ? exact.value : text(cell).replace(/,/g, ""));
  return Number.isNaN(number) ? text(cell) : number;
};

const compare = (one, other) => {
  const numbers = [one, other].map((value) => typeof value === "number");
  if (numbers[0] !== numbers[1]) return numbers[0] ? -1 : 1; // what has no number comes last, either way round
  return numbers[0] ? one - other : one.localeCompare(other);
};

const sort = (table, header, column) => {
  const down = header.getAttribute("aria-sort") === "ascending";
  for (const other of table.querySelectorAll("thead th")) other.removeAttribute("aria-sort");
  header.setAttribute("aria-sort", down ? "descending" : "ascending");
  for (const body of table.tBodies) {
    const keyed = [...body.rows].filter((row) => !row.matches(".group, .total")).map((row, place) => ({ row, place, key: key(columns(row)[column]) }));
    keyed.sort((a, b) => {
      const mixed = typeof a.key !== typeof b.key;
      return compare(a.key, b.key) * (down && !mixed ? -1 : 1) || a.place - b.place;
    });
    body.append(...keyed.map((entry) => entry.row), ...body.querySelectorAll(".total"));
  }
};

const makeSortable = (table) => {
  const headers = table.tHead.rows[0].cells;
  let column = 0;
  for (const header of headers) {
    const at = column;
    const button = element("button", { type: "button", className: "sort" }, ...header.childNodes);
    button.addEventListener("click", () => sort(table, header, at));
    header.append(button);
    column += header.colSpan;
  }
};

const isSeen = (row) => !row.hidden && !row.classList.contains("filtered-out");

// A heading without a row to be seen is not seen either, whether menus or the text filter hide them.
const hideHeading = (body) => {
  const rows = [...body.rows].filter((row) => !row.classList.contains("group"));
  for (const heading of body.querySelectorAll("tr.group")) heading.hidden = rows.length > 0 && !rows.some(isSeen);
};

// `said` has the number of rows that are left, and the way back.
const filter = (table, search, said) => {
  const rows = [...table.tBodies].flatMap((body) => [...body.rows]).filter((row) => !row.classList.contains("group"));
  const words = search.value.toLowerCase().split(/\s+/).filter(Boolean);
  let shown = 0;
  for (const body of table.tBodies) {
    const heading = body.querySelector("tr.group");
    const own = heading ? text(heading) : "";
    for (const row of body.rows) {
      const found = `${own} ${text(row)}`.toLowerCase();
      row.hidden = row !== heading && !words.every((word) => found.includes(word));
    }
    hideHeading(body);
    shown += [...body.rows].filter((row) => isSeen(row) && row !== heading).length;
  }
  said.replaceChildren();
  if (!words.length) return;
  const reset = button("Show all", () => {
    search.value = "";
    filter(table, search, said);
    search.focus();
  });
  said.append(shown ? `${shown} of ${rows.length} rows ` : "Nothing found ", reset);
};

// The text of a cell, with the whole of what is cut in it.
const whole = (cell) =>
  [...cell.querySelectorAll("span[title]")].reduce((said, cut) => said.replace(text(cut), () => oneLine(cut.title)), text(cell));

// Rows of text as they are seen; a cell that spans several columns is followed by empty ones.
const seen = (table) =>
  [...table.rows]
    .filter(isSeen)
    .map((row) => [...row.cells].flatMap((cell) => [whole(cell), ...Array(cell.colSpan - 1).fill("")]));

const markdown = (rows) => {
  const line = (cells) => `| ${cells.map((cell) => cell.replace(/\|/g, "\\|")).join(" | ")} |`;
  return [line(rows[0]), line(rows[0].map(() => "---")), ...rows.slice(1).map(line)].join("\n");
};

// A spreadsheet would compute a text that begins like a formula.
const unlikeFormula = (cell) => (typeof cell === "string" && /^[=+\-@]/.test(cell) ? `'${cell}` : String(cell));

const csv = (rows) =>
  rows.map((cells) => cells.map((cell) => `"${unlikeFormula(cell ?? "").replace(/"/g, '""')}"`).join(",")).join("\r\n") + "\r\n";

// What is pasted elsewhere says what it is of.
const titleOf = (part) => oneLine((part.closest("article")?.querySelector("h1, h2") ?? document.querySelector("h1"))?.textContent ?? "");

// Title with campaign, machine and date; the reference of ratios and what menus hide; the key of signs.
const withContext = (table, text) => {
  const article = table.closest("article");
  const menu = articles.find((one) => one.article === article);
  const isJudged = table.matches(".results, .matrix, .cases");
  const reference = table.matches(".cases") ? menu?.reference : menu && referenceOf(menu);
  const facts = [isJudged && reference && `Reference: ${reference}.`, menu && chosen().length && `Shown: ${words(chosen())}.`];
  const signs = isJudged && article?.querySelector(".signs");
  return [titleOf(table), facts.filter(Boolean).join(" "), text, signs && oneLine(signs.textContent)].filter(Boolean).join("\n\n") + "\n";
};
const data = (table) => (table.dataset.rows ? JSON.parse(table.dataset.rows) : seen(table));
const WRITERS = [
  ["Markdown", (table) => withContext(table, markdown(seen(table)))],
  ["CSV", (table) => csv(data(table))],
];

const makeTools = (table) => {
  const label = table.parentElement.getAttribute("aria-label") || "this table";
  const tools = element("div", { className: "tools" });
  const rows = [...table.tBodies].reduce((sum, body) => sum + body.rows.length, 0);
  if (rows >= FEWEST) {
    const said = element("output", {});
    const search = element("input", { type: "search", placeholder: "filter rows", ariaLabel: `Filter ${label}` });
    search.addEventListener("input", () => filter(table, search, said));
    tools.append(search, said);
  }
  for (const [name, write] of WRITERS) {
    const button = element("button", { type: "button", ariaLabel: `Copy ${label} as ${name}` }, `Copy as ${name}`);
    button.addEventListener("click", () => copy(write(table), button));
    tools.append(button);
  }
  table.parentElement.before(tools);
};

const equip = (table) => {
  makeTools(table);
  // Cells of these have a time and a ratio.
  if (!table.dataset.choices && !table.classList.contains("results")) makeSortable(table);
};

// A table is given its tools before it is seen: there can be hundreds, most of them closed.
const watcher = new IntersectionObserver(
  (entries) => {
    // A set: what came near, left and came again since the last time is there twice.
    for (const region of new Set(entries.filter((one) => one.isIntersecting).map((one) => one.target))) {
      watcher.unobserve(region);
      equip(region.querySelector("table"));
    }
  },
  { rootMargin: "100%" },
);
// The results are read first: tools that come later would move them under the pointer.
for (const region of document.querySelectorAll(".scroll")) {
  const table = region.querySelector("table");
  if (table?.classList.contains("results")) equip(table);
  else if (table?.tHead) watcher.observe(region);
}
