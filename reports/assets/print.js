// On paper nothing can be unfolded: what is marked for it is printed open.
const unfolded = [];
addEventListener("beforeprint", () => {
  for (const details of document.querySelectorAll("details[data-print]:not([open])")) {
    details.open = true;
    unfolded.push(details);
  }
});
addEventListener("afterprint", () => unfolded.splice(0).forEach((details) => (details.open = false)));
