// What a browser keeps for us; a browser that keeps nothing is no error.

/** A kept text; null: there is none. */
export function recall(storage, key) {
  try {
    return storage().getItem(key);
  } catch {
    return null;
  }
}

/** Keep a text; null forgets it. */
export function keep(storage, key, text) {
  try {
    if (text === null) storage().removeItem(key);
    else storage().setItem(key, text);
  } catch {
    // It lasts as long as the page, then.
  }
}

// Functions, because a browser that forbids storage throws already when it is named.
export const forBrowser = () => localStorage;
export const forTab = () => sessionStorage;
