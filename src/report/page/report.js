// The page of a report (report/html): draws what stands in #data. It asks for nothing and knows nothing else; dom.js,
// words.js and plot.js of the dashboard stand before it in one script. Names of logs are only ever text.

const report = JSON.parse($("data").textContent);
const SHOWN = 8; // series on a chart
const inks = ["--wait", "--good", "--bad", "--warn", "--dim", "--accent"];

const utc = (time) => new Date(time).toISOString().replace("T", " ").slice(0, 19);
const routeName = (route) => route.name || "all routes";
const seriesName = (series) => {
  const { platform, group } = series;
  return (platform && group && platform !== group ? `${platform} / ${group}` : platform || group) || "no group";
};

// How many seconds of a point the report has: the first one and the last are cut off.
function covered(time) {
  const from = Math.max(time, Date.parse(report.from) / 1000), to = Math.min(time + report.step, Date.parse(report.to) / 1000);
  return Math.max(1, Math.round(to - from));
}

// ---- a route as rows: [time (ms), point of each series, weight, share]

function rowsOf(route, list) {
  const rows = new Map(), end = Date.parse(report.to);
  const at = (time) => {
    // a point stands at its end: its weight is the one that it ended with
    if (!rows.has(time)) rows.set(time, { time: Math.min((time + report.step) * 1000, end), points: list.map(() => null), weight: null, share: null });
    return rows.get(time);
  };
  list.forEach((series, n) => {
    const columns = series.points;
    (columns.time || []).forEach((time, i) => {
      const pick = (name) => columns[name][i];
      at(time).points[n] = { requests: pick("requests"), rate: pick("requests") / covered(time), errors: pick("errors"), slow: pick("slow"),
        timed: pick("timed"), p50: pick("p50"), p95: pick("p95"), p99: pick("p99") };
    });
  });
  (route.weight.time || []).forEach((time, i) => {
    const row = at(time);
    row.weight = route.weight.weight[i];
    row.share = route.weight.share[i];
  });
  return [...rows.values()].sort((a, b) => a.time - b.time);
}

// Where nothing was seen for a while no line is drawn.
function withGaps(rows) {
  const step = report.step * 1000, list = [];
  rows.forEach((row, i) => {
    if (i > 0 && row.time - rows[i - 1].time > 3.5 * step)
      list.push({ time: rows[i - 1].time + step, points: row.points.map(() => null), weight: null, share: null });
    list.push(row);
  });
  return list;
}

const each = (value) => (row) => row.points.map((point) => (point && point.requests > 0 ? value(point) : null));
const kinds = kindsOf((row) => [row.weight, row.share], each);

// ---- colours

// Blue is stable and amber the canary, as on the dashboard; what is neither has the rest.
function inksOf(list) {
  const used = new Set();
  let next = 0;
  return list.map((series) => {
    const own = { stable: "--stable", canary: "--canary" }[series.side];
    const ink = own && !used.has(own) ? own : list.some((other) => other.side) ? inks[next++ % inks.length]
      : ["--stable", "--canary", ...inks][next++ % (inks.length + 2)];
    used.add(ink);
    return ink;
  });
}

// ---- charts

class Charts extends Plots {
  constructor(route, list) {
    super();
    this.list = list;
    this.inks = inksOf(list);
    this.data = withGaps(rowsOf(route, list));
    this.window = [Date.parse(report.from), Math.max(Date.parse(report.to), Date.parse(report.from) + report.step * 1000)];
    this.marks = report.decisions.filter((decision) => decision.from !== decision.to && (!route.name || decision.route === route.name))
      .map(({ time, from, to }) => ({ time: Date.parse(time), back: to < from }));
    const drawn = kinds.filter((kind) => this.data.some((row) => kind.line(row).some((value) => value !== null)));
    this.charts = drawn.map((kind) => this.make(kind, kind.id === "late" && route.slo ? `Later than ${ms(route.slo.threshold)}` : kind.title));
    this.place = el("div", { class: "charts", onkeydown: (event) => this.key(event) }, this.charts.map((chart) => chart.frame));
  }

  // Once the place is part of the page, and when colours have changed.
  draw() {
    const lines = colours(...this.inks).map((colour, i) => ({ name: "s" + i, colour, strokeWidth: 1.7 }));
    for (const chart of this.charts) {
      if (chart.graph) chart.graph.destroy();
      chart.graph = this.graph(chart, this.file(chart.kind), lines, { labelsUTC: true, drawPoints: this.data.length === 1 });
    }
    this.read(this.data.length - 1);
  }

