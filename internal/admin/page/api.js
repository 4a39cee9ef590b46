// Requests to the server, with the token of this tab.

const stored = "admin-token";

export const token = {
  get: () => sessionStorage.getItem(stored) ?? "",
  set: (text) => (text ? sessionStorage.setItem(stored, text) : sessionStorage.removeItem(stored)),
};

// Refusal is an answer that is not 2xx, with the server's own words.
export class Refusal extends Error {
  constructor(status, error) {
    super(error.message);
    this.status = status;
    this.code = error.code ?? "";
    this.hint = error.hint ?? "";
  }
}

async function ask(path, options = {}) {
  const headers = { ...options.headers };
  if (token.get()) headers.Authorization = "Bearer " + token.get();
  const answer = await fetch("api/v1/" + path, { ...options, headers });
  if (answer.ok) return answer;
  const body = await answer.json().catch(() => null);
  throw new Refusal(answer.status, body?.error ?? { message: answer.status + " " + answer.statusText });
}

export const get = async (path) => (await ask(path)).json();

// change sends a request that changes something, and returns the answer.
export async function change(method, path, body) {
  const answer = await ask(path, { method, body: JSON.stringify(body), headers: { "Content-Type": "application/json" } });
  const text = await answer.text();
  return text ? JSON.parse(text) : null;
}

export const filterPath = (name, tail = "") => "filters/" + encodeURIComponent(name) + tail;

// silence is how long the event stream may say nothing. The server sends a comment every 15 s.
const silence = 40_000;

// follow calls onEvent for each event, and onOpen once the stream is there. It returns when the
// stream ends. An EventSource cannot send a token, so follow reads the stream itself.
export async function follow(lastID, onOpen, onEvent) {
  const abort = new AbortController();
  let watchdog;
  const alive = () => {
    clearTimeout(watchdog);
    watchdog = setTimeout(() => abort.abort(), silence);
  };
  alive();
  try {
    const answer = await ask("events", { signal: abort.signal, headers: lastID ? { "Last-Event-ID": lastID } : {} });
    const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
    onOpen();
    let rest = "";
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      alive();
      const blocks = (rest + value).split("\n\n");
      rest = blocks.pop();
      for (const block of blocks) {
        const data = block.split("\n").find((line) => line.startsWith("data:"));
        if (data) onEvent(JSON.parse(data.slice(5)));
      }
    }
  } finally {
    clearTimeout(watchdog);
  }
}
