// The user's choices, kept in this browser; in a private window without storage, until the page is closed.

const PREFIX = "edge-tosca.";
const unsaved = new Map();

export function recall(name) {
  try {
    return localStorage.getItem(PREFIX + name) ?? unsaved.get(name) ?? "";
  } catch {
    return unsaved.get(name) ?? "";
  }
}

export function remember(name, value) {
  unsaved.set(name, value);
  try {
    localStorage.setItem(PREFIX + name, value);
  } catch {
    // The choice holds until the page is closed.
  }
}
