// The values of a figure's marks: at the pointer, at a tap, and by arrow keys where a figure has the focus.

const NEAR = 24; // pixels around a mark
const ALONG = 3; // rows are closer to each other than what stands in them

const tip = element("div", { className: "tip", hidden: true });
let pointed = null;

const hideTip = () => {
  tip.hidden = true;
  pointed = null;
};

const showTip = (mark) => {
  pointed = mark;
  tip.textContent = mark.dataset.tip;
  tip.hidden = false;
  const box = mark.getBoundingClientRect();
  tip.style.left = `${Math.max(0, Math.min(box.right + 8, document.documentElement.clientWidth - tip.offsetWidth - 8))}px`;
  tip.style.top = `${box.top > tip.offsetHeight + 8 ? box.top - tip.offsetHeight - 8 : box.bottom + 8}px`;
};

const distance = (mark, { clientX, clientY }) => {
  const box = mark.getBoundingClientRect();
  const across = Math.max(box.left - clientX, 0, clientX - box.right);
  return Math.hypot(across / ALONG, Math.max(box.top - clientY, 0, clientY - box.bottom));
};

const marksOf = (svg) => [...svg.querySelectorAll("[data-tip]")].filter((mark) => !mark.closest(".faded"));

const pointAt = (event) => {
  const svg = event.target.closest?.("svg");
  const near = svg ? marksOf(svg).map((mark) => [distance(mark, event), mark]).sort(([one], [other]) => one - other)[0] : null;
  if (near && near[0] < NEAR) showTip(near[1]);
  else hideTip();
};

const STEPS = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 };

const stepTo = (event) => {
  const svg = event.target.closest?.("svg");
  if (!svg || !(event.key in STEPS)) return;
  const marks = marksOf(svg).sort((one, other) => one.getBoundingClientRect().top - other.getBoundingClientRect().top);
  if (!marks.length) return;
  const place = marks.indexOf(pointed);
  const next = place < 0 ? 0 : (place + STEPS[event.key] + marks.length) % marks.length;
  event.preventDefault();
  showTip(marks[next]);
  announced.textContent = tip.textContent;
};

document.body.append(tip);
for (const svg of document.querySelectorAll("svg:has([data-tip])")) {
  svg.tabIndex = 0;
  svg.setAttribute("aria-label", `${svg.getAttribute("aria-label")}; arrow keys step through the values`);
}
document.addEventListener("pointermove", pointAt);
document.addEventListener("pointerdown", pointAt);
document.addEventListener("keydown", stepTo);
document.addEventListener("focusout", hideTip);
document.addEventListener("keydown", (event) => event.key === "Escape" && hideTip());
addEventListener("scroll", hideTip, { passive: true });
