// The page: what GET /v1/stream says, drawn each second; orders by buttons. It decides nothing and keeps nothing but the
// token, for as long as the tab is open.

import { get, listen, order, save, token } from "./api.js";
import { Charts, rowOfStatus, rowsOfHistory } from "./charts.js";
import { $, el, fill, refill, text } from "./dom.js";
import * as words from "./words.js";

const RANGES = [["15 min", 900], ["1 h", 3600], ["6 h", 6 * 3600], ["1 d", 86400], ["7 d", 7 * 86400]];
const LIVE_S = 900;
const TARGETS_SHOWN = 40, DECISIONS_KEPT = 300;

const page = {
  route: null, // the chosen one
  overview: [], // one entry a route
  status: null, // of the chosen one
  decisions: [],
  reports: [], // names of the pages that rollouts have left
  reportsNeedToken: false,
  looked: 0, // when they were read
  range: 900,
  history: [], // rows
  lived: [], // rows of the stream, since the route was chosen
  asked: 0, // when the history was read
  stream: null,
  rates: new Map(), // target: {requests, at, rate}
};

const charts = new Charts($("charts"));

// ---- routes

const rows = new Map(); // name: the parts of its row

function routeRow(name) {
  const parts = { name: el("span", { class: "route-name", text: name }), weight: el("span", { class: "route-weight" }),
    fill: el("span", { class: "fill" }), state: el("span", { class: "route-state" }) };
  parts.button = el("button", { type: "button", class: "route", onclick: () => choose(name) },
    parts.name, parts.weight, el("span", { class: "mini" }, parts.fill), parts.state);
  parts.item = el("li", {}, parts.button);
  return parts;
}

// Of an overview, or of a status, where the last look says it.
const holdOf = (rollout) => rollout.hold || (rollout.governs && rollout.decision ? rollout.decision.hold : null);

function routeState(route) {
  if (route.problem) return ["needs a look", "bad"];
  if (!route.rollout) return [route.canary ? "by hand" : "stable only", "calm"];
  const [name, tone] = words.states[route.rollout.state] || [route.rollout.state, "calm"];
  return holdOf(route.rollout) === "approval" ? ["waits for approval", "wait"] : [name, tone];
}

function showRoutes() {
  const list = $("routes");
  const names = page.overview.map((route) => route.name);

  refill(list, names, () => {
    rows.clear();
    return names.map((name) => {
      rows.set(name, routeRow(name));
      return rows.get(name).item;
    });
  });
  const wanted = $("find").value.trim().toLowerCase();
  let found = 0;
  for (const route of page.overview) {
    const parts = rows.get(route.name), [state, tone] = routeState(route);
    const platforms = [route.stable, route.canary].map((side) => (side ? side.platform : ""));
    const hay = [route.name, route.host || "", route.pathPrefix, state, ...platforms].join(" ").toLowerCase();

    parts.item.hidden = !wanted.split(/\s+/).every((part) => hay.includes(part));
    found += !parts.item.hidden;
    text(parts.weight, route.canary ? words.percent(route.weight) : "–");
    text(parts.state, state);
    parts.state.className = "route-state " + tone;
    parts.fill.style.setProperty("inline-size", (route.canary ? route.weight : 0) + "%");
    if (route.name === page.route) parts.button.setAttribute("aria-current", "true");
    else parts.button.removeAttribute("aria-current");
  }
  text($("found"), found === names.length ? String(found) : `${found} of ${names.length}`);
  $("frame").classList.toggle("single", names.length === 1);
}

function choose(name) {
  if (name === page.route) return;
  Object.assign(page, { route: name, status: null, decisions: [], history: [], lived: [], asked: 0 });
  page.rates.clear();
  history.replaceState(null, "", "#" + encodeURIComponent(name));
  connect();
  readDecisions();
  readReports();
  readHistory();
  showRoutes();
}

// ---- the route

function weightBar(route) {
  const bar = $("channel"), rollout = route.rollout;
  const ticks = rollout && rollout.track ? rollout.track.map((step) => step.setWeight).filter((w) => w !== undefined && w < 100) : [];

  if (!route.canary) {
    refill(bar, ["only", route.stable.platform], () => [
      el("div", { class: "pipe" }, el("span", { class: "flow stable", style: { "inline-size": "100%" } }))]);
    return;
  }
  refill(bar, ["both", ticks], () => [
    el("div", { class: "pipe" },
      el("span", { class: "flow canary" }), el("span", { class: "flow stable" }), el("span", { class: "came", title: "share of the last minute" })),
    el("div", { class: "ticks", "aria-hidden": "true" }, ticks.map((w) => el("span", { class: "tick", style: { "inset-inline-start": w + "%" } })))]);
  bar.querySelector(".canary").style.setProperty("inline-size", route.weight + "%");
  const came = bar.querySelector(".came");
  came.hidden = route.share === null;
  came.style.setProperty("inset-inline-start", (route.share || 0) + "%");
}

