// Menus for the whole page: the networks and phases that are shown, and the reference that times are compared with.

const articles = [...document.querySelectorAll("article[data-menu]")].map((article) => ({ article, ...JSON.parse(article.dataset.menu) }));
const FILTERS = ["network", "phase", "batch", "precision"];
const REFERENCE = "reference";

const isChosen = (facts) => FILTERS.every((name) => !address.get(name) || !(name in facts) || facts[name] === address.get(name));

const showChosen = () => {
  for (const { article, parts } of articles) {
    for (const row of article.querySelectorAll("tr[data-phase], tr[data-column]")) {
      const { part } = row.closest("[data-part]").dataset;
      const { phase } = row.dataset;
      row.classList.toggle("filtered-out", !isChosen({ ...parts[part], ...(phase && { phase }) }));
    }
    for (const figure of article.querySelectorAll("figure[data-part]")) figure.classList.toggle("filtered-out", !isChosen(parts[figure.dataset.part]));
    for (const body of article.querySelectorAll("tbody:has(> tr.group)")) {
      const rows = [...body.rows].filter((row) => !row.classList.contains("group"));
      body.classList.toggle("filtered-out", rows.length > 0 && rows.every((row) => row.classList.contains("filtered-out")));
    }
  }
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

// The results at the top: times and flags stay, ratios change.
const fillResults = (cells, row, verdicts, reference) =>
  cells.forEach((cell, column) => {
    if (!row[column]) return;
    cell.querySelector("data")?.remove();
    cell.removeAttribute("title");
    const ratio = row[column][1][reference];
    cell.className = column === reference ? "reference" : "alone";
    if (column === reference || !ratio) return;
    const [kind, word] = verdicts[ratio[0]];
    cell.className = kind;
    cell.title = `${word.slice(2)}, ${ratio[2]}`;
    cell.querySelector(".time").after(" ", element("data", { value: ratio[3] }, `${word[0]} ${ratio[3].toFixed(2)}`));
  });

const setReference = ({ article, contestants, reference }, wanted) => {
  const matrix = article.querySelector("table.matrix");
  const results = article.querySelector("table.results");
  const place = contestants.includes(wanted) ? contestants.indexOf(wanted) : contestants.indexOf(reference);
  if (!matrix || place < 0) return;
  const { verdicts, rows } = JSON.parse(matrix.dataset.choices);
  const found = new Map();
  [...matrix.querySelectorAll("tr[data-phase]")].forEach((line, number) => {
    found.set(`${line.parentElement.dataset.part} ${line.dataset.phase}`, rows[number]);
    fillMatrix([...line.querySelectorAll("td")], rows[number], verdicts, place);
  });
  for (const line of results?.querySelectorAll("tr[data-phase]") ?? []) {
    fillResults([...line.querySelectorAll("td[data-contestant]")], found.get(`${line.dataset.part} ${line.dataset.phase}`), verdicts, place);
  }
  results?.querySelectorAll("thead th small").forEach((mark) => mark.remove());
  results?.tHead.rows[0].cells[place + 1].append(" ", element("small", {}, "reference"));
  for (const name of article.querySelectorAll(".reference-name")) name.textContent = short(contestants[place]);
  for (const note of article.querySelectorAll(".own-reference")) note.hidden = contestants[place] === reference;
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

const makeMenus = () => {
  const bar = element("div", { className: "menus", role: "group", ariaLabel: "What the page shows" });
  for (const name of FILTERS) {
    const values = valuesOf(name);
    if (values.length < 2) continue; // nothing to choose
    const options = [["", "all"], ...values.map((value) => [value, value])];
    bar.append(
      select(name, options, address.get(name) ?? "", (value) => {
        keep(name, value);
        showChosen();
      }),
    );
  }
  const contestants = [...new Set(articles.flatMap((one) => one.contestants))];
  if (contestants.length > 1) {
    const own = articles[0].reference;
    bar.append(
      select(REFERENCE, contestants.map((one) => [one, one]), address.get(REFERENCE) ?? own, (value) => {
        keep(REFERENCE, value === own ? "" : value);
        changeReference(value);
      }),
    );
  }
  if (bar.children.length) document.querySelector("main").prepend(bar);
  if (FILTERS.some((name) => address.get(name))) showChosen();
  if (address.get(REFERENCE)) changeReference(address.get(REFERENCE));
};

if (articles.length) makeMenus();
