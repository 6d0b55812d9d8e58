"use strict";
(() => {
  const form = document.querySelector(".filter");
  const rows = [...document.querySelectorAll(".row")];
  const count = form.querySelector(".count");
  const none = document.querySelector(".none");
  const { text, model, open } = form.elements;
  const grouped = new Intl.NumberFormat("en").format;
  // What each row says, in lower case; made when somebody searches.
  let said;

  const filter = () => {
    const verdicts = new Set(new FormData(form).getAll("verdict"));
    const asked = text.value.trim().toLowerCase();
    const any = !model || model.value === "*";
    if (asked && !said) said = rows.map((row) => row.textContent.toLowerCase());
    let shown = 0;
    rows.forEach((row, at) => {
      const fits =
        verdicts.has(row.dataset.verdict) &&
        (any || model.value === row.dataset.model) &&
        (!asked || said[at].includes(asked));
      if (row.hidden === fits) row.hidden = !fits;
      shown += fits;
    });
    count.value = `${grouped(shown)} of ${grouped(rows.length)} rows`;
    none.hidden = shown > 0;
  };

  const visible = () => rows.filter((row) => !row.hidden);

  // A link to a row opens it, whatever the filter says.
  const follow = () => {
    const row = rows.find((row) => `#${row.id}` === location.hash);
    if (!row) return;
    row.hidden = false;
    row.open = true;
    row.scrollIntoView();
    row.querySelector("summary").focus();
  };

  // From the line of a row to the line of another.
  const step = (summary, by) => {
    const shown = visible();
    const next = shown[shown.indexOf(summary.parentElement) + by];
    if (!next) return;
    next.querySelector("summary").focus();
    next.scrollIntoView({ block: "nearest" });
  };

  // A choice in a list is not an input everywhere.
  form.addEventListener("input", filter);
  form.addEventListener("change", filter);
  form.addEventListener("submit", (event) => event.preventDefault());
  open.addEventListener("click", () => {
    const opens = visible().some((row) => !row.open);
    for (const row of visible()) row.open = opens;
    open.textContent = opens ? "Close all" : "Open all";
  });
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const { target, key } = event;
    if (key === "/" && !target.closest("input, select, textarea")) {
      event.preventDefault();
      text.focus();
      text.select();
    } else if ((key === "j" || key === "k") && target.matches(".row > summary")) {
      step(target, key === "j" ? 1 : -1);
    }
  });
  window.addEventListener("hashchange", follow);

  form.hidden = false;
  filter();
  follow();
})();
