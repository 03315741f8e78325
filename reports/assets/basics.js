// What the page can do beyond being read. Without it everything is still there to be read.
"use strict";

const element = (name, properties, ...children) => {
  const made = Object.assign(document.createElement(name), properties);
  made.append(...children);
  return made;
};

const button = (label, then) => {
  const made = element("button", { type: "button" }, label);
  made.addEventListener("click", () => then(made));
  return made;
};

// The cells of a row by column, a cell that spans several standing in each of them.
const columns = (row) => [...row.cells].flatMap((cell) => Array(cell.colSpan).fill(cell));
const oneLine = (words) => words.replace(/[\s\u0000-\u001f\u0085]+/g, " ").trim();
const text = (cell) => (cell ? oneLine(cell.innerText) : "");
const short = (name) => (name.length > 40 ? `${name.slice(0, 40)}…` : name);

const announced = element("output", { className: "announced" });
document.body.append(announced);

const copy = async (what, button) => {
  button.dataset.label ??= button.textContent;
  try {
    await navigator.clipboard.writeText(what);
    button.textContent = "Copied";
  } catch {
    const area = element("textarea", { value: what });
    button.after(area);
    area.select();
    button.textContent = document.execCommand("copy") ? "Copied" : "Press Ctrl+C";
    if (button.textContent === "Copied") {
      area.remove();
      button.focus();
    }
  }
  announced.textContent = button.textContent;
  setTimeout(() => (button.textContent = button.dataset.label), 2000);
};

// The query of the address keeps what is chosen, so that a link shows the same.
const address = new URLSearchParams(location.search);
const keep = (name, value) => {
  if (value) address.set(name, value);
  else address.delete(name);
  const query = address.toString();
  history.replaceState(null, "", `${location.pathname}${query && `?${query}`}${location.hash}`);
};
