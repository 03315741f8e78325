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

// Opens all that is folded, and closes it again; null where nothing is.
const foldButton = () => {
  const folds = [...document.querySelectorAll("main details")];
  const unfolded = folds.filter((fold) => fold.open);
  let open = false;
  const toggle = (made) => {
    open = !open;
    for (const fold of folds) fold.open = open || unfolded.includes(fold);
    made.textContent = open ? "Close all" : "Open all";
  };
  return folds.length > unfolded.length ? button("Open all", toggle) : null;
};

// A bar that stays in view: the menu of sections, and on some pages others.
const menuBar = (label, ...menus) => {
  const folds = foldButton();
  const bar = element("div", { className: "menus", role: "group", ariaLabel: label });
  bar.append(...(links.size ? [sectionMenu()] : []), ...menus, ...(folds ? [folds] : []));
  if (!bar.children.length) return bar;
  document.querySelector("main").prepend(bar);
  // What a link leads to lands below the bar, which wraps on narrow screens.
  const parts = [bar, bar.firstElementChild]; // on a phone, only the first of its menus stays
  const noteHeight = () => document.documentElement.style.setProperty("--menus", `${Math.max(...parts.map((part) => part.offsetHeight))}px`);
  const sizes = new ResizeObserver(noteHeight);
  for (const part of parts) sizes.observe(part);
  return bar;
};
