"use strict";
(() => {
  const filter = document.getElementById("filter");
  const removals = document.getElementById("removals");
  const shown = document.getElementById("shown");
  const tabs = [...document.querySelectorAll("[role=tab]")];
  const panels = tabs.map((tab) => document.getElementById(tab.getAttribute("aria-controls")));
  const rows = panels.map((panel) =>
    [...panel.querySelectorAll("article")].map((element) => ({ element, text: null })));
  let current = 0;
  let waiting = 0;

  function apply() {
    const words = filter.value.toLowerCase().split(/\s+/).filter(Boolean);
    let number = 0;
    for (const row of rows[current]) {
      if (words.length && row.text === null) row.text = row.element.textContent.toLowerCase();
      const fits = (!removals.checked || row.element.dataset.takes === "yes")
        && words.every((word) => row.text.includes(word));
      if (row.element.hidden === fits) row.element.hidden = !fits;
      if (fits) number += 1;
    }
    shown.textContent = `${number} of ${rows[current].length}`;
    panels[current].querySelector(".nothing").hidden = number > 0;
  }

  function select(index, focus) {
    current = index;
    tabs.forEach((tab, at) => {
      tab.setAttribute("aria-selected", String(at === index));
      tab.tabIndex = at === index ? 0 : -1;
      panels[at].hidden = at !== index;
    });
    if (focus) tabs[index].focus();
    apply();
  }

  tabs.forEach((tab, at) => {
    tab.addEventListener("click", () => select(at, false));
    tab.addEventListener("keydown", (event) => {
      if (event.key === "ArrowRight" || event.key === "ArrowLeft") {
        event.preventDefault();
        select((at + 1) % tabs.length, true);
      }
    });
  });
  filter.addEventListener("input", () => {
    clearTimeout(waiting);
    waiting = setTimeout(apply, 80);
  });
  removals.addEventListener("change", apply);
  document.addEventListener("keydown", (event) => {
    if (event.key === "/" && document.activeElement !== filter) {
      event.preventDefault();
      filter.focus();
      filter.select();
    } else if (event.key === "Escape" && document.activeElement === filter) {
      filter.value = "";
      apply();
    }
  });
  // With the tabs there the lists need no headings; on paper and without a script they do.
  document.querySelectorAll("main h2").forEach((heading) => { heading.hidden = true; });
  document.querySelector(".tools").hidden = false;
  select(0, false);
})();
