// Numbers, times and words for people.

const clock = new Intl.DateTimeFormat("en-GB", { hour: "2-digit", minute: "2-digit", second: "2-digit" });
const day = new Intl.DateTimeFormat("en-GB", { day: "numeric", month: "short", hour: "2-digit", minute: "2-digit" });
const decimal = new Intl.NumberFormat("en", { maximumSignificantDigits: 3 });
const whole = new Intl.NumberFormat("en");

export const number = (n) => (Number.isInteger(n) ? whole.format(n) : decimal.format(n));

export const plural = (n, one, many = one + "s") => number(n) + " " + (n === 1 ? one : many);

export function size(bytes) {
  if (bytes < 1024) return bytes + " B";
  return bytes < 1 << 20 ? decimal.format(bytes / 1024) + " KiB" : decimal.format(bytes / (1 << 20)) + " MiB";
}

// isTime says whether the API gave a time. Go's zero time is none.
export const isTime = (text) => Boolean(text) && !text.startsWith("0001-");

export function duration(seconds) {
  const s = Math.max(0, Math.round(seconds));
  if (s < 60) return s + " s";
  if (s < 3600) return Math.floor(s / 60) + " min" + (s < 600 && s % 60 ? " " + (s % 60) + " s" : "");
  if (s < 172800) return Math.floor(s / 3600) + " h" + (s < 36000 && s % 3600 >= 60 ? " " + Math.floor((s % 3600) / 60) + " min" : "");
  return Math.floor(s / 86400) + " d";
}

export const since = (text, now) => (isTime(text) ? duration((now - Date.parse(text)) / 1000) : "");
export const ago = (text, now) => (isTime(text) ? since(text, now) + " ago" : "");
export const left = (text, now) => (isTime(text) ? duration((Date.parse(text) - now) / 1000) : "");

// at is the time of a moment, with its day unless that is today.
export function at(moment, now = Date.now()) {
  const date = new Date(moment);
  return date.toDateString() === new Date(now).toDateString() ? clock.format(date) : day.format(date);
}

export const first = (text, n = 12) => text.slice(0, n);

// shell quotes a word for a POSIX shell if necessary.
export const shell = (word) => (/^[\w@%+=:,./-]+$/.test(word) ? word : "'" + word.replaceAll("'", `'\\''`) + "'");
