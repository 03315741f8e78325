// Figures that are saved as PNG, with their caption and the campaign's title.

const TITLE = 32; // pixels above the figure

// A figure as it stands on the page, its text in the page's colour, on the page's paper.
const png = (svg, name, caption) => {
  const box = svg.viewBox.baseVal;
  const style = getComputedStyle(document.body);
  const still = svg.cloneNode(true);
  still.setAttribute("width", box.width);
  still.setAttribute("height", box.height);
  // Not by the attribute, which the page's policy forbids.
  Object.assign(still.style, { color: style.color, fill: style.color, fontFamily: style.fontFamily, fontSize: "11px" });
  const image = new Image();
  image.onload = () => {
    const canvas = element("canvas", { width: 2 * box.width, height: 2 * (box.height + TITLE) });
    const context = canvas.getContext("2d");
    context.fillStyle = style.backgroundColor;
    context.fillRect(0, 0, canvas.width, canvas.height);
    context.fillStyle = style.color;
    context.font = `22px ${style.fontFamily}`;
    caption.forEach((line, place) => context.fillText(line, 8, 26 * (place + 1), canvas.width - 16));
    context.drawImage(image, 0, 2 * TITLE, 2 * box.width, 2 * box.height);
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
  const titles = [caption, titleOf(figure)];
  button.addEventListener("click", () => png(svg, name, titles.filter(Boolean).map((title) => title.slice(0, 120))));
  figure.append(button);
};

document.querySelectorAll("figure").forEach(addDownloadButton);
