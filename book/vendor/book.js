// A region that scrolls sideways must be reachable by keyboard.
const scrollers = ".cell_output, .output, .output.text_html, .pst-scrollable-table-container, .math, pre, .sidebar-primary__section";
function makeReachable() {
  for (const region of document.querySelectorAll(scrollers)) {
    if (region.scrollWidth > region.clientWidth + 1 && getComputedStyle(region).overflowX !== "visible") region.tabIndex = 0;
  }
}
window.addEventListener("load", makeReachable);
window.addEventListener("resize", makeReachable);

// The arrows that unfold the contents say what they unfold.
function nameArrows() {
  for (const arrow of document.querySelectorAll(".bd-sidebar-primary summary")) {
    const link = arrow.closest("li")?.querySelector("a");
    arrow.setAttribute("aria-label", `Pages of ${link?.textContent.trim() || "this part"}`);
  }
}
window.addEventListener("load", nameArrows);
