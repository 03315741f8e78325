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
