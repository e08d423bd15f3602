// Which view the address names: #/review?label=mug. The browser's own back button goes through them.

/** The view's name and its query. */
export function here() {
  const [path, query = ""] = location.hash.replace(/^#\/?/, "").split("?");
  return { name: path || "live", query: Object.fromEntries(new URLSearchParams(query)) };
}

/** The address of a view. */
export function way(name, query = {}) {
  const tail = new URLSearchParams(query).toString();
  return `#/${name}${tail ? "?" + tail : ""}`;
}

/** Go to a view; `replace` leaves no step to come back to. */
export function go(name, query = {}, { replace = false } = {}) {
  const target = way(name, query);
  if (location.hash === target) window.dispatchEvent(new HashChangeEvent("hashchange"));
  else if (replace) location.replace(target);
  else location.hash = target;
}