  tick(date) {
    const span = this.window[1] - this.window[0];
    if (span > 2 * 86400e3) return utc(date).slice(5, 10);
    return utc(date).slice(11, span < 10 * 60e3 ? 19 : 16);
  }

  // The values of a row on all charts; `on`: the reader asked for it.
  read(index, on = false) {
    const row = this.data[index];
    this.cursor = on ? index : undefined;
    for (const { kind, title, value, frame, graph } of this.charts) {
      const values = row ? kind.line(row) : [];
      const names = kind.id === "weight" ? ["weight", "share"] : this.list.map(seriesName);
      const paints = kind.id === "weight" ? ["--canary", "--ink"] : this.inks;
      fill(value, on && row ? el("span", { class: "dim", text: utc(row.time) }) : null,
        values.map((n, i) => el("span", { text: kind.unit(n), style: { color: `var(${paints[i]})` } })));
      frame.setAttribute("aria-label", `${title.textContent}: ${names.map((name, i) => `${name} ${kind.unit(values[i])}`).join(", ")}`);
      if (graph && on) graph.setSelection(index);
    }
  }
}

// ---- tables

const number = (words) => el("td", { class: "number", text: words });

function summary(route) {
  const all = route.series.reduce((sum, series) => sum + series.requests, 0);
  const ofIntervals = report.percentilesOf === "intervals" ? "medians of the intervals' percentiles" : null;
  const heads = ["Platform", "Group", "Side", "Requests", "Share", "Errors", "Late", "p50", "p95", "p99", "Last seen (UTC)"];
  const drawn = route.series.slice(0, SHOWN), paints = inksOf(drawn);
  return el("div", { class: "scroll" }, el("table", { class: "report" },
    ofIntervals ? el("caption", { class: "dim", text: ofIntervals }) : null,
    el("thead", {}, el("tr", {}, heads.map((head, i) => el("th", { scope: "col", class: i > 2 ? "number" : null, text: head })))),
    el("tbody", {}, route.series.map((series, i) => el("tr", {},
      el("th", { scope: "row" }, el("b", { text: series.platform || "–", style: { color: i < SHOWN ? `var(${paints[i]})` : "inherit" } })),
      el("td", { text: series.group || "–" }), el("td", { text: series.side || "–" }),
      number(count(series.requests)), number(percent(share(series.requests, all))),
      number(percent(share(series.errors, series.requests))), number(percent(share(series.slow, series.timed))),
      number(ms(series.p50)), number(ms(series.p95)), number(ms(series.p99)), number(utc(series.last)))))));
}

function failures(route) {
  const told = ["served", "answered", "upgraded", "mirrored"];
  const lines = route.series.map((series) => [series, Object.entries(series.outcomes).filter(([name]) => !told.includes(name))])
    .filter(([, outcomes]) => outcomes.length);
  return lines.map(([series, outcomes]) => el("p", { class: "dim" }, el("b", { text: seriesName(series) + ": " }),
    outcomes.sort((a, b) => b[1] - a[1]).map(([name, n]) => `${count(n)} ${name.replace(/_/g, " ")}`).join(", ")));
}

function residual(route) {
  return route.series.filter((series) => series.residual).map((series) => {
    const { requests, first, last, assignments, clients, distinctClients } = series.residual;
    const from = clients.length ? `, from ${distinctClients ? count(distinctClients) : "many"} clients` : "";
    const ways = Object.entries(assignments).map(([way, n]) => `${count(n)} ${way}`).join(", ") || "in intervals that were at 100 % from their beginning";
    return el("section", { class: "card" },
      el("h2", {}, "Residual traffic ", el("span", { class: "dim", text: seriesName(series) })),
      el("p", { text: `${count(requests)} requests still came when none should, from ${utc(first)} to ${utc(last)} UTC (${ways})${from}.` }),
      clients.length ? el("div", { class: "scroll" }, el("table", {},
        el("thead", {}, el("tr", {}, el("th", { scope: "col", text: "Client" }), el("th", { scope: "col", class: "number", text: "Requests" }),
          el("th", { scope: "col", class: "number", text: "Last seen (UTC)" }))),
        el("tbody", {}, clients.map((client) => el("tr", {}, el("th", { scope: "row", text: client.client }),
          number((client.atMostTooMany ? "at most " : "") + count(client.requests)), number(utc(client.last))))))) : null);
  });
}