function sentence(route) {
  if (!route.canary) return `Everything goes to ${route.stable.platform}; the route has no canary.`;
  const canary = route.canary.platform, stable = route.stable.platform;
  const came = route.share === null ? "No request came in the last minute" : `${canary} got ${words.percent(route.share)} of the last minute's requests`;
  const lock = route.lock ? " The weight is locked." : "";
  const force = route.inForce ? "" : " (on its way to the workers)";
  return `to ${canary}${force}, ${words.percent(100 - route.weight)} to ${stable}. ${came}.${lock}`;
}

function showRoute(route) {
  const [state, tone] = routeState(route);

  text($("name"), route.name);
  text($("match"), (route.match.host || "") + route.match.pathPrefix);
  text($("state"), state);
  $("state").className = "pill " + tone;
  weightBar(route);
  refill($("sentence"), [route.weight, sentence(route)], () => [
    route.canary && el("b", { class: "big canary", text: words.percent(route.weight) }), el("span", { text: sentence(route) })]);
  $("problem").hidden = !route.problem;
  text($("problem"), route.problem || "");
  document.title = `${route.canary ? words.percent(route.weight) : ""} ${route.name} – penstock`;
}

// ---- the plan

function stepTone(rollout, index) {
  if (rollout.state === "promoted") return "done";
  if (index < rollout.step) return "done";
  if (index > rollout.step) return "to-come";
  return ["rollingBack", "rolledBack", "quarantined"].includes(rollout.state) ? "failed" : "here";
}

const toneWords = { done: "done", here: "here now", failed: "went back from here", "to-come": "to come" };

function showTrack(rollout) {
  const track = rollout.track || [];
  const from = [track, rollout.step, rollout.state];

  refill($("track"), from, () => track.map((step, i) => {
    const tone = stepTone(rollout, i);
    return el("li", { class: tone, "aria-current": tone === "here" ? "step" : false },
      el("span", { class: "node", "aria-hidden": "true" }),
      el("span", { class: "step-name", text: words.stepName(step) }),
      el("span", { class: "unseen", text: ", " + toneWords[tone] }),
      words.stepNotes(step).map((note) => el("span", { class: "step-note", text: note })));
  }));
}

function etaWords(decision) {
  if (decision.eta === undefined || decision.eta === null) return "";
  return typeof decision.eta === "number" ? `about ${words.duration(Math.max(1, decision.eta))} left` : String(decision.eta);
}

function showPlan(route) {
  const rollout = route.rollout;

  $("plan").hidden = !route.canary;
  if (!rollout) {
    text($("plan-title"), "Plan");
    refill($("track"), null, () => []);
    refill($("waits"), "none", () => [el("p", { class: "dim" }, "No rollout. Start one with ",
      el("code", { text: `penstock rollout start ${route.name} PLAN` }), ", or set the weight by hand.")]);
    return;
  }
  const decision = rollout.decision, hold = decision && decision.hold;
  const times = [`started ${words.when(rollout.started || 0)}`, `running for ${words.duration(rollout.age)}`];
  if (!words.over(rollout.state) && rollout.step >= 0) times.push(`at this step for ${words.duration(rollout.dwell)}`);
  refill($("plan-title"), [rollout.plan, times], () => [`Plan ${rollout.plan} `,
    el("span", { class: "dim", text: rollout.started ? times.join(" · ") : "not started" })]);
  showTrack(rollout);
  refill($("waits"), [hold, decision && decision.text, decision && decision.eta, rollout.state], () => {
    if (!decision) return [];
    const eta = hold ? etaWords(decision) : "";
    return [el("p", {}, hold && el("span", {}, "Waits for ", el("b", { text: words.waitsFor(hold) }), eta && [". ", el("span", { class: "eta", text: eta })]),
      !hold && el("b", { text: words.states[rollout.state] ? words.states[rollout.state][0] : rollout.state })),
    el("p", { class: "dim", text: decision.text })];
  });
}

// ---- evidence

