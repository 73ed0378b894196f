// Numbers, times and the words of the API as people read them.

const group = (digits) => digits.replace(/\B(?=(\d{3})+(?!\d))/g, ",");

export const count = (n) => (n === null || n === undefined ? "–" : group(String(Math.round(n))));

// Three digits that count: 0.0123, 4.56, 78.9, 1,234.
export function figure(n) {
  if (n === null || n === undefined || Number.isNaN(n)) return "–";
  if (n === 0) return "0";
  const digits = Math.max(0, Math.min(4, 2 - Math.floor(Math.log10(Math.abs(n)))));
  const [whole, part] = n.toFixed(digits).split(".");
  return group(whole) + (part && Number(part) ? "." + part.replace(/0+$/, "") : "");
}

// Evidence multiplies: beyond this it only says that there is enough.
export const evidence = (e) => (e > 1e6 ? "over 1,000,000" : figure(e));

export const percent = (n) => (n === null || n === undefined || Number.isNaN(n) ? "–" : figure(n) + " %");
export const ms = (n) => {
  if (n === null || n === undefined || n === 0) return "–";
  return n >= 10000 ? figure(n / 1000) + " s" : figure(n) + " ms";
};

export function duration(s) {
  if (s === null || s === undefined) return "";
  const parts = [[86400, "d"], [3600, "h"], [60, "m"], [1, "s"]];
  const first = parts.findIndex(([size]) => s >= size);
  if (first < 0) return "0 s";
  const [size, unit] = parts[first];
  const rest = parts[first + 1];
  const more = rest ? Math.floor((s % size) / rest[0]) : 0;
  return `${Math.floor(s / size)} ${unit}` + (more ? ` ${more} ${rest[1]}` : "");
}

const two = (n) => String(n).padStart(2, "0");
export function clock(date, seconds = true) {
  const time = `${two(date.getHours())}:${two(date.getMinutes())}` + (seconds ? ":" + two(date.getSeconds()) : "");
  return time;
}
export function when(iso) {
  const date = new Date(iso), now = new Date();
  const day = date.toDateString() === now.toDateString()
    ? "" : date.toLocaleDateString(undefined, { day: "numeric", month: "short" }) + " ";
  return day + clock(date);
}

// state of a rollout: [words, tone]
export const states = {
  pending: ["pending", "calm"],
  running: ["running", "go"],
  paused: ["paused", "wait"],
  retreating: ["retreating", "warn"],
  held: ["held", "wait"],
  watching: ["watching at 100 %", "go"],
  probing: ["probing", "warn"],
  rollingBack: ["rolling back", "bad"],
  rolledBack: ["rolled back", "bad"],
  quarantined: ["quarantined", "bad"],
  promoted: ["promoted", "good"],
};

export const over = (state) => state === "promoted" || state === "rolledBack";

// reason of a hold: what it waits for
const holds = {
  needEvidence: "more requests, until the counts show that the next step is safe",
  noData: "requests to the canary",
  sharedFailure: "both groups to work: both fail, so it is not the canary",
  capacity: "more healthy canary targets, to bear the next weight",
  dwell: "the least time of the step",
  window: "the window in which it may go forward",
  frozen: "the end of a freeze",
  approval: "a person to approve",
  gate: "a webhook that has not said yes",
  latencyShift: "a look at the latency of the canary, which has moved",
  suspiciouslyFast: "a look at the canary, which answers faster than it should",
  badTarget: "one bad target to be taken out",
  locked: "the lock on the weight to be taken off",
  paused: "a person to resume",
  loadDependent: "a repair: the canary fails above the proven weight",
  targets: "a group to have a healthy target",
  storage: "the state to be saved",
  external: "an external metric to be within its limit",
  regression: "a look at the canary, which is worse than stable",
};
// state of an external metric
export const externals = { unknown: "not answered yet", good: "within its bounds", bad: "beyond its bounds", noData: "no data" };

export const waitsFor = (hold) => holds[hold] || hold;

export const reasonName = (reason) => String(reason).replace(/([A-Z])/g, (c) => " " + c.toLowerCase());

export const targetState = (target) => {
  if (target.draining) return "draining";
  if (target.health === "unhealthy") return "unhealthy";
  if (target.ejectedBy > 0) return "ejected";
  return "open";
};

// What a step sets: the first is its name, the others are notes.
const settings = (step) => [
  step.setWeight !== undefined && percent(step.setWeight),
  step.setMirror !== undefined && "mirror " + percent(step.setMirror),
  step.setHeaderRoute !== undefined && "by " + step.setHeaderRoute,
].filter(Boolean);

export const stepName = (step) => settings(step)[0] || (step.pause === "approval" ? "approval" : "pause");

export function stepNotes(step) {
  const notes = [], set = settings(step);
  if (step.minDwell) notes.push("≥ " + duration(step.minDwell));
  if (step.bake) notes.push("bake " + duration(step.bake));
  if (typeof step.pause === "number") notes.push(duration(step.pause));
  if (step.pause === "approval" && set.length) notes.push("then approval");
  if (step.window) notes.push("in " + step.window);
  return notes.concat(set.slice(1));
}
