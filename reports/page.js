// What the page can do beyond being read: tables that sort, filter and are copied, figures that are saved as PNG.
// Without it everything is still there to be read.
"use strict";

const FEWEST = 6; // rows from which a table is worth a filter

const element = (name, properties, ...children) => {
  const made = Object.assign(document.createElement(name), properties);
  made.append(...children);
  return made;
};

// The cells of a row by column, a cell that spans several standing in each of them.
const columns = (row) => [...row.cells].flatMap((cell) => Array(cell.colSpan).fill(cell));
const text = (cell) => (cell ? cell.innerText.replace(/[\s\u0000-\u001f\u0085]+/g, " ").trim() : "");

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
    const keyed = [...body.rows].map((row, place) => ({ row, place, key: key(columns(row)[column]) }));
    keyed.sort((a, b) => {
      const mixed = typeof a.key !== typeof b.key;
      return compare(a.key, b.key) * (down && !mixed ? -1 : 1) || a.place - b.place;
    });
    body.append(...keyed.map((entry) => entry.row));
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

const filter = (table, wanted, said) => {
  const rows = [...table.tBodies].flatMap((body) => [...body.rows]);
  const words = wanted.toLowerCase().split(/\s+/).filter(Boolean);
  let shown = 0;
  for (const body of table.tBodies) {
    const heading = body.querySelector("tr.group");
    const own = heading ? text(heading) : "";
    for (const row of body.rows) {
      const found = `${own} ${text(row)}`.toLowerCase();
      row.hidden = row !== heading && !words.every((word) => found.includes(word));
    }
    if (heading) heading.hidden = [...body.rows].every((row) => row === heading || row.hidden);
    shown += [...body.rows].filter((row) => !row.hidden && row !== heading).length;
  }
  said.textContent = words.length ? `${shown} of ${rows.length} rows` : "";
};

// Rows of text as they are seen; a cell that spans several columns is followed by empty ones.
const seen = (table) =>
  [...table.rows]
    .filter((row) => !row.hidden)
    .map((row) => [...row.cells].flatMap((cell) => [text(cell), ...Array(cell.colSpan - 1).fill("")]));

const markdown = (rows) => {
  const line = (cells) => `| ${cells.map((cell) => cell.replace(/\|/g, "\\|")).join(" | ")} |`;
  return [line(rows[0]), line(rows[0].map(() => "---")), ...rows.slice(1).map(line)].join("\n") + "\n";
};

const csv = (rows) =>
  rows.map((cells) => cells.map((cell) => `"${cell.replace(/"/g, '""')}"`).join(",")).join("\r\n") + "\r\n";

const copy = async (what, button) => {
  const label = button.textContent;
  try {
    await navigator.clipboard.writeText(what);
    button.textContent = "Copied";
  } catch {
    const area = element("textarea", { value: what, className: "copied" });
    button.after(area);
    area.select();
    button.textContent = document.execCommand("copy") ? "Copied" : "Press Ctrl+C";
    if (button.textContent === "Copied") area.remove();
  }
  setTimeout(() => (button.textContent = label), 2000);
};

const makeTools = (table) => {
  const label = table.parentElement.getAttribute("aria-label") || "this table";
  const tools = element("div", { className: "tools" });
  const rows = [...table.tBodies].reduce((sum, body) => sum + body.rows.length, 0);
  if (rows >= FEWEST) {
    const said = element("output", {});
    const search = element("input", { type: "search", placeholder: "filter rows", ariaLabel: `Filter ${label}` });
    search.addEventListener("input", () => filter(table, search.value, said));
    tools.append(search, said);
  }
  for (const [name, write] of [["Markdown", markdown], ["CSV", csv]]) {
    const button = element("button", { type: "button", ariaLabel: `Copy ${label} as ${name}` }, `Copy as ${name}`);
    button.addEventListener("click", () => copy(write(seen(table)), button));
    tools.append(button);
  }
  table.parentElement.before(tools);
};

// A figure as it stands on the page, its text in the page's colour, on the page's paper.
const png = (svg, name) => {
  const box = svg.viewBox.baseVal;
  const style = getComputedStyle(document.body);
  const still = svg.cloneNode(true);
  still.setAttribute("width", box.width);
  still.setAttribute("height", box.height);
  // Not by the attribute, which the page's policy forbids.
  Object.assign(still.style, { color: style.color, fill: style.color, fontFamily: style.fontFamily });
  const image = new Image();
  image.onload = () => {
    const canvas = element("canvas", { width: 2 * box.width, height: 2 * box.height });
    const context = canvas.getContext("2d");
    context.fillStyle = style.backgroundColor;
    context.fillRect(0, 0, canvas.width, canvas.height);
    context.drawImage(image, 0, 0, canvas.width, canvas.height);
    element("a", { href: canvas.toDataURL("image/png"), download: `${name}.png` }).click();
  };
  image.src = `data:image/svg+xml;charset=utf-8,${encodeURIComponent(new XMLSerializer().serializeToString(still))}`;
};

const makeSaved = (figure, number) => {
  const svg = figure.querySelector("svg");
  if (!svg) return;
  const caption = text(figure.querySelector("figcaption")) || `figure ${number + 1}`;
  const name = caption.replace(/[^\w.-]+/g, "-").slice(0, 80);
  const button = element("button", { type: "button", className: "save", ariaLabel: `Save as PNG: ${caption}` }, "PNG");
  button.addEventListener("click", () => png(svg, name));
  figure.append(button);
};

// A table is given its tools when it is about to be seen: there can be hundreds, most of them closed.
const watcher = new IntersectionObserver((entries) => {
  for (const entry of entries.filter((one) => one.isIntersecting)) {
    watcher.unobserve(entry.target);
    const table = entry.target.querySelector("table");
    makeTools(table);
    if (!table.classList.contains("matrix")) makeSortable(table);
  }
});
for (const region of document.querySelectorAll(".scroll")) if (region.querySelector("table thead")) watcher.observe(region);
document.querySelectorAll("figure").forEach(makeSaved);