// How far evidence is on its way, 0 to 1: it multiplies, so by the logarithm.
const way = (e, threshold) => (e > 1 ? Math.min(1, Math.log(e) / Math.log(threshold)) : 0);

function meter(label, value, said, tone) {
  return el("div", { class: "meter", role: "meter", "aria-label": label, "aria-valuemin": "0", "aria-valuemax": "100",
    "aria-valuenow": String(Math.round(100 * value)), "aria-valuetext": said },
  el("span", { class: "meter-fill " + tone, style: { "inline-size": 100 * value + "%" } }));
}

const against = (value) => (value >= 1 ? "bad" : value > 0.5 ? "warn" : "calm");

function metricBlock(metric, threshold, names) {
  const value = way(metric.e || 0, threshold);
  const counts = metric.counts, gate = metric.gate;
  const of = (side) => `${words.count(side.bad)} of ${words.count(side.requests)}`;
  const seen = gate && gate.need ? Math.min(1, counts.canary.requests / gate.need) : gate && gate.pass ? 1 : 0;
  const block = [el("div", { class: "metric-head" }, el("h3", { text: metric.name }),
    el("span", { class: "dim", text: metric.dryRun ? metric.type + ", dry run" : metric.type }),
    el("b", { text: words.evidence(metric.e) }))];

  block.push(meter(`${metric.name}: evidence against the canary`, value, `${words.evidence(metric.e)} of ${words.figure(threshold)}`, against(value)));
  if (counts && counts.canary.requests > 0) block.push(el("p", { class: "counts" },
    el("span", { class: "canary", text: `${names.canary} ${of(counts.canary)} bad` }), el("span", { class: "stable", text: `${names.stable} ${of(counts.stable)} bad` }),
    metric.ratio !== null && metric.ratio !== undefined && el("span", { class: "dim", text: `ratio ${words.figure(metric.ratio)}` })));
  if (gate) block.push(el("p", { class: "gate" }, el("span", { class: gate.pass ? "good" : "dim", text: gate.pass ? "✓ safe for the next step" : gate.need
    ? `next step: ${words.count(counts.canary.requests)} of ${words.count(gate.need)} requests seen` : "next step: not shown to be safe yet" }),
  !gate.pass && gate.need > 0 && meter(`${metric.name}: evidence for the next step`, seen, `${Math.round(seen * 100)} %`, "go")));
  return el("div", { class: "metric" }, block);
}

// A number of another system against its bounds; no evidence is made of it.
function externalBlock(metric) {
  const known = metric.value !== null && metric.value !== undefined;
  const bounds = [["min", metric.min], ["max", metric.max]].filter(([, bound]) => bound !== null && bound !== undefined)
    .map(([name, bound]) => `${name} ${bound}`).join(", ");
  const allowed = metric.failureLimit === null ? "" : `, ${words.count(metric.failureLimit)} allowed`;

  return el("div", { class: "metric" }, el("div", { class: "metric-head" }, el("h3", { text: metric.name }),
    el("span", { class: "dim", text: metric.dryRun ? `${metric.source}, dry run` : metric.source }),
    el("b", { text: known ? String(metric.value) : "–" })),
  el("p", { class: "counts" }, el("span", { class: { good: "good", bad: "bad" }[metric.state] || "dim", text: words.externals[metric.state] || metric.state }),
    el("span", { class: "dim", text: bounds }),
    metric.age !== null && metric.age !== undefined && el("span", { class: "dim", text: `asked ${words.duration(metric.age)} ago` }),
    metric.failures > 0 && el("span", { class: "dim", text: `${words.count(metric.failures)} beyond them${allowed}` })),
  metric.problem && el("p", { class: "dim", text: metric.problem }));
}

function showEvidence(route) {
  const rollout = route.rollout;

  if (!rollout || !rollout.metrics || !rollout.metrics.length) {
    refill($("evidence"), "none", () => [el("p", { class: "dim", text: "Nothing is judged now." })]);
    return;
  }
  const names = { stable: route.stable.platform, canary: route.canary ? route.canary.platform : "canary" };
  const value = way(rollout.e || 0, rollout.threshold);
  refill($("evidence"), [rollout.e, rollout.threshold, rollout.metrics, names], () => [
    el("div", { class: "total" }, el("span", { text: "Against the canary, in all" }),
      el("b", { class: against(value), text: words.evidence(rollout.e) }), el("span", { class: "dim", text: `goes back at ${words.figure(rollout.threshold)}` })),
    meter("evidence against the canary in all", value, `${words.evidence(rollout.e)} of ${words.figure(rollout.threshold)}`, against(value) + " thick"),
    rollout.metrics.map((metric) => (metric.type === "external" ? externalBlock(metric)
      : metricBlock(metric, metric.threshold || rollout.threshold, names)))]);
}

