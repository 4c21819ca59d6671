// What Material leaves out for people who use a keyboard or a screen reader. Nothing else needs it.

function mend() {
  for (const dialog of document.querySelectorAll(".md-search")) {
    dialog.setAttribute("aria-label", "Search");
  }
  // On a phone the table of contents is in the menu, too: two landmarks need two names.
  document
    .querySelector(".md-sidebar--primary .md-nav--secondary")
    ?.setAttribute("aria-label", "Table of contents, in the menu");
  document.querySelectorAll("nav.md-code__nav").forEach((bar, number) => {
    bar.setAttribute("aria-label", `For listing ${number + 1}`);
  });
  // What scrolls sideways must be reachable: then the arrow keys move it.
  for (const box of document.querySelectorAll("pre > code, .md-typeset__scrollwrap")) {
    if (box.tabIndex !== 0) box.tabIndex = 0;
  }
}

mend();
// Material adds to the page, and changes it, after it has been loaded.
new MutationObserver(mend).observe(document.body, {
  attributeFilter: ["tabindex"],
  childList: true,
  subtree: true,
});
