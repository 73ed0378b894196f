// The admin API: calls with the token where one is needed, and the stream of events.

const KEY = "penstock.token";

export const token = {
  get: () => sessionStorage.getItem(KEY) || "",
  set: (value) => sessionStorage.setItem(KEY, value),
  forget: () => sessionStorage.removeItem(KEY),
};

export class Refused extends Error {
  constructor(status, detail) {
    super(detail);
    this.status = status;
  }
}

function headers(more = {}) {
  const bearer = token.get();
  return { ...(bearer ? { Authorization: "Bearer " + bearer } : {}), ...more };
}

async function refusal(answer) {
  let detail = `penstock answered with status ${answer.status}`;
  try {
    const body = await answer.json();
    detail = body.detail || body.title || detail;
  } catch { /* not JSON: the status has to do */ }
  return new Refused(answer.status, detail);
}

export async function get(path) {
  const answer = await fetch(path, { headers: headers(), cache: "no-store" });
  if (!answer.ok) throw await refusal(answer);
  return answer.json();
}

export async function order(method, path, body) {
  const answer = await fetch(path, {
    method,
    headers: headers({ "Content-Type": "application/json", "Penstock-Actor": "page" }),
    body: JSON.stringify(body),
  });
  if (!answer.ok) throw await refusal(answer);
  return answer.json();
}

// One event of a stream as {event, id, data}; null for a comment.
function parse(block) {
  const fields = {};
  for (const line of block.split("\n")) {
    const colon = line.indexOf(":");
    if (colon > 0) fields[line.slice(0, colon)] = line.slice(colon + 1).replace(/^ /, "");
  }
  return fields.data === undefined ? null : fields;
}

async function read(answer, each) {
  const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
  let text = "";
  for (;;) {
    const { value, done } = await reader.read();
    if (done) return;
    text += value;
    const blocks = text.split("\n\n");
    text = blocks.pop();
    blocks.map(parse).forEach((event) => event && each(event));
  }
}

const pause = (ms, signal) => new Promise((resolve) => {
  const timer = setTimeout(resolve, ms);
  signal.addEventListener("abort", () => { clearTimeout(timer); resolve(); });
});

// Listens until `close` of what it returns is called, and again after each break, from the last decision on. EventSource
// could not send the token. `on`: event(name, data), state(words, error).
export function listen(query, on) {
  const abort = new AbortController();
  let last = null, wait = 500;

  const once = async () => {
    const answer = await fetch("/v1/stream?" + query,
      { headers: headers(last === null ? {} : { "Last-Event-ID": last }), cache: "no-store", signal: abort.signal });
    if (!answer.ok) throw await refusal(answer);
    on.state("live");
    wait = 500;
    await read(answer, (event) => {
      if (event.id !== undefined) last = event.id;
      on.event(event.event, JSON.parse(event.data));
    });
  };
  const loop = async () => {
    while (!abort.signal.aborted) {
      try {
        await once();
        if (!abort.signal.aborted) on.state("lost", new Error("penstock ended the stream"));
      } catch (error) {
        if (abort.signal.aborted) return;
        on.state("lost", error);
      }
      await pause(wait, abort.signal);
      wait = Math.min(wait * 2, 8000);
    }
  };
  loop();
  return { close: () => abort.abort() };
}