// ---- side by side

const part = (a, b) => (b > 0 && a !== null ? (100 * a) / b : null);
const measures = (slo) => [
  ["Requests a second", (side) => side.recent.requests / Math.max(side.recent.seconds, 0.001), words.figure],
  ["Errors", (side) => part(side.recent.errors, side.recent.requests), words.percent, true],
  slo && [`Later than ${words.ms(slo.threshold)}`, (side) => part(side.recent.slow, side.recent.requests), words.percent, true],
  ["p50", (side) => side.recent.p50, words.ms, true],
  ["p95", (side) => side.recent.p95, words.ms, true],
  ["p99", (side) => side.recent.p99, words.ms, true],
  ["In flight", (side) => side.inFlight, words.count],
  ["Waiting for a place", (side) => side.waiting, words.count],
  ["Targets that take work", (side) => `${side.open} of ${side.targets}`, String],
].filter(Boolean);

function times(stable, canary) {
  if (!(stable > 0) || !(canary > 0)) return "";
  return "×" + words.figure(canary / stable);
}

function showSides(route) {
  const sides = [["stable", route.stable], ["canary", route.canary]].filter(([, side]) => side);
  const cells = measures(route.slo).map(([name, value, unit, compare]) => {
    const values = sides.map(([, side]) => value(side));
    return [name, ...values.map((v) => unit(v)), compare && values.length === 2 ? times(values[0], values[1]) : ""];
  });

  refill($("sides"), [sides.map(([kind, side]) => [kind, side.platform]), cells], () => [el("table", { class: "sides" },
    el("thead", {}, el("tr", {}, el("td"), sides.map(([kind, side]) => el("th", { scope: "col", class: kind }, side.platform, el("span", { class: "dim", text: " " + kind }))),
      el("td"))),
    el("tbody", {}, cells.map(([name, ...values]) => el("tr", {}, el("th", { scope: "row", text: name }),
      values.map((value, i) => el("td", { class: i === sides.length ? "dim" : "number", text: value }))))))]);
  refill($("legend"), sides.map(([kind, side]) => [kind, side.platform]), () =>
    sides.map(([kind, side]) => el("span", { class: "key " + kind, text: side.platform })));
}

// ---- over time

async function readHistory() {
  const { route, range } = page;
  const now = Math.ceil(Date.now() / 1000);

  page.asked = Date.now();
  try {
    const answer = await get(`/v1/history?route=${encodeURIComponent(route)}&from=${now - range}`);
    if (route !== page.route || range !== page.range) return;
    page.history = rowsOfHistory(answer);
    page.step = answer.step;
    showCharts();
  } catch (error) {
    trouble(error);
  }
}

function showCharts() {
  const route = page.status && page.status.routes[0];
  if (!route) return;
  const now = Date.now(), from = now - page.range * 1000;
  const live = page.range === LIVE_S ? page.lived.filter((row) => row.time >= from) : [];
  const first = live.length ? live[0].time : Infinity;
  const shown = page.history.filter((row) => row.time < first).concat(live);
  const moves = page.decisions.filter((d) => d.weight && d.weight.from !== d.weight.to)
    .map((d) => ({ time: new Date(d.time).getTime(), back: d.weight.to < d.weight.from }));
  const young = shown.length ? Math.max(from, Math.min(shown[0].time, now - page.range * 100)) : from;
  charts.show(shown, moves, [young, now], { stable: route.stable.platform, canary: route.canary && route.canary.platform });
}

function makeRanges() {
  fill($("ranges"), RANGES.map(([name, seconds]) => el("button", { type: "button", role: "radio", text: name,
    "aria-checked": String(seconds === page.range), onclick: () => {
      page.range = seconds;
      [...$("ranges").children].forEach((button) => button.setAttribute("aria-checked", String(button.textContent === name)));
      readHistory();
    } })));
}

// ---- decisions

const actionTones = { forward: "go", promote: "good", rollback: "bad", retreat: "warn", hold: "calm" };

async function readDecisions() {
  const route = page.route;
  try {
    const answer = await get(`/v1/decisions?limit=100&route=${encodeURIComponent(route)}`);
    if (route === page.route) answer.decisions.forEach(addDecision);
    showDecisions();
  } catch (error) {
    trouble(error);
  }
}

