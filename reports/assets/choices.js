// Menus for the whole page: the networks and phases whose rows and figures are shown, and the reference of ratios.

const articles = [...document.querySelectorAll("article[data-menu]")].map((article) => ({ article, ...JSON.parse(article.dataset.menu) }));
const FILTERS = ["network", "phase", "batch", "precision"];
const REFERENCE = "reference";

const isChosen = (facts) => FILTERS.every((name) => !address.get(name) || !(name in facts) || facts[name] === address.get(name));

const shownNote = element("p", { className: "shown-note" });

const showChosen = () => {
  for (const { article, parts } of articles) {
    for (const row of article.querySelectorAll("[data-part] > tr:not(.group), tr[data-part]")) {
      const { part } = row.closest("[data-part]").dataset;
      const { phase } = row.dataset;
      row.classList.toggle("filtered-out", !isChosen({ ...parts[part], ...(phase && { phase }) }));
    }
    const isDrawn = ({ part, phase }) => isChosen({ ...parts[part], ...(phase && { phase }) });
    for (const figure of article.querySelectorAll("figure[data-part], figure[data-phase]")) figure.classList.toggle("filtered-out", !isDrawn(figure.dataset));
    for (const drawn of article.querySelectorAll("svg [data-part], svg [data-phase]")) drawn.classList.toggle("faded", !isDrawn(drawn.dataset));
    article.querySelectorAll("tbody:has(> tr.group)").forEach(hideHeading);
  }
  tellShown();
};

const words = (choice) => choice.map((name) => `${name} ${short(address.get(name))}`).join(", ");
const chosen = () => FILTERS.filter((name) => address.get(name));

// What is chosen, how many workloads that leaves, and the way back.
const tellShown = () => {
  shownNote.replaceChildren();
  if (!chosen().length) return;
  const lines = [...document.querySelectorAll(".matrix tr[data-phase]")];
  const left = lines.filter((line) => !line.classList.contains("filtered-out")).length;
  const found = left ? `${left} of ${lines.length} workloads` : "Nothing found: no workload is of all of these";
  const faded = "In figures of several networks and phases the others are faded; curves over sizes, batches and launches show all.";
  shownNote.append(`${found} (${words(chosen())}). ${left ? faded : ""} `, button("Show all", showAll));
  announced.textContent = found;
};

const showAll = () => {
  const menus = chosen().map((name) => document.querySelector(`.menus select[aria-label="${name}"]`));
  chosen().forEach((name) => keep(name, ""));
  for (const menu of menus) menu.value = "";
  showChosen();
  menus[0].focus();
};

// The verdicts of an article, read when they are first needed: [class, word] of each, and the cells of each workload.
const verdictsOf = (menu) => {
  const matrix = menu.article.querySelector("table.matrix");
  if (!menu.found && matrix) {
    const { verdicts, rows } = JSON.parse(matrix.dataset.choices);
    const lines = [...matrix.querySelectorAll("tr[data-phase]")];
    menu.verdicts = verdicts;
    menu.found = new Map(lines.map((line, number) => [`${line.parentElement.dataset.part} ${line.dataset.phase}`, rows[number]]));
  }
  return menu;
};

const fill = (cell, kind, word, shown) => {
  cell.className = kind;
  cell.removeAttribute("title");
  const parts = [element("span", { className: "word" }, word)];
  if (shown) parts.push(" ", element("data", { value: shown[2] }, shown[0]), " ", element("span", { className: "interval" }, shown[1]));
  cell.replaceChildren(...parts);
};

// The matrix of verdicts.
const fillMatrix = (cells, row, verdicts, reference) =>
  cells.forEach((cell, column) => {
    if (!row[column]) return; // what was not measured stays as it is
    const [time, ratios] = row[column];
    if (column === reference) return fill(cell, "reference", "reference", time);
    const ratio = ratios[reference];
    if (!ratio) return fill(cell, "alone", "no ratio", time);
    fill(cell, ...verdicts[ratio[0]], ratio.slice(1));
  });

// As reports.format.numbers.ratio.
const brief = (ratio) => (ratio >= 0.1 ? ratio.toFixed(2) : String(Number(ratio.toPrecision(2))));

// How sure a bounded ratio is, as reports.rows.answer: " (9 %)" of "≈ within 9 %".
const bound = (word) => (word.startsWith("≈") ? ` (${word.match(/\d+ %/)[0]})` : "");

