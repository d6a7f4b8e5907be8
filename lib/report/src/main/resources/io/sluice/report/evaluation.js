"use strict";
(() => {
  const root = document.documentElement;
  window.addEventListener("error", e => { root.dataset.error = e.message; });

  const data = JSON.parse(document.getElementById("data").textContent);
  const byId = id => document.getElementById(id);
  let plots = [];

  const color = name => getComputedStyle(root).getPropertyValue("--" + name).trim();
  const utc = ts => uPlot.tzDate(new Date(ts), "Etc/UTC");
  /* tick labels: [least increment, usual, …, at a new year, …, at a new day] */
  const day = 86400e3, ticks = [
    [365 * day, "{YYYY}", null, null, null, null, null, null, 1],
    [28 * day, "{MMM}", "\n{YYYY}", null, null, null, null, null, 1],
    [day, "{D} {MMM}", "\n{YYYY}", null, null, null, null, null, 1],
    [60e3, "{HH}:{mm}", "\n{D} {MMM} {YYYY}", null, "\n{D} {MMM}", null, null, null, 1],
    [1, "{HH}:{mm}:{ss}", "\n{D} {MMM} {YYYY}", null, "\n{D} {MMM}", null, null, null, 1],
  ];
  const digits = v => v == null ? "–" : Number(v).toPrecision(4);

  function axis(extra) {
    return Object.assign({
      stroke: color("muted"), grid: { stroke: color("grid"), width: 1 },
      ticks: { stroke: color("grid"), width: 1 }, font: "12px system-ui, sans-serif",
    }, extra);
  }

  function draw(host, height, options, columns) {
    const width = Math.max(240, host.clientWidth);
    const plot = new uPlot(Object.assign({ width, height, ms: 1, tzDate: utc }, options), columns, host);
    plots.push({ plot, host });
    return plot;
  }

  /* error per horizon step */
  function steps() {
    const host = byId("step-chart");
    if (!host) return;
    const metric = byId("step-metric").value;
    const n = data.byStep[metric].length;
    const x = Array.from({ length: n }, (_, i) => i + 1);
    const palette = ["c0", "c1", "c2", "c3"];
    const points = { show: n < 3, size: 7 };
    const series = [{ label: "step" }, {
      label: "Model", stroke: color("model"), width: 3, value: (u, v) => digits(v), points,
    }];
    const columns = [x, data.byStep[metric]];
    data.baselines.forEach((b, i) => {
      series.push({ label: b.name, stroke: color(palette[i % 4]), width: 1.5, dash: [[], [6, 4], [2, 3], [8, 3, 2, 3]][i % 4],
        value: (u, v) => digits(v), points });
      columns.push(b.byStep[metric]);
    });
    draw(host, 280, {
      series,
      scales: { x: { time: false }, y: { range: (u, lo, hi) => [0, hi > 0 ? hi * 1.05 : 1] } },
      axes: [axis({ label: "horizon step", labelSize: 20, labelFont: "12px system-ui, sans-serif",
        incrs: [1, 2, 5, 6, 10, 12, 24, 48, 96, 168, 336] }), axis({ size: 56 })],
    }, columns);
  }

  /* predicted against actual over time */
  function track(host, t) {
    const figure = document.createElement("figure");
    const caption = document.createElement("figcaption");
    const title = document.createElement("span");
    title.textContent = t.series + " · " + t.channel;
    const zoom = document.createElement("span");
    zoom.className = "zoom";
    caption.append(title, zoom);
    const chart = document.createElement("div");
    chart.className = "chart";
    chart.setAttribute("role", "img");
    chart.setAttribute("aria-label", "Predicted against actual, " + title.textContent);
    figure.append(caption, chart);
    host.append(figure);

    const isLabel = data.type === "class" || data.type === "event";
    const x = t.offsets.map(o => t.first + o * t.unit);
    const series = [{ label: t.ordinal ? "step" : "time (UTC)",
      value: (u, v) => v == null ? "–" : t.ordinal ? v : new Date(v).toISOString().slice(0, 16).replace("T", " ") }];
    const columns = [x];
    const bands = [];
    if (t.lower) {
      series.push({ label: "upper", stroke: "transparent", width: 0, points: { show: false }, value: (u, v) => digits(v) },
        { label: "lower", stroke: "transparent", width: 0, points: { show: false }, value: (u, v) => digits(v) });
      columns.push(t.upper, t.lower);
      bands.push({ series: [1, 2], fill: color("band") });
    }
    const few = x.length < 60;
    series.push({ label: "actual", stroke: color("actual"), width: isLabel ? 0 : 1.25,
      fill: isLabel ? color("band") : undefined, paths: isLabel ? uPlot.paths.stepped({ align: 1 }) : undefined,
      points: { show: few && !isLabel, size: 4 }, value: (u, v) => digits(v) });
    series.push({ label: "predicted", stroke: color("model"), width: 2, points: { show: few, size: 4 }, value: (u, v) => digits(v) });
    columns.push(t.actual, t.predicted);
    if (data.threshold != null) {
      series.push({ label: "alarm from", stroke: color("muted"), dash: [4, 4], width: 1, points: { show: false }, value: (u, v) => digits(v) });
      columns.push(x.map(() => data.threshold));
    }
    const plot = draw(chart, 240, {
      series, bands, cursor: { drag: { x: true, y: false } },
      scales: { x: { time: !t.ordinal } },
      axes: [axis(t.ordinal ? {} : { values: ticks }), axis({ size: 56 })],
    }, columns);

    const whole = [x[0], x[x.length - 1]];
    // a forecast is read step by step: start where its steps are apart
    const readable = Math.floor(chart.clientWidth / 4);
    if (data.type === "forecast" && x.length > readable) plot.setScale("x", { min: x[0], max: x[readable - 1] });
    const by = (factor, shift) => {
      const s = plot.scales.x, mid = (s.min + s.max) / 2, half = (s.max - s.min) / 2 * factor;
      const at = mid + shift * half;
      plot.setScale("x", { min: Math.max(whole[0], at - half), max: Math.min(whole[1], at + half) });
    };
    [["−", "Zoom out", () => by(2, 0)], ["+", "Zoom in", () => by(0.5, 0)], ["‹", "Earlier", () => by(1, -1)],
      ["›", "Later", () => by(1, 1)], ["all", "Show all", () => plot.setScale("x", { min: whole[0], max: whole[1] })],
    ].forEach(([text, label, action]) => {
      const button = document.createElement("button");
      button.type = "button";
      button.textContent = text;
      button.title = label;
      button.setAttribute("aria-label", label + ", " + title.textContent);
      button.addEventListener("click", action);
      zoom.append(button);
    });
  }

  function tracks() {
    const host = byId("tracks");
    if (!host) return;
    host.replaceChildren();
    const chosen = byId("track-channel").value;
    data.tracks.filter(t => t.channel === chosen && t.offsets.length > 0).forEach(t => track(host, t));
  }

  function histograms() {
    const host = byId("histograms");
    if (!host) return;
    host.replaceChildren();
    // all figures first: each is as wide as the grid leaves it
    const charts = data.histograms.map(h => {
      const figure = document.createElement("figure");
      const caption = document.createElement("figcaption");
      caption.textContent = h.name;
      const chart = document.createElement("div");
      chart.className = "chart";
      chart.setAttribute("role", "img");
      chart.setAttribute("aria-label", "Histogram of errors, " + h.name);
      figure.append(caption, chart);
      host.append(figure);
      return chart;
    });
    data.histograms.forEach((h, n) => {
      const middles = h.counts.map((_, i) => (h.edges[i] + h.edges[i + 1]) / 2);
      draw(charts[n], 200, {
        series: [{ label: "error", value: (u, v) => digits(v) }, {
          label: "share", stroke: color("model"), fill: color("band"), width: 1,
          paths: uPlot.paths.bars({ size: [1, Infinity], align: 0 }), points: { show: false },
          value: (u, v) => v == null ? "–" : (100 * v).toFixed(2) + " %",
        }],
        scales: { x: { time: false, range: [h.edges[0], h.edges[h.edges.length - 1]] },
          y: { range: (u, lo, hi) => [0, hi * 1.08 || 1] } },
        axes: [axis({ label: h.unit, labelSize: 20, labelFont: "12px system-ui, sans-serif" }),
          axis({ size: 56, values: (u, vs) => vs.map(v => (100 * v).toFixed(v < 0.01 && v > 0 ? 1 : 0) + " %") })],
      }, [middles, h.counts]);
    });
  }

  /* points (x, y) with x ascending */
  function curve(id, points, labels, chance) {
    const host = byId(id);
    if (!host) return;
    const sorted = points.slice().sort((a, b) => a[0] - b[0] || a[1] - b[1]);
    const x = sorted.map(p => p[0]);
    const series = [{ label: labels[0], value: (u, v) => digits(v) },
      { label: labels[1], stroke: color("model"), width: 2, fill: color("band"), points: { show: false }, value: (u, v) => digits(v) }];
    const columns = [x, sorted.map(p => p[1])];
    if (chance) {
      series.push({ label: "chance", stroke: color("muted"), dash: [4, 4], width: 1, points: { show: false }, value: (u, v) => digits(v) });
      columns.push(x);
    }
    draw(host, 300, {
      series, scales: { x: { time: false, range: [0, 1] }, y: { range: [0, 1.02] } },
      axes: [axis({}), axis({ size: 44 })],
    }, columns);
  }

  /* accuracy over confidence; on the diagonal a model is right as often as it says */
  function reliability() {
    const host = byId("reliability-chart");
    if (!host) return;
    const bins = data.reliability;
    const from = bins[0].from;
    const x = [from, ...bins.map(b => b.confidence), 1];
    draw(host, 300, {
      series: [{ label: "confidence", value: (u, v) => digits(v) },
        { label: "accuracy", stroke: color("model"), width: 2, points: { show: true, size: 8 }, value: (u, v) => digits(v) },
        { label: "as often as it says", stroke: color("muted"), dash: [4, 4], width: 1, points: { show: false }, value: (u, v) => digits(v) }],
      scales: { x: { time: false, range: [from, 1] }, y: { range: [0, 1.02] } },
      axes: [axis({}), axis({ size: 44 })],
    }, [x, [null, ...bins.map(b => b.accuracy), null], x]);
  }

  function all() {
    plots.forEach(p => p.plot.destroy());
    plots = [];
    steps();
    curve("roc-chart", data.roc || [], ["false-alarm rate", "recall"], true);
    curve("pr-chart", data.precisionRecall || [], ["recall", "precision"], false);
    reliability();
    tracks();
    histograms();
    root.dataset.charts = plots.length;
  }

  const channels = [...new Set(data.tracks.map(t => t.channel))];
  const select = byId("track-channel");
  if (select) {
    channels.forEach(c => select.append(new Option(c, c)));
    byId("track-controls").hidden = channels.length < 2;
    select.addEventListener("change", all);
  }
  if (byId("step-metric")) byId("step-metric").addEventListener("change", all);

  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", all);
  window.addEventListener("beforeprint", () => { root.classList.add("paper"); all(); });
  window.addEventListener("afterprint", () => { root.classList.remove("paper"); all(); });
  let pending;
  window.addEventListener("resize", () => {
    clearTimeout(pending);
    pending = setTimeout(() => plots.forEach(p =>
      p.plot.setSize({ width: Math.max(240, p.host.clientWidth), height: p.plot.height })), 100);
  });

  all();
  root.dataset.ready = "true";
})();
