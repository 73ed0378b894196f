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

async function refusal(answer) {
  let detail = `penstock answered with status ${answer.status}`;
  try {
    const body = await answer.json();
    detail = body.detail || body.title || detail;
  } catch { /* not JSON: the status has to do */ }
  return new Refused(answer.status, detail);
}

// A call with the token. One that was refused is forgotten, unless another has taken its place since.
async function call(path, { headers, ...more } = {}) {
  const bearer = token.get();
  const answer = await fetch(path,
    { cache: "no-store", headers: { ...(bearer ? { Authorization: "Bearer " + bearer } : {}), ...headers }, ...more });
  if (answer.ok) return answer;
  if (answer.status === 401 && bearer === token.get()) token.forget();
  throw await refusal(answer);
}

export async function get(path) {
  const answer = await call(path);
  return answer.json();
}

// Saves a file that only the token opens: a link could not carry it.
export async function save(path, name) {
  const url = URL.createObjectURL(await (await call(path)).blob());
  const link = document.createElement("a");
  link.href = url;
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(url), 60000);
}

export async function order(method, path, body) {
  const answer = await call(path, {
    method,
    headers: { "Content-Type": "application/json", "Penstock-Actor": "page" },
    body: JSON.stringify(body),
  });
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

async function read(answer, heard, each) {
  const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
  let text = "";
  for (;;) {
    const { value, done } = await reader.read();
    if (done) return;
    heard();
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

// A stream that is alive says something each second, and a comment at the least after 10.
const SILENCE_MS = 15000;

// Listens until `close` of what it returns is called, and again after each break, from the last decision on. EventSource
// could not send the token. `on`: event(name, data), state(words, error).
export function listen(query, on) {
  const abort = new AbortController();
  let last = null, wait = 500;

  const once = async () => {
    const attempt = new AbortController(), cut = () => attempt.abort();
    let timer = setTimeout(cut, SILENCE_MS);
    const heard = () => { clearTimeout(timer); timer = setTimeout(cut, SILENCE_MS); };

    abort.signal.addEventListener("abort", cut, { signal: attempt.signal });
    try {
      const answer = await call("/v1/stream?" + query,
        { headers: last === null ? {} : { "Last-Event-ID": last }, signal: attempt.signal });
      on.state("live");
      wait = 500;
      await read(answer, heard, (event) => {
        if (event.id !== undefined) last = event.id;
        on.event(event.event, JSON.parse(event.data));
      });
    } finally {
      clearTimeout(timer);
      cut();
    }
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
