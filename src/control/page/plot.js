// What the charts of the dashboard and those of a report have in common: seven kinds, one beside the other, with one
// cursor. Dygraphs (a global, from its package) draws; it is given numbers only, and every name stands in elements of our own.

import { el } from "./dom.js";
import { figure, ms, percent } from "./words.js";

export const share = (part, whole) => (whole > 0 && part !== null ? (100 * part) / whole : null);

// What is drawn. `weight` gives the two values of a row for the first; `each(f)` makes of f, which takes a side or
// a point, what gives the values of a row for the others.
export const kindsOf = (weight, each) => [
  { id: "weight", title: "Weight, and share that came of it", unit: percent, wide: true, top: 100, line: weight },
  { id: "rate", title: "Requests a second", unit: figure, line: each((of) => of.rate) },
  { id: "errors", title: "Errors", unit: percent, line: each((of) => share(of.errors, of.requests)) },
  { id: "late", title: "Late", unit: percent, line: each((of) => share(of.slow, of.timed ?? of.requests)) },
  { id: "p50", title: "p50", unit: ms, line: each((of) => of.p50) },
  { id: "p95", title: "p95", unit: ms, line: each((of) => of.p95) },
  { id: "p99", title: "p99", unit: ms, line: each((of) => of.p99) },
];

// Of its plugins only these: the legend would set styles inline, which the policy of the page forbids.
const { Grid, Axes } = window.Dygraph.Plugins;
window.Dygraph.PLUGINS = [Grid, Axes];

// Custom properties as colours that a canvas takes: they keep light-dark() unresolved, `color` does not.
export function colours(...names) {
  const probe = el("span", { class: "unseen" });
  document.body.append(probe);
  const found = names.map((name) => {
    probe.style.setProperty("color", `var(${name})`);
    return getComputedStyle(probe).color;
  });
  probe.remove();
  return found;
}

// Whoever extends it has in `data` the rows as they are drawn, in `marks` [{time (ms), back}] where the weight was moved,
// in `window` [from, to] (ms), and says by read(index, on) what the values of a row are, and by tick(date) a time.
export class Plots {
  data = [];
  marks = [];
  window = [0, 1];

  make(kind, words = kind.title) {
    const title = el("span", { class: "chart-title", text: words });
    const value = el("span", { class: "chart-value" });
    const canvas = el("div", { class: "canvas" });
    const frame = el("figure", { class: kind.wide ? "chart wide" : "chart", tabindex: "0", role: "img" },
      el("figcaption", {}, title, value), canvas);
    return { kind, title, value, canvas, frame, graph: null };
  }

  file(kind) {
    return this.data.map((row) => [new Date(row.time), ...kind.line(row)]);
  }

  range(kind, file) {
    const top = Math.max(0, ...file.flatMap((row) => row.slice(1)).filter((value) => value !== null));
    return [0, kind.top ? kind.top * 1.04 : top * 1.15 || 1];
  }

  // `lines`: the name, the colour and further options of each; those of the weight are the same everywhere.
  // `more`: options of the chart.
  graph({ kind, canvas }, file, lines, more = {}) {
    const [grid, bad, good, canary, ink] = colours("--grid", "--bad", "--good", "--canary", "--ink");
    const axis = { axisLineColor: "transparent", gridLineColor: grid, gridLineWidth: 1 };
    const drawn = kind.id !== "weight" ? lines : [
      { name: "weight", colour: canary, stepPlot: true, fillGraph: true, strokeWidth: 2 },
      { name: "share", colour: ink, strokeWidth: 1, strokePattern: [3, 3] }];
    return new window.Dygraph(canvas, file, {
      labels: ["time", ...drawn.map(({ name }) => name)],
      colors: drawn.map((line) => line.colour),
      series: Object.fromEntries(drawn.map(({ name, colour, ...options }) => [name, options])),
      fillAlpha: 0.18, legend: "never", interactionModel: {}, highlightCircleSize: 3, rightGap: 4,
      dateWindow: this.window, valueRange: this.range(kind, file),
      axes: {
        x: { ...axis, drawGrid: false, pixelsPerLabel: 70, axisLabelFormatter: (date) => this.tick(date) },
        y: { ...axis, pixelsPerLabel: 26, axisLabelWidth: 46, axisLabelFormatter: (n) => figure(n) },
      },
      underlayCallback: (context, area, graph) => this.mark(context, area, graph, bad, good),
      highlightCallback: (event, x, points, row) => this.read(row, true),
      unhighlightCallback: () => this.leave(),
      ...more,
    });
  }

  // Where the weight was moved, and whereto.
  mark(context, area, graph, bad, good) {
    for (const { time, back } of this.marks) {
      if (time < this.window[0] || time > this.window[1]) continue;
      const x = Math.round(graph.toDomXCoord(time)) + 0.5;
      context.save();
      context.strokeStyle = back ? bad : good;
      context.globalAlpha = 0.55;
      context.setLineDash([2, 3]);
      context.beginPath();
      context.moveTo(x, area.y);
      context.lineTo(x, area.y + area.h);
      context.stroke();
      context.restore();
    }
  }

  resize() {
    this.charts.forEach(({ graph }) => graph && graph.resize());
  }

  // ---- the cursor: undefined, or the row that the reader asked for

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
}