function addDecision(decision) {
  if (decision.route !== page.route || page.decisions.some((d) => d.id === decision.id)) return;
  page.decisions.push(decision);
  page.decisions.sort((a, b) => b.id - a.id);
  page.decisions.length = Math.min(page.decisions.length, DECISIONS_KEPT);
}

function decisionItem(d, reported) {
  const moved = d.weight && d.weight.from !== d.weight.to;
  return el("li", { class: moved ? "moved" : "" },
    el("time", { datetime: d.time, text: words.when(d.time) }),
    el("span", { class: "pill " + (actionTones[d.action] || "calm"), text: d.action }),
    el("span", { class: "what" }, moved && el("b", { text: `${words.percent(d.weight.from)} → ${words.percent(d.weight.to)}` }),
      el("span", { class: "dim", text: " " + words.reasonName(d.reason) + (d.actor ? ` by ${d.actor}` : "") })),
    el("span", { class: "why", text: d.text || "" }), examplesOf(d),
    reported && el("span", { class: "why" }, reportLink(reportOf(d.rollout), "report of this rollout")));
}

// Where to look first: traces of requests that the canary has failed.
function examplesOf(d) {
  const list = Array.isArray(d.examples) ? d.examples : [];
  return list.length > 0 && el("details", { class: "why" },
    el("summary", { text: `${list.length} ${list.length === 1 ? "trace" : "traces"} of failed requests` }),
    el("ul", { class: "traces" }, list.map((x) => el("li", {}, el("code", { text: x.traceId }),
      el("span", { class: "dim", text: ` ${x.reason}${x.status ? " " + x.status : ""}${x.target ? " at " + x.target : ""}${x.sampled ? "" : ", not sampled"}` })))));
}

function showDecisions() {
  const only = $("moves").checked;
  const shown = page.decisions.filter((d) => !only || (d.weight && d.weight.from !== d.weight.to));
  const last = new Map(); // of each rollout that has left a page

  for (const d of shown) if (page.reports.includes(reportOf(d.rollout)) && !last.has(d.rollout)) last.set(d.rollout, d.id);
  refill($("decisions"), [shown.map((d) => d.id), [...last]], () => (shown.length
    ? shown.map((d) => decisionItem(d, last.get(d.rollout) === d.id)) : [el("li", { class: "dim", text: "No decision yet." })]));
}

// ---- reports of rollouts that are over

const plain = (name) => String(name).replaceAll("/", "-");
const reportOf = (rollout) => plain(rollout) + ".html";
const isOf = (name, route) => name.startsWith(plain(route) + "-") && /^\d{8}T\d{9}Z\.html$/.test(name.slice(plain(route).length + 1));

async function readReports() {
  page.looked = Date.now();
  try {
    const answer = await get("/v1/reports");
    page.reports = answer.reports.map((report) => report.page);
    page.reportsNeedToken = answer.needsToken;
    showReports();
    showDecisions();
  } catch (error) {
    trouble(error);
  }
}

// The page of a rollout is there a moment after its end.
function expectReport(rollout) {
  if (rollout && words.over(rollout.state) && !page.reports.includes(reportOf(rollout.id)) && Date.now() - page.looked > 3000) readReports();
}

function reportLink(name, words) {
  const path = "/v1/reports/" + encodeURIComponent(name);
  return el("a", { class: "report", href: path, target: "_blank", rel: "noopener", text: words, onclick: (event) => {
    if (!page.reportsNeedToken) return;
    event.preventDefault();
    save(path, name).catch(trouble);
  } });
}

function showReports() {
  const names = page.reports.filter((name) => isOf(name, page.route));
  const when = (name) => name.slice(-24, -5).replace(/(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)\d{3}Z/, "$1-$2-$3 $4:$5:$6 UTC");

  $("reports").hidden = names.length === 0;
  refill($("reports"), [names, page.reportsNeedToken], () => [
    el("summary", { text: `${names.length} ${names.length === 1 ? "report" : "reports"} of finished rollouts` }),
    el("ul", {}, names.map((name) => el("li", {}, reportLink(name, "begun " + when(name)))))]);
}

// ---- targets

function rateOf(target, group, at) {
  const key = group + " " + target.address, last = page.rates.get(key);
  if (last && at - last.at < 4000) return last.rate;
  const rate = last && at > last.at ? (1000 * Math.max(0, target.requests - last.requests)) / (at - last.at) : null;
  page.rates.set(key, { requests: target.requests, at, rate });
  return rate;
}

