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

// On a narrow screen, where the links do not stay beside the page, a menu has them.
const sectionMenu = () => {
  const lists = [...document.querySelectorAll("nav.sections")];
  const groups = lists.map((list) => {
    const options = [...list.querySelectorAll("a")].map((link) => element("option", { value: link.hash }, oneLine(link.textContent)));
    return lists.length > 1 ? [element("optgroup", { label: short(list.getAttribute("aria-label")) }, ...options)] : options;
  });
  const made = element("select", { ariaLabel: "section" }, element("option", { value: "" }, "go to…"), ...groups.flat());
  made.addEventListener("change", () => {
    location.hash = made.value;
    made.value = "";
  });
  return element("label", { className: "go-to" }, "section ", made);
};

// A bar that stays in view: the menu of sections, and on some pages others.
const menuBar = (label, ...menus) => {
  const bar = element("div", { className: "menus", role: "group", ariaLabel: label });
  bar.append(...(links.size ? [sectionMenu()] : []), ...menus);
  if (!bar.children.length) return bar;
  document.querySelector("main").prepend(bar);
  // What a link leads to lands below the bar, which wraps on narrow screens.
  const parts = [bar, bar.firstElementChild]; // on a phone, only the first of its menus stays
  const noteHeight = () => document.documentElement.style.setProperty("--menus", `${Math.max(...parts.map((part) => part.offsetHeight))}px`);
  const sizes = new ResizeObserver(noteHeight);
  for (const part of parts) sizes.observe(part);
  return bar;
};
