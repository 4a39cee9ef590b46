// Short messages at the edge of the page. The container is a live region, so screen readers speak
// them.

const shownFor = 6000; // ms
const most = 3;

export function toast(text, tone = "good") {
  const box = document.getElementById("toasts");
  const one = document.createElement("div");
  one.className = "toast " + tone;
  one.textContent = text;
  box.append(one);
  while (box.children.length > most) box.firstChild.remove();
  setTimeout(() => one.remove(), shownFor);
}
