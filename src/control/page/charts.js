// The charts: what the history and the stream say about one route, by time, on seven charts with one cursor. Dygraphs
// (a global, from its package) draws; it is given numbers only, and every name stands in elements of our own.

import { el, fill, text } from "./dom.js";
import { clock, figure, ms, percent } from "./words.js";

const share = (part, whole) => (whole > 0 && part !== null ? (100 * part) / whole : null);

// What is drawn. `line` gives the values of a row: of the one line, or of stable and canary.
const kinds = [
  { id: "weight", title: "Weight, and share that came of it", unit: percent, wide: true, top: 100,
    line: (row) => [row.weight, row.share] },
  { id: "rate", title: "Requests a second", unit: figure, line: (row) => both(row, (side) => side.rate) },
  { id: "errors", title: "Errors", unit: percent, line: (row) => both(row, (side) => share(side.errors, side.requests)) },
  { id: "late", title: "Late", unit: percent, line: (row) => both(row, (side) => share(side.slow, side.requests)) },
  { id: "p50", title: "p50", unit: ms, line: (row) => both(row, (side) => side.p50) },
  { id: "p95", title: "p95", unit: ms, line: (row) => both(row, (side) => side.p95) },
  { id: "p99", title: "p99", unit: ms, line: (row) => both(row, (side) => side.p99) },
];

function both(row, value) {
  return ["stable", "canary"].map((side) => {
    const got = row[side] && row[side].requests > 0 ? value(row[side]) : null;
    return got === undefined ? null : got;
  });
}

// ---- rows: {time (ms), weight, share, stable, canary}

export function rowsOfHistory(history) {
  const rows = new Map(), now = Date.now();
  for (const series of history.series) {
    series.time.forEach((time, i) => {
      // an interval stands at its end: its weight is the one that it ended with
      const row = rows.get(time) || { time: Math.min((time + history.step) * 1000, now), weight: null };
      const requests = series.requests[i];
      row[series.side] = { requests, errors: series.errors[i], slow: series.slow[i], p50: series.p50[i],
        p95: series.p95[i], p99: series.p99[i], rate: requests / Math.max(series.seconds[i], 0.001) };
      row.weight = series.weight[i];
      rows.set(time, row);
    });
  }
  const list = [...rows.values()].sort((a, b) => a.time - b.time);
  list.forEach(addShare);
  return list;
}

export function rowOfStatus(time, route) {
  const row = { time: new Date(time).getTime(), weight: route.weight };
  for (const side of ["stable", "canary"]) {
    const view = route[side] && route[side].recent;
    if (view) row[side] = { ...view, rate: view.requests / Math.max(view.seconds, 0.001) };
  }
  addShare(row);
  return row;
}

function addShare(row) {
  const of = (side) => (row[side] ? row[side].requests : 0);
  row.share = row.canary ? share(of("canary"), of("stable") + of("canary")) : null;
}

// ---- drawing

// Of its plugins only these: the legend would set styles inline, which the policy of the page forbids.
const { Grid, Axes } = window.Dygraph.Plugins;
window.Dygraph.PLUGINS = [Grid, Axes];

// Colours as numbers that a canvas takes: custom properties keep light-dark() unresolved, `color` does not.
function colours() {
  const probe = el("span", { class: "unseen" });
  document.body.append(probe);
  const of = (name) => {
    probe.style.setProperty("color", `var(${name})`);
    return getComputedStyle(probe).color;
  };
  const set = { stable: of("--stable"), canary: of("--canary"), grid: of("--grid"), dim: of("--dim"), bad: of("--bad"),
    good: of("--good"), ink: of("--ink") };
  probe.remove();
  return set;
}

export class Charts {
  constructor(place) {
    this.place = place;
    this.rows = [];
    this.marks = [];
    this.window = [0, 1];
    this.charts = kinds.map((kind) => this.make(kind));
    fill(place, this.charts.map((chart) => chart.frame));
    place.addEventListener("keydown", (event) => this.key(event));
    new ResizeObserver(() => this.charts.forEach((chart) => chart.graph && chart.graph.resize())).observe(place);
  }

  make(kind) {
    const title = el("span", { class: "chart-title", text: kind.title });
    const value = el("span", { class: "chart-value" });
    const canvas = el("div", { class: "canvas" });
    const frame = el("figure", { class: kind.wide ? "chart wide" : "chart", tabindex: "0", role: "img" },
      el("figcaption", {}, title, value), canvas);
    return { kind, title, value, canvas, frame, graph: null };
  }

  // rows, decisions to mark, [from, to] in ms, and the names for the readers
  show(rows, marks, window, names) {
    Object.assign(this, { rows, marks, window, names });
    const step = rows.length > 1 ? median(rows) : 1000;
    this.data = withGaps(rows, step);
    this.charts.forEach((chart) => this.draw(chart));
    if (this.cursor === undefined) this.read(this.data.length - 1);
  }

  // Colours have changed.
  repaint() {
    this.charts.forEach((chart) => {
      if (chart.graph) chart.graph.destroy();
      chart.graph = null;
    });
    if (this.data) this.charts.forEach((chart) => this.draw(chart));
  }