const targetTones = { open: "good", draining: "wait", unhealthy: "bad", ejected: "warn" };

function targetRow(group, target, at) {
  const state = words.targetState(target);
  return [target.address, state, rateOf(target, group, at), part(target.failures, target.requests), target.inFlight, target.healthReason || ""];
}

function groupBlock(group, kind, listed, hidden, states) {
  return el("div", { class: "group" },
    el("h3", {}, el("span", { class: "key " + kind, text: group.name }), el("span", { class: "dim", text: ` ${group.platform}, ${kind}` }),
      Object.entries(states).map(([state, n]) => el("span", { class: "pill " + targetTones[state], text: `${n} ${state}` }))),
    el("div", { class: "dots", "aria-hidden": "true" }, group.targets.length > 1 && group.targets.map((target) =>
      el("span", { class: "dot " + targetTones[words.targetState(target)], title: target.address }))),
    el("table", { class: "targets" },
      el("thead", {}, el("tr", {}, ["Target", "State", "req/s", "Failed", "In flight"].map((name) => el("th", { scope: "col", text: name })))),
      el("tbody", {}, listed.map(([address, state, rate, failed, open, why]) => el("tr", {}, el("th", { scope: "row", text: address }),
        el("td", {}, el("span", { class: "state-word " + targetTones[state], text: state, title: why })),
        el("td", { class: "number", text: words.figure(rate) }), el("td", { class: "number", text: words.percent(failed) }),
        el("td", { class: "number", text: words.count(open) }))))),
    hidden > 0 && el("p", { class: "dim", text: `and ${words.count(hidden)} more: search to see them` }));
}

function showTargets(status) {
  const route = status.routes[0], at = new Date(status.time).getTime();
  const wanted = $("find-target").value.trim().toLowerCase();
  const groups = status.groups.map((group) => {
    const list = group.targets.map((target) => targetRow(group.name, target, at));
    const found = list.filter(([address, state, , , , why]) => `${address} ${state} ${why}`.toLowerCase().includes(wanted));
    // what is not well stands first
    found.sort((a, b) => (a[1] === "open") - (b[1] === "open"));
    const states = {};
    list.forEach(([, state]) => { states[state] = (states[state] || 0) + 1; });
    return { group, kind: route.stable && group.name === route.stable.group ? "stable" : "canary",
      listed: found.slice(0, TARGETS_SHOWN), hidden: found.length - TARGETS_SHOWN, states };
  }).sort((a, b) => (a.kind === "canary") - (b.kind === "canary"));

  refill($("targets"), groups.map(({ group, kind, listed, hidden, states }) => [group.name, kind, listed, hidden, states]), () =>
    groups.map(({ group, kind, listed, hidden, states }) => groupBlock(group, kind, listed, hidden, states)));
}

// ---- orders

const path = (route, rest) => `/v1/routes/${encodeURIComponent(route)}/${rest}`;
// The status says which orders the rollout takes now.
const takes = (rollout, word) => Boolean(rollout && rollout.orders.includes(word));
const waits = (rollout, ...holds) => holds.includes(holdOf(rollout));

function resumeSays(rollout) {
  const shape = waits(rollout, "latencyShift", "suspiciouslyFast")
    ? "The answer times of the canary are accepted for the rest of the rollout. " : "";
  return shape + (rollout.manual ? "It goes on with the plan, at the step that this weight has reached." : "It goes on where it was.");
}

function promoteSays(rollout) {
  if (!takes(rollout, "promote")) return "Now it can only go to 100 % at once.";
  return rollout.state === "watching" ? "The bake ends now." : "It waits for nothing but evidence from here on.";
}

const fullField = (rollout) => ({ key: "full", kind: "checkbox", label: "at once to 100 %, without evidence",
  required: !takes(rollout, "promote") });

