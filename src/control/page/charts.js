// The charts of the dashboard: what the history and the stream say about one route, by time.

import { el, fill, text } from "./dom.js";
import { clock, ms } from "./words.js";
import { Plots, colours, kindsOf, share } from "./plot.js";

// The values of stable and canary; of a row in which nothing was seen, none.
const both = (value) => (row) => ["stable", "canary"].map((side) => {
  const got = row[side] && row[side].requests > 0 ? value(row[side]) : null;
  return got === undefined ? null : got;
});
const kinds = kindsOf((row) => (row.gap ? [null, null] : [row.weight, row.share]), both);

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

export class Charts extends Plots {
  constructor(place) {
    super();
    this.charts = kinds.map((kind) => this.make(kind));
    fill(place, this.charts.map((chart) => chart.frame));
    place.addEventListener("keydown", (event) => this.key(event));
    new ResizeObserver(() => this.resize()).observe(place);
  }

  // rows, decisions to mark, [from, to] in ms, and the names for the readers
  show(rows, marks, window, names) {
    Object.assign(this, { marks, window, names, shown: true });
    this.data = withGaps(rows, rows.length > 1 ? median(rows) : 1000);
    this.charts.forEach((chart) => this.draw(chart));
    if (this.cursor === undefined) this.read(this.data.length - 1);
  }

  // Colours have changed.
  repaint() {
    this.charts.forEach((chart) => {
      if (chart.graph) chart.graph.destroy();
      chart.graph = null;
    });
    if (this.shown) this.charts.forEach((chart) => this.draw(chart));
  }

  draw(chart) {
    const { kind } = chart;
    const file = this.file(kind);

    chart.frame.classList.toggle("empty", !file.some((row) => row.slice(1).some((value) => value !== null)));
    if (file.length === 0) file.push([new Date(this.window[1]), null, null]);
    if (chart.graph) {
      chart.graph.updateOptions({ file, dateWindow: this.window, valueRange: this.range(kind, file) });
      return;
    }
    const [stable, canary] = colours("--stable", "--canary");
    chart.graph = this.graph(chart, file, [
      { name: "stable", colour: stable, strokeWidth: 1.6 }, { name: "canary", colour: canary, strokeWidth: 2 }]);
  }

  tick(date) {
    const span = this.window[1] - this.window[0];
    if (span > 2 * 86400e3) return date.toLocaleDateString(undefined, { weekday: "short", day: "numeric" });
    return clock(date, span < 10 * 60e3);
  }

  // Shows the values of a row on all charts; `on`: the reader asked for it.
  read(index, on = false) {
    const row = this.data[index];
    this.cursor = on ? index : undefined;
    for (const { kind, value, frame, graph } of this.charts) {
      const values = row ? kind.line(row) : [null, null];
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