function decisions(route) {
  const list = report.decisions.filter((decision) => !route.name || decision.route === route.name);
  if (!list.length) return null;
  const tone = { forward: "good", promote: "good", rollback: "bad", retreat: "warn" };
  return el("section", { class: "card" }, el("h2", { text: "Decisions" }),
    el("ol", { class: "decisions", tabindex: "0", "aria-label": "Decisions" }, list.map((decision) => el("li", {},
      el("time", { text: utc(decision.time), datetime: decision.time }), el("b", { class: tone[decision.action] || "", text: decision.action }),
      el("span", { text: decision.from === decision.to ? `at ${percent(decision.to)}` : `${percent(decision.from)} to ${percent(decision.to)}` }),
      el("span", { class: "why", text: `${reasonName(decision.reason)}: ${decision.text}` })))),
    report.decisionsLeftOut ? el("p", { class: "dim", text: `${count(report.decisionsLeftOut)} more are left out` }) : null);
}

// ---- the lines

function lines() {
  const said = report.lines;
  if (!said) return null;
  const counts = [[said.unreadable, `could not be read; the first: ${said.firstUnreadable}`], [said.withoutRoute, "ended before a route was known"],
    [said.copies, "are of copies"], [said.outside, "are outside the time asked for"], [said.otherRoutes, "are of other routes"],
    [said.metrics, "are of metrics"], [said.notToldApart, "belong to more routes or groups than a report can tell apart"]];
  const lacks = Object.entries(report.lacks).map(([preset, facts]) => `lines of ${preset} do not say: ${facts.join(", ")}`);
  return el("section", { class: "card" }, el("h2", { text: "Lines" }),
    el("p", { text: `${count(said.read)} read from ${count(said.files)} ${said.files === 1 ? "file" : "files"}` }),
    el("ul", { class: "plain" }, lacks.map((words) => el("li", { class: "warn", text: words })),
      counts.filter(([n]) => n).map(([n, words]) => el("li", { text: `${count(n)} ${words}` })),
      said.sampled ? el("li", { text: "some stand for others that were not written (sample_rate), which are counted" }) : null));
}

// ---- the page

let charts = null;

function show(route) {
  const drawn = route.series.slice(0, SHOWN), paints = inksOf(drawn);
  charts = new Charts(route, drawn);
  fill($("route"),
    el("section", { class: "card" }, el("div", { class: "title" }, el("h2", { text: "Route " + routeName(route) }),
      route.slo ? el("span", { class: "dim", text: `late: later than ${ms(route.slo.threshold)}` }) : null), summary(route), failures(route)),
    el("section", { class: "card" }, el("div", { class: "title" }, el("h2", {}, "Over time ", el("span", { class: "dim", text: "UTC" })),
      el("p", { class: "legend" }, drawn.map((series, i) => el("span", { class: "key", text: seriesName(series), style: { color: `var(${paints[i]})` } })),
        route.series.length > SHOWN ? el("span", { class: "dim", text: `and ${route.series.length - SHOWN} more in the table` }) : null)), charts.place),
    residual(route), decisions(route));
  charts.draw();
  for (const button of document.querySelectorAll("[data-route]")) button.setAttribute("aria-checked", String(button.dataset.route === route.name));
}

function chooser() {
  if (report.routes.length < 2) return null;
  const total = (route) => route.series.reduce((sum, series) => sum + series.requests, 0);
  const buttons = [...report.routes].sort((a, b) => total(b) - total(a)).map((route) =>
    el("button", { type: "button", role: "radio", "data-route": route.name, onclick: () => show(route) }, el("span", { text: routeName(route) }),
      el("span", { class: "dim", text: " " + count(total(route)) })));
  const find = el("input", { type: "search", placeholder: "Find a route", "aria-label": "Find a route",
    oninput: () => buttons.forEach((button) => { button.hidden = !button.textContent.includes(find.value); }) });
  return el("section", { class: "card" }, buttons.length > 12 ? find : null,
    el("div", { class: "choice", role: "radiogroup", "aria-label": "Route" }, buttons));
}

text($("title"), report.title);
document.title = report.title + ": penstock report";
text($("span"), report.from ? `${utc(report.from)} to ${utc(report.to)} UTC, in points of ${duration(report.step)}` : "no request is in it");
text($("made"), `made ${utc(report.made)} UTC by penstock ${report.version}`);
fill($("choose"), chooser());
fill($("lines"), lines());
if (report.routes.length) show([...report.routes].sort((a, b) => b.series.length - a.series.length)[0]);
new ResizeObserver(() => charts && charts.resize()).observe($("route"));
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => charts && charts.draw());
