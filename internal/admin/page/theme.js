"use strict";
// The theme is set before the first paint. Without a choice, the page follows the system.
{
  const chosen = localStorage.getItem("theme");
  if (chosen === "light" || chosen === "dark") document.documentElement.dataset.theme = chosen;
}
