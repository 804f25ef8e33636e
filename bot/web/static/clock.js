// Times as people say them. The server's clock counts; the difference to ours is learned when a room is loaded.

let ahead = 0;

/** Learn the server's clock from its `now` (ISO text). */
export function setNow(iso) {
  ahead = Date.parse(iso) - Date.now();
}

/** Milliseconds since 1970 on the server's clock. */
export function now() {
  return Date.now() + ahead;
}

/** `just now`, `4 min ago`, `13:05`, `20 Nov, 13:05` */
export function ago(iso) {
  const at = new Date(iso);
  const minutes = Math.floor((now() - at.getTime()) / 60_000);
  if (minutes < 1) return 'just now';
  if (minutes < 60) return `${minutes} min ago`;
  const time = at.toLocaleTimeString([], { hour: '2-digit', minute: '2-digit' });
  if (at.toDateString() === new Date(now()).toDateString()) return time;
  return `${at.toLocaleDateString([], { day: 'numeric', month: 'short' })}, ${time}`;
}

/** `0:07`, `1:02:00`: time passed since then. */
export function elapsed(iso) {
  return length((now() - Date.parse(iso)) / 1000);
}

/** Seconds as `0:07`. */
export function length(seconds) {
  const whole = Math.max(0, Math.round(seconds));
  const [hours, minutes, rest] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60, whole % 60];
  const two = (number) => String(number).padStart(2, '0');
  return hours ? `${hours}:${two(minutes)}:${two(rest)}` : `${minutes}:${two(rest)}`;
}
