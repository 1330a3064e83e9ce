// Puts into the page what the coordinator sends: parts of the page that have changed, made and escaped there.
// Without this script every page is whole; it is then as old as its last load.
(() => {
  const address = document.body.dataset.live;
  if (!address || !window.EventSource) return;
  const pulse = document.getElementById("pulse");
  let source = null;
  const open = () => {
    if (source) return;
    source = new EventSource(address);
    source.onopen = () => { pulse.hidden = false; pulse.classList.remove("off"); pulse.textContent = "live"; };
    source.onerror = () => { pulse.hidden = false; pulse.classList.add("off"); pulse.textContent = "not connected"; };
    source.onmessage = (event) => {
      const { id, html } = JSON.parse(event.data);
      const place = document.getElementById(id);
      // What somebody is at is not taken away under their hands.
      if (!place || place.contains(document.activeElement) && document.activeElement.matches("input, select, textarea")) return;
      const x = place.scrollLeft;
      place.innerHTML = html;
      place.scrollLeft = x;
    };
    source.addEventListener("end", () => { close(); pulse.hidden = true; });
  };
  const close = () => { if (source) { source.close(); source = null; } };
  // A page that nobody sees needs no connection: browsers have few.
  document.addEventListener("visibilitychange", () => (document.hidden ? close() : open()));
  open();
})();
