// What is known about a workload: a panel beside the page, filled from the page's tables.

const CASE = "case";
const WITH = "with";
const COVERS = 0.75; // of the window's width: from there on, the page is not seen beside the panel

// As reports.format.commands.reproduce.
const quoted = (node) => (/["$`\\!\n]/.test(node) ? `'${node.replaceAll("'", `'"'"'`)}'` : `"${node}"`);
const command = (menu, part, phase, contestants) => {
  const nodes = contestants.map((one) => quoted(`bench/test_cases.py::test_case[${menu.parts[part].id}-${phase}-${one}]`));
  return `python -m bench run ${nodes.join(" ")}${menu.options}`;
};

// [name, cell of each contestant] of every column of a table that says something about the workload.
const linesOf = (table, part, phase, places) => {
  const body = [...table.tBodies].find((one) => one.dataset.part === part);
  const rows = places.map((place) =>
    [...(body?.rows ?? [])].find(({ dataset }) => dataset.column === String(place) && (dataset.phase ?? phase) === phase),
  );
  const used = new Set(); // a cell that spans several columns is shown once
  const shown = (row, from, to) => {
    const cells = row ? [...new Set(columns(row).slice(from, to))].filter((cell) => !used.has(cell)) : [];
    cells.forEach((cell) => used.add(cell));
    return cells.map((cell) => oneLine(cell.textContent));
  };
  const lines = [];
  let column = 0;
  for (const header of table.tHead.rows[0].cells) {
    const from = column;
    column += header.colSpan;
    const label = rows.some((row) => row && columns(row)[from]?.tagName === "TH");
    if (label || "ratio" in header.dataset || (header.dataset.phase ?? phase) !== phase) continue;
    const name = [...header.querySelectorAll("small")].reduce((name, { textContent }) => (/interval/.test(textContent) ? name.replace(textContent, "") : name), header.textContent);
    lines.push([oneLine(name), rows.map((row) => shown(row, from, column))]);
  }
  return lines.filter(([, cells]) => cells.some(([value]) => value && value !== "—"));
};

const cellOf = ([value, ...rest]) => element("td", {}, value ?? "–", ...(rest.length ? [" ", element("span", { className: "interval" }, rest.join(" "))] : []));

// Ratios to the reference that is chosen; with none chosen, the table's own.
const ratioLines = (menu, part, phase, places) => {
  const { found, verdicts } = verdictsOf(menu);
  const to = menu.contestants.indexOf(menu.current || menu.reference);
  const row = found?.get(`${part} ${phase}`) ?? [];
  const ratios = places.map((place) => (place === to ? null : row[place]?.[1][to]));
  if (!ratios.some(Boolean)) return [];
  return [
    [`ratio to ${short(menu.contestants[to])}`, ratios.map((ratio) => (ratio ? [ratio[1], ratio[2]] : []))],
    ["verdict", ratios.map((ratio) => (ratio ? [verdicts[ratio[0]][1]] : []))],
  ];
};

// A contestant's name, which may go on in a new line after its colon.
const broken = (name) => short(name).split(/(?<=:)/).flatMap((part, number) => (number ? [element("wbr"), part] : [part]));

const tableOf = (menu, part, phase, places) => {
  const head = element("tr", {}, element("td", {}), ...places.map((place) => element("th", { scope: "col" }, ...broken(menu.contestants[place]), element("small", {}, short(menu.versions[place])))));
  const tables = [...menu.article.querySelectorAll("table[data-detail]")];
  const sections = tables.map((table) => [oneLine(table.closest("section").querySelector("h3").textContent), linesOf(table, part, phase, places)]);
  const bodies = [["Ratios", ratioLines(menu, part, phase, places)], ...sections].map(([title, lines]) => {
    const heading = element("tr", { className: "group" }, element("th", { colSpan: places.length + 1 }, title));
    const rows = lines.map(([name, cells]) => element("tr", {}, element("th", { scope: "row" }, name), ...cells.map(cellOf)));
    return lines.length ? element("tbody", {}, heading, ...rows) : "";
  });
  return element("table", {}, element("thead", {}, head), ...bodies);
};

// [what is pressed, the command that it copies]: the numbers stand between them.
const repeatOf = (menu, part, phase, places, chosen) => {
  const names = places.map((place) => menu.contestants[place]);
  const reference = referenceOf(menu);
  const code = element("code", {}, command(menu, part, phase, chosen ? [reference, chosen].filter((name) => names.includes(name)) : names));
  const pairs = names.filter((name) => name !== reference).map((name) => [name, names.includes(reference) ? `${short(name)} and ${short(reference)}` : short(name)]);
  const choice = select("measure again", [["", "all contestants"], ...pairs], chosen, (name) => {
    openPanel(menu, part, phase, name);
    panel.querySelector("select").focus();
  });
  const buttons = [button("Copy command", (made) => copy(code.textContent, made)), button("Copy link", (made) => copy(location.href, made))];
  const expected = "This command measures them again. On the same machine, with the same versions, it should give similar values, with intervals that overlap these.";
  return [element("div", { className: "tools" }, choice, ...buttons), element("div", { className: "repeat" }, element("p", {}, expected), code)];
};

const referenceOf = (menu) => menu.current || menu.reference;

const panel = element("dialog", { className: "detail" });
let opener = null;

const closePanel = () => {
  panel.close();
  keep(CASE, "");
  keep(WITH, "");
  opener?.focus();
};

// The address names the campaign, too, where the page has several.
const caseName = ({ article, parts }, part, phase) => `${articles.length > 1 ? `${article.id}:` : ""}${parts[part].id}-${phase}`;

const openPanel = (menu, part, phase, wanted = "") => {
  const rows = menu.article.querySelectorAll(`table.cases tbody[data-part="${part}"] tr[data-phase]`);
  const places = [...rows].filter((row) => row.dataset.phase === phase).map((row) => Number(row.dataset.column));
  const names = places.map((place) => menu.contestants[place]);
  const chosen = names.includes(wanted) && wanted !== referenceOf(menu) ? wanted : "";
  const { network, conditions } = menu.parts[part];
  const title = element("h2", { id: "detail-title" }, short(network), element("small", {}, `${conditions}, ${phase}`));
  const figures = element("a", { href: `#${part}` }, "Figures of this network");
  // On a narrow screen the panel would hide where the link leads.
  figures.addEventListener("click", () => {
    if (panel.offsetWidth > COVERS * window.innerWidth) closePanel();
  });
  const table = element("div", { className: "scroll", role: "region", ariaLabel: "Details", tabIndex: 0 }, tableOf(menu, part, phase, chosen ? places.filter((place) => [referenceOf(menu), chosen].includes(menu.contestants[place])) : places));
  const close = button("Close", closePanel);
  const [tools, told] = repeatOf(menu, part, phase, places, chosen);
  panel.replaceChildren(close, title, tools, table, told, figures);
  panel.setAttribute("aria-labelledby", "detail-title");
  if (!panel.open) panel.show();
  keep(CASE, caseName(menu, part, phase));
  keep(WITH, chosen);
  close.focus();
};

const workloadAt = (target) => {
  const row = target.closest("tr[data-phase]");
  const menu = row && articles.find(({ article }) => article.contains(row));
  return menu && { menu, row, part: row.closest("[data-part]").dataset.part, phase: row.dataset.phase };
};

document.addEventListener("click", (event) => {
  const link = event.target.closest("a.workload");
  const cell = event.target.closest(".results td[data-contestant], .matrix td");
  if ((!link && (!cell || event.target.closest("a"))) || event.ctrlKey || event.metaKey) return;
  const found = workloadAt(event.target);
  if (!found) return;
  event.preventDefault();
  opener = found.row.querySelector("a");
  const name = cell && found.menu.contestants[[...found.row.querySelectorAll("td")].indexOf(cell)];
  openPanel(found.menu, found.part, found.phase, name || "");
});
document.addEventListener("keydown", (event) => {
  if (event.key === "Escape" && panel.open) closePanel();
});

const openAddressed = () => {
  for (const menu of articles)
    for (const row of menu.article.querySelectorAll("table.cases tr[data-phase]")) {
      const { part } = row.closest("[data-part]").dataset;
      if (caseName(menu, part, row.dataset.phase) !== address.get(CASE)) continue;
      opener = menu.article.querySelector(`.matrix tbody[data-part="${part}"] tr[data-phase="${CSS.escape(row.dataset.phase)}"] a`);
      return openPanel(menu, part, row.dataset.phase, address.get(WITH) ?? "");
    }
};

if (articles.length) {
  document.body.append(panel);
  openAddressed();
}