// `when`, `main`, `say` and `fields` are asked with the rollout and the route.
const orders = [
  { name: "Pause", when: (r) => takes(r, "pause"), verb: "pause",
    say: () => "It stays at its weight. The ways back stay open: a canary that fails is still sent back." },
  { name: "Resume", when: (r) => takes(r, "resume"), verb: "resume", say: resumeSays },
  { name: "Approve", when: (r) => takes(r, "approve") && r.state !== "paused", verb: "approve", main: (r) => waits(r, "approval"),
    say: () => "It goes on without the approval, the pause or the webhook that this step waits for, when the rest allows it." },
  { name: "Skip", when: (r) => takes(r, "skip"), verb: "skip",
    say: () => "What this step still waits for is passed over, and it goes to the next one at once." },
  { name: "Promote", when: (r) => takes(r, "promote") || takes(r, "promoteFull"), verb: "promote", say: promoteSays,
    fields: (r) => (takes(r, "promoteFull") ? [fullField(r)] : []) },
  { name: "Retry", when: (r) => takes(r, "retry"), verb: "retry",
    say: (r) => (["held", "running"].includes(r.state) ? "It goes on from this weight, and the canary is judged afresh."
      : "It begins the plan again, with new evidence.") },
  { name: "Abort", when: (r) => takes(r, "abort"), verb: "abort", danger: true,
    say: () => "All traffic goes back to stable at the next request." },
  { name: "Set weight", when: (r, route) => route.canary && (!r || !r.governs || words.over(r.state) || takes(r, "weight")), weight: true,
    say: () => "The weight is in force at the next request. A rollout that runs is then driven by hand until it is resumed.",
    fields: () => [{ key: "canary", kind: "number", label: "Percent to the canary" },
      { key: "lock", kind: "checkbox", label: "lock it: no automatic step forward" }] },
];

function showActions(route) {
  const shown = orders.filter((o) => o.when(route.rollout, route));
  const kind = (o) => (o.danger ? "danger" : o.main && o.main(route.rollout) ? "main" : "");
  refill($("actions"), shown.map((o) => [o.name, kind(o)]), () => shown.map((o) =>
    el("button", { type: "button", class: kind(o), text: o.name, onclick: () => ask(o) })));
}

function fieldOf({ key, kind, label, required }) {
  const now = page.status ? page.status.routes[0] : null;
  const input = kind === "number"
    ? el("input", { id: "field-" + key, type: "number", min: "0", max: "100", step: "0.01", required: true, value: now ? now.weight : "" })
    : el("input", { id: "field-" + key, type: "checkbox", required, checked: key === "lock" && now && now.lock });
  return el("label", { class: kind === "checkbox" ? "check" : "field" }, kind === "checkbox" ? [input, " " + label] : [label, input]);
}

// What the dialog does when it is confirmed; null when it only asks for the token.
let pending = null;

function openDialog(title, say, yes, fields, danger) {
  text($("dialog-title"), title);
  text($("dialog-text"), say);
  text($("dialog-yes"), yes);
  $("dialog-yes").className = danger ? "danger" : "main";
  fill($("dialog-fields"), fields.map(fieldOf));
  $("token-field").hidden = token.get() !== "";
  $("dialog-trouble").hidden = true;
  if (!$("dialog").open) $("dialog").showModal();
  const first = $("dialog").querySelector("#dialog-fields input, #token-field:not([hidden]) input");
  (first || $("dialog-yes")).focus();
}

function ask(wanted) {
  if (!page.status) return; // of the route that was chosen this moment
  const { rollout } = page.status.routes[0];

  pending = { ...wanted, fields: wanted.fields ? wanted.fields(rollout) : [], route: page.route };
  openDialog(`${wanted.name}: ${page.route}`, wanted.say(rollout), wanted.name, pending.fields, wanted.danger);
}

function askForToken(detail) {
  if ($("dialog").open) {
    $("token-field").hidden = token.get() !== "";
    return;
  }
  pending = null;
  openDialog("Admin token", detail, "Go on", [], false);
}

async function send({ route, weight, verb, fields, name }) {
  const value = (field) => { const input = $("field-" + field.key); return field.kind === "number" ? Number(input.value) : input.checked; };
  const body = Object.fromEntries(fields.map((field) => [field.key, value(field)]));
  if (verb === "promote" && !body.full) delete body.full;
  await (weight ? order("PUT", path(route, "weight"), body) : order("POST", path(route, "rollout/" + verb), body));
  say(`${name}: done.`);
}

async function confirmed(event) {
  event.preventDefault();
  if (!$("token-field").hidden) token.set($("token-input").value.trim());
  $("token-input").value = "";
  $("dialog-yes").disabled = true;
  try {
    if (pending) await send(pending);
    else connect();
    $("dialog").close();
  } catch (error) {
    if (error.status === 401) {
      $("token-field").hidden = false;
      $("token-input").focus();
    }
    $("dialog-trouble").hidden = false;
    text($("dialog-trouble"), error.message);
  } finally {
    $("dialog-yes").disabled = false;
    $("token").hidden = token.get() === "";
  }
}