  draw(chart) {
    const { kind } = chart;
    const file = this.data.map((row) => [new Date(row.time), ...(row.gap ? [null, null] : kind.line(row))]);
    const values = file.flatMap((row) => row.slice(1)).filter((value) => value !== null);
    const top = Math.max(0, ...values);
    const range = kind.top ? [0, kind.top * 1.04] : [0, top > 0 ? top * 1.15 : 1];

    chart.frame.classList.toggle("empty", values.length === 0);
    if (file.length === 0) file.push([new Date(this.window[1]), null, null]);
    if (chart.graph) chart.graph.updateOptions({ file, dateWindow: this.window, valueRange: range });
    else chart.graph = this.graph(chart, file, range);
  }

  graph(chart, file, range) {
    const paint = colours();
    const axis = { axisLineColor: "transparent", gridLineColor: paint.grid, gridLineWidth: 1, drawGrid: true };
    const weight = chart.kind.id === "weight";
    return new window.Dygraph(chart.canvas, file, {
      labels: ["time", "stable", "canary"],
      colors: weight ? [paint.canary, paint.ink] : [paint.stable, paint.canary],
      series: weight
        ? { stable: { stepPlot: true, fillGraph: true, strokeWidth: 2 }, canary: { strokeWidth: 1, strokePattern: [3, 3] } }
        : { stable: { strokeWidth: 1.6 }, canary: { strokeWidth: 2 } },
      fillAlpha: 0.18, legend: "never", interactionModel: {}, connectSeparatedPoints: false,
      highlightCircleSize: 3, rightGap: 4, dateWindow: this.window, valueRange: range, xRangePad: 0,
      axes: {
        x: { ...axis, drawGrid: false, pixelsPerLabel: 70, axisLabelFormatter: (date) => this.tick(date) },
        y: { ...axis, pixelsPerLabel: 26, axisLabelWidth: 46, axisLabelFormatter: (n) => figure(n) },
      },
      underlayCallback: (context, area, graph) => this.mark(context, area, graph, paint),
      highlightCallback: (event, x, points, row) => this.read(row, true),
      unhighlightCallback: () => this.leave(),
    });
  }

  tick(date) {
    const span = this.window[1] - this.window[0];
    if (span > 2 * 86400e3) return date.toLocaleDateString(undefined, { weekday: "short", day: "numeric" });
    return clock(date, span < 10 * 60e3);
  }

  // Where the weight was moved, and whereto.
  mark(context, area, graph, paint) {
    for (const { time, back } of this.marks) {
      if (time < this.window[0] || time > this.window[1]) continue;
      const x = Math.round(graph.toDomXCoord(time)) + 0.5;
      context.save();
      context.strokeStyle = back ? paint.bad : paint.good;
      context.globalAlpha = 0.55;
      context.setLineDash([2, 3]);
      context.beginPath();
      context.moveTo(x, area.y);
      context.lineTo(x, area.y + area.h);
      context.stroke();
      context.restore();
    }
  }

  // ---- the cursor

  // Shows the values of a row on all charts; `on`: the reader asked for it.
  read(index, on = false) {
    const row = this.data[index];
    this.cursor = on ? index : undefined;
    for (const { kind, value, frame, graph } of this.charts) {
      const values = row && !row.gap ? kind.line(row) : [null, null];
      const names = kind.id === "weight" ? ["weight", "share"] : [this.names.stable, this.names.canary];
      const said = names.map((name, i) => (name ? `${name} ${kind.unit(values[i])}` : null)).filter(Boolean);
      text(value, "");
      names.forEach((name, i) => name && value.append(
        el("span", { class: kind.id === "weight" ? ["canary", "ink"][i] : ["stable", "canary"][i], text: kind.unit(values[i]) })));
      if (on && row) value.prepend(el("span", { class: "dim", text: clock(new Date(row.time)) }));
      frame.setAttribute("aria-label", `${kind.title}: ${said.join(", ")}`);
      if (graph && on) graph.setSelection(index);
    }
  }

  leave() {
    this.charts.forEach(({ graph }) => graph && graph.clearSelection());
    this.cursor = undefined;
    this.read(this.data.length - 1);
  }

  key(event) {
    const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    if (event.key === "Escape") this.leave();
    if (!step || !this.data.length) return;
    const at = this.cursor === undefined ? this.data.length : this.cursor;
    this.read(Math.min(this.data.length - 1, Math.max(0, at + step)), true);
    event.preventDefault();
  }

  late(threshold) {
    const chart = this.charts.find(({ kind }) => kind.id === "late");
    text(chart.title, threshold ? `Later than ${ms(threshold)}` : "Late (no SLO)");
  }
}

function median(rows) {
  const steps = rows.slice(1).map((row, i) => row.time - rows[i].time).sort((a, b) => a - b);
  return steps[Math.floor(steps.length / 2)];
}

// Where nothing was seen for a while no line is drawn.
function withGaps(rows, step) {
  const list = [];
  rows.forEach((row, i) => {
    if (i > 0 && row.time - rows[i - 1].time > Math.max(3.5 * step, 15000))
      list.push({ time: rows[i - 1].time + step, gap: true });
    list.push(row);
  });
  return list;
}

