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
const oneLine = (words) => words.replace(/[\s\u0000-\u001f\u0085]+/g, " ").trim();
const text = (cell) => (cell ? oneLine(cell.innerText) : "");

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

const isSeen = (row) => !row.hidden && !row.classList.contains("filtered-out");

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
    if (heading) heading.hidden = [...body.rows].every((row) => row === heading || !isSeen(row));
    shown += [...body.rows].filter((row) => isSeen(row) && row !== heading).length;
  }
  said.textContent = words.length ? `${shown} of ${rows.length} rows` : "";
};

// Rows of text as they are seen; a cell that spans several columns is followed by empty ones.
const seen = (table) =>
  [...table.rows]
    .filter(isSeen)
    .map((row) => [...row.cells].flatMap((cell) => [text(cell), ...Array(cell.colSpan - 1).fill("")]));

const markdown = (rows) => {
  const line = (cells) => `| ${cells.map((cell) => cell.replace(/\|/g, "\\|")).join(" | ")} |`;
  return [line(rows[0]), line(rows[0].map(() => "---")), ...rows.slice(1).map(line)].join("\n") + "\n";
};

const csv = (rows) =>
  rows.map((cells) => cells.map((cell) => `"${String(cell ?? "").replace(/"/g, '""')}"`).join(",")).join("\r\n") + "\r\n";

// What is pasted elsewhere says what it is of.
const heading = (table) => {
  const title = table.closest("article")?.querySelector("h2");
  return title ? `${oneLine(title.innerText)}\n\n` : "";
};
const data = (table) => (table.dataset.rows ? JSON.parse(table.dataset.rows) : seen(table));
const WRITERS = [
  ["Markdown", (table) => heading(table) + markdown(seen(table))],
  ["CSV", (table) => csv(data(table))],
];

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
  for (const [name, write] of WRITERS) {
    const button = element("button", { type: "button", ariaLabel: `Copy ${label} as ${name}` }, `Copy as ${name}`);
    button.addEventListener("click", () => copy(write(table), button));
    tools.append(button);
  }
  table.parentElement.before(tools);
};

// The verdict matrix over another reference, and only some of its rows.
const fill = (cell, kind, word, shown) => {
  cell.className = kind;
  cell.removeAttribute("title");
  const parts = [element("span", { className: "word" }, word)];
  if (shown) parts.push(" ", element("data", { value: shown[2] }, shown[0]), " ", element("span", { className: "interval" }, shown[1]));
  cell.replaceChildren(...parts);
};

const setReference = (cells, verdicts, reference) =>
  cells.forEach(({ cell, column, of }) => {
    if (!of) return; // what was not measured stays as it is
    const [time, ratios] = of;
    if (column === reference) return fill(cell, "reference", "reference", time);
    const ratio = ratios[reference];
    if (!ratio) return fill(cell, "alone", "no ratio", time);
    fill(cell, ...verdicts[ratio[0]], ratio.slice(1));
  });

const select = (name, values, chosen, then) => {
  const made = element("select", { ariaLabel: name }, ...values.map((value, place) => element("option", { value: place, selected: place === chosen }, value)));
  made.addEventListener("change", () => then(Number(made.value)));
  return element("label", {}, `${name} `, made);
};

const makeChoices = (table) => {
  const { contestants, verdicts, rows } = JSON.parse(table.dataset.choices);
  const lines = [...table.querySelectorAll("tr[data-phase]")];
  const cells = lines.flatMap((line, place) =>
    [...line.querySelectorAll("td")].map((cell, column) => ({ cell, column, of: rows[place][column] })),
  );
  const names = table.closest("section").querySelectorAll(".reference-name");
  const tools = element("div", { className: "tools" });
  const own = contestants.indexOf(table.dataset.reference);
  tools.append(
    select("reference", contestants, own, (place) => {
      setReference(cells, verdicts, place);
      names.forEach((name) => (name.textContent = contestants[place]));
    }),
  );
  const wanted = {};
  const show = () => {
    for (const line of lines) {
      const is = { ...line.parentElement.dataset, ...line.dataset };
      line.classList.toggle("filtered-out", Object.entries(wanted).some(([name, value]) => value && is[name] !== value));
    }
    for (const body of table.tBodies) body.classList.toggle("filtered-out", [...body.querySelectorAll("tr[data-phase]")].every((line) => line.classList.contains("filtered-out")));
  };
  for (const name of ["phase", "network", "batch", "precision"]) {
    const values = [...new Set(lines.map((line) => ({ ...line.parentElement.dataset, ...line.dataset })[name]))];
    if (values.length < 2) continue; // nothing to choose
    tools.append(
      select(name, ["all", ...values], 0, (place) => {
        wanted[name] = place ? values[place - 1] : "";
        show();
      }),
    );
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

const addDownloadButton = (figure, number) => {
  const svg = figure.querySelector("svg");
  if (!svg) return;
  // Not innerText, for which the whole page would be laid out again after each button.
  const caption = oneLine(figure.querySelector("figcaption")?.textContent ?? "") || `figure ${number + 1}`;
  const name = caption.replace(/[^\w.-]+/g, "-").slice(0, 80);
  const button = element("button", { type: "button", className: "save", ariaLabel: `Save as PNG: ${caption}` }, "PNG");
  button.addEventListener("click", () => png(svg, name));
  figure.append(button);
};

// A table is given its tools when it is about to be seen: there can be hundreds, most of them closed.
const watcher = new IntersectionObserver((entries) => {
  // A set: what came into view, left and came again since the last time is there twice.
  for (const region of new Set(entries.filter((one) => one.isIntersecting).map((one) => one.target))) {
    watcher.unobserve(region);
    const table = region.querySelector("table");
    makeTools(table);
    if (table.dataset.choices) makeChoices(table);
    else makeSortable(table);
  }
});
for (const region of document.querySelectorAll(".scroll")) if (region.querySelector("table thead")) watcher.observe(region);
document.querySelectorAll("figure").forEach(addDownloadButton);

// The links to the sections mark the one that is read.
const links = new Map([...document.querySelectorAll(".sections a")].map((link) => [link.hash.slice(1), link]));
const reading = new IntersectionObserver(
  (entries) => {
    for (const { target, isIntersecting } of entries) {
      if (isIntersecting) links.get(target.id).setAttribute("aria-current", "true");
      else links.get(target.id).removeAttribute("aria-current");
    }
  },
  { rootMargin: "-10% 0px -75% 0px" },
);
for (const id of links.keys()) reading.observe(document.getElementById(id));