// ---- the frame

function say(what) {
  text($("said"), what);
}

function trouble(error) {
  if (error && error.status === 401) {
    $("token").hidden = token.get() === "";
    askForToken(error.message);
  }
  $("trouble").hidden = !error;
  text($("trouble"), error ? error.message : "");
}

function showHealth(status) {
  const state = status.state, facts = [status.ready ? "ready" : `not ready: ${status.notReady}`, `${status.workers.count} workers`,
    `${words.count(status.workers.connections)} connections`, `up ${words.duration(status.uptime)}`, `version ${status.version}`];
  text($("health"), facts.join(" · "));
  $("health").classList.toggle("bad", !status.ready);
  if (state.failing) trouble(new Error(`The state cannot be saved, so nothing moves forward: ${state.problem}`));
  else trouble(null);
}

function showStatus(status) {
  const route = status.routes[0];

  page.status = status;
  showHealth(status);
  if (!route) return;
  expectReport(route.rollout);
  page.lived.push(rowOfStatus(status.time, route));
  if (page.lived.length > 2 * LIVE_S) page.lived.splice(0, LIVE_S);
  if (document.hidden) return; // nobody looks
  charts.late(route.slo && route.slo.threshold);
  showRoute(route);
  showActions(route);
  showPlan(route);
  showEvidence(route);
  showSides(route);
  showTargets(status);
  if (Date.now() - page.asked > Math.max(10, page.step || 10) * 1000) readHistory();
  else showCharts();
}

function onEvent(name, data) {
  if (name === "overview") {
    page.overview = data.routes;
    showRoutes();
    if (!page.route && data.routes.length) {
      const wanted = decodeURIComponent(location.hash.slice(1));
      choose(data.routes.some((route) => route.name === wanted) ? wanted : data.routes[0].name);
    }
  } else if (name === "status") {
    showStatus(data);
  } else if (name === "decision") {
    addDecision(data);
    showDecisions();
    if (data.weight && data.weight.from !== data.weight.to)
      say(`${data.action}: ${data.route} from ${words.percent(data.weight.from)} to ${words.percent(data.weight.to)}. ${data.text || ""}`);
  }
}

function onState(state, error) {
  text($("live"), state === "live" ? "live" : "reconnecting");
  $("live").classList.toggle("lost", state !== "live");
  document.body.classList.toggle("stale", state !== "live");
  if (error) trouble(error.status ? error : new Error("The connection to penstock is lost; what is shown is old."));
  else trouble(null);
}

function connect() {
  if (page.stream) page.stream.close();
  const query = page.route ? "events=overview,status,decision&route=" + encodeURIComponent(page.route) : "events=overview";
  page.stream = listen(query, { event: onEvent, state: onState });
}

// Light, dark, or as the system has it; the choice is not kept.
function nextTheme() {
  const order = ["", "light", "dark"], names = ["as the system has them", "light", "dark"];
  const next = (order.indexOf(document.documentElement.dataset.theme || "") + 1) % 3;
  if (order[next]) document.documentElement.dataset.theme = order[next];
  else delete document.documentElement.dataset.theme;
  $("theme").setAttribute("aria-label", "Colours: " + names[next]);
  charts.repaint();
}

$("find").addEventListener("input", showRoutes);
$("find").addEventListener("keydown", (event) => {
  const first = [...rows.values()].find((parts) => !parts.item.hidden);
  if (event.key === "Enter" && first) first.button.click();
});
$("find-target").addEventListener("input", () => page.status && showTargets(page.status));
$("moves").addEventListener("change", showDecisions);
$("theme").addEventListener("click", nextTheme);
$("token").addEventListener("click", () => { token.forget(); $("token").hidden = true; say("The token is forgotten."); });
$("form").addEventListener("submit", confirmed);
$("dialog-no").addEventListener("click", () => $("dialog").close());
document.addEventListener("keydown", (event) => {
  if (event.key !== "/" || /^(INPUT|TEXTAREA)$/.test(document.activeElement.tagName) || $("dialog").open) return;
  $("find").focus();
  event.preventDefault();
});
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => charts.repaint());
window.addEventListener("hashchange", () => {
  const name = decodeURIComponent(location.hash.slice(1));
  if (page.overview.some((route) => route.name === name)) choose(name);
});

$("token").hidden = token.get() === "";
makeRanges();
connect();