// The results at the top: times stay, ratios change.
const fillResults = (cells, row, verdicts, reference) =>
  cells.forEach((cell, column) => {
    if (!row[column]) return;
    const ratio = row[column][1][reference];
    const time = cell.querySelector(".time");
    const [kind, word] = ratio ? verdicts[ratio[0]] : ["alone"];
    cell.className = column === reference ? "reference" : kind;
    cell.removeAttribute("title");
    cell.replaceChildren(time);
    if (column === reference || !ratio) return;
    cell.title = `${word.slice(2)}, ${ratio[2]}`;
    cell.append(" ", element("data", { value: ratio[3] }, `${word[0]} ${brief(ratio[3])}${bound(word)}`));
  });

// As the page was written: to each workload's own reference.
const restore = (menu) => menu.written?.forEach(({ cell, kind, title, nodes }) => {
  cell.className = kind;
  if (title === null) cell.removeAttribute("title");
  else cell.title = title;
  cell.replaceChildren(...nodes.map((node) => node.cloneNode(true)));
});

const remember = (menu, cells) => {
  menu.written ??= cells.map((cell) => ({ cell, kind: cell.className, title: cell.getAttribute("title"), nodes: [...cell.childNodes].map((node) => node.cloneNode(true)) }));
};

const setReference = (menu, wanted) => {
  const { article, contestants } = menu;
  const place = contestants.indexOf(wanted);
  const matrix = [...article.querySelectorAll(".matrix tr[data-phase]")];
  const results = [...article.querySelectorAll(".results tr[data-phase]")];
  const heads = [...article.querySelectorAll(".results thead th")];
  remember(menu, [...matrix, ...results].flatMap((line) => [...line.querySelectorAll("td")]).concat(heads));
  restore(menu);
  menu.current = place < 0 ? "" : wanted;
  if (menu.current) {
    const { verdicts, found } = verdictsOf(menu);
    for (const line of matrix) fillMatrix([...line.querySelectorAll("td")], found.get(`${line.parentElement.dataset.part} ${line.dataset.phase}`), verdicts, place);
    for (const line of results) fillResults([...line.querySelectorAll("td[data-contestant]")], found.get(`${line.dataset.part} ${line.dataset.phase}`), verdicts, place);
    heads.forEach((head) => head.querySelector("small")?.remove());
    heads[place + 1]?.append(" ", element("small", {}, "reference"));
  }
  const name = menu.current || menu.reference;
  for (const one of article.querySelectorAll(".reference-name")) one.textContent = short(name || "no reference");
  for (const note of article.querySelectorAll(".own-reference")) note.hidden = name === menu.reference;
};

const select = (name, values, chosen, then) => {
  const options = values.map(([value, label]) => element("option", { value, selected: value === chosen }, short(label)));
  const made = element("select", { ariaLabel: name }, ...options);
  made.addEventListener("change", () => then(made.value));
  return element("label", {}, `${name} `, made);
};

const valuesOf = (name) => {
  const phases = () => [...document.querySelectorAll("tr[data-phase]")].map((row) => row.dataset.phase);
  const facts = name === "phase" ? phases() : articles.flatMap(({ parts }) => Object.values(parts).map((part) => part[name]));
  return [...new Set(facts)];
};

const changeReference = (wanted) => articles.forEach((one) => setReference(one, wanted));

const filterMenu = (name) => {
  const values = valuesOf(name);
  if (address.get(name) && !values.includes(address.get(name))) keep(name, ""); // of a page that was written anew
  if (values.length < 2) return ""; // nothing to choose
  return select(name, [["", "all"], ...values.map((value) => [value, value])], address.get(name) ?? "", (value) => {
    keep(name, value);
    showChosen();
  });
};

const referenceMenu = () => {
  const contestants = [...new Set(articles.flatMap((one) => one.contestants))];
  if (!contestants.includes(address.get(REFERENCE))) keep(REFERENCE, "");
  if (contestants.length < 2) return "";
  const own = [...new Set(articles.map((one) => one.reference))];
  const first = ["", own.length === 1 && own[0] ? own[0] : "each campaign's own"];
  const others = contestants.filter((one) => one !== first[1]).map((one) => [one, one]);
  return select(REFERENCE, [first, ...others], address.get(REFERENCE) ?? "", (value) => {
    keep(REFERENCE, value);
    changeReference(value);
  });
};

const makeMenus = () => {
  const bar = menuBar("Networks, phases and reference that the page shows", ...FILTERS.map(filterMenu), referenceMenu());
  bar.after(shownNote);
  if (FILTERS.some((name) => address.get(name))) showChosen();
  if (address.get(REFERENCE)) changeReference(address.get(REFERENCE));
};

if (articles.length) makeMenus();
else menuBar("Sections of the page");
