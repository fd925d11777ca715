// Curves as inline SVG, drawn at the width they have, so that letters keep their size.

const NS = "http://www.w3.org/2000/svg";

/** An SVG element with attributes; text never becomes markup. */
export function svg(name, attributes = {}, text = null) {
  const made = document.createElementNS(NS, name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  if (text !== null) made.textContent = text;
  return made;
}

/** An HTML element with a class, text and children. */
export function html(name, className = "", text = null, ...children) {
  const made = document.createElement(name);
  if (className) made.className = className;
  if (text !== null) made.textContent = text;
  made.append(...children);
  return made;
}

const MARGIN = { top: 20, right: 10, bottom: 22, left: 44 };

/** Round values between two ends, about `count` of them. */
function ticks(low, high, count) {
  const rough = (high - low) / count || 1;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 2.5, 5, 10].map((m) => m * power).find((s) => s >= rough);
  const found = [];
  for (let k = Math.ceil(low / step - 1e-9); k * step <= high + step * 1e-9; k++) found.push(k * step + 0); // never -0
  return found;
}

/** Powers of ten, and 2 and 5 times them, between two ends. */
function logTicks(low, high) {
  const found = [];
  for (let power = Math.floor(Math.log10(low)); power <= Math.ceil(Math.log10(high)); power++) {
    for (const m of [1, 2, 5]) {
      const value = m * 10 ** power;
      if (value >= low * 0.999 && value <= high * 1.001) found.push(value);
    }
  }
  return found.length > 5 ? found.filter((v) => Math.abs(Math.log10(v) % 1) < 1e-6) : found;
}

function extent(series, clip) {
  const values = series.flatMap((one) => one.points.map((p) => p[1])).filter((v) => v !== null);
  if (!values.length) return [0, 1];
  let [low, high] = [Math.min(...values), Math.max(...values)];
  // A few epochs that are far off, such as the first, would press all others flat.
  if (clip && values.length > 10) {
    const sorted = [...values].sort((a, b) => a - b);
    const [q1, middle, q9] = [0.1, 0.5, 0.9].map((share) => sorted[Math.floor(values.length * share)]);
    if (clip === "high") high = Math.min(high, middle + 3 * (q9 - middle) || high);
    else low = Math.max(low, middle - 3 * (middle - q1) || low);
  }
  return [low, high];
}

/** One polyline for every run of points without a gap; a phase begins anew. */
function paths(points, x, y, marks) {
  let text = "";
  let open = false;
  const begins = new Set(marks.map((mark) => mark.at));
  for (const [px, py] of points) {
    if (begins.has(px)) open = false;
    if (py === null) {
      open = false;
    } else {
      text += `${open ? "L" : "M"}${x(px).toFixed(1)} ${y(py).toFixed(1)}`;
      open = true;
    }
  }
  return text;
}

/** Points that no line joins: a phase of one epoch. */
function alone(points, marks) {
  const begins = new Set(marks.map((mark) => mark.at));
  return points.filter(([px, py], k) => {
    const before = k > 0 && points[k - 1][1] !== null && !begins.has(px);
    const after = k + 1 < points.length && points[k + 1][1] !== null && !begins.has(points[k + 1][0]);
    return py !== null && !before && !after;
  });
}

/**
 * Draw curves over epochs into a figure.
 *
 * spec: title, note, series [{name, colour, points [[epoch, value or null]]}], marks [{at, name}] where phases begin,
 * best [epoch, value] or null, height, log, clip, most (the largest value there can be), format (value and decimals to
 * text), epochWord, bounds [low, high] or absent.
 */
export function lineChart(figure, spec) {
  const width = Math.max(220, figure.clientWidth || 400);
  const key = JSON.stringify([width, spec.series, spec.marks, spec.best, spec.bounds]);
  if (figure.dataset.drawn === key) return;
  figure.dataset.drawn = key;
  const caption = html("figcaption", "", null, html("h3", "", spec.title));
  const keys = spec.series.map((one) => {
    const made = html("span", "key", one.name);
    made.style.setProperty("--mark", one.colour);
    return made;
  });
  caption.append(...keys);
  const { x, y, drawing, inner } = frame(figure, width, spec);
  for (const one of spec.series) {
    drawing.append(svg("path", {
      d: paths(one.points, x, y, spec.marks), fill: "none", stroke: one.colour, "stroke-width": 2, "stroke-linejoin": "round",
    }));
    for (const [px, py] of alone(one.points, spec.marks)) {
      drawing.append(svg("circle", { cx: x(px), cy: y(py), r: 3, fill: one.colour }));
    }
  }
  if (spec.best) {
    drawing.append(svg("circle", {
      cx: x(spec.best[0]), cy: y(spec.best[1]), r: 4.5, fill: "#fff", stroke: spec.bestColour, "stroke-width": 2,
    }));
  }
  figure.replaceChildren(caption, inner);
  follow(inner, drawing, spec, keys, x);
}

/** The scales, the grid and the phases. */
function frame(figure, width, spec) {
  const height = spec.height;
  const inner = svg("svg", { viewBox: `0 0 ${width} ${height}`, height, role: "img", "aria-label": spec.title });
  const longest = Math.max(1, ...spec.series.flatMap((one) => one.points.map((p) => p[0])));
  let [low, high] = spec.bounds ?? extent(spec.series, spec.clip);
  const [start, end] = [MARGIN.left, width - MARGIN.right];
  const [floor, roof] = [height - MARGIN.bottom, MARGIN.top];
  if (spec.log) {
    [low, high] = [Math.max(low, 1e-12) / 1.4, Math.max(high, 1e-12) * 1.4];
  } else if (!spec.bounds) {
    const room = (high - low || Math.abs(high) || 1) * 0.06;
    [low, high] = [low < 0 ? low - room : Math.max(0, low - room), Math.min(high + room, spec.most ?? Infinity)];
  }
  const scale = spec.log ? Math.log10 : (v) => v;
  const x = (v) => start + ((v - 1) / Math.max(1, longest - 1)) * (end - start);
  const y = (v) => {
    const share = (scale(Math.max(v, spec.log ? 1e-12 : v)) - scale(low)) / (scale(high) - scale(low));
    return floor - Math.min(1.02, Math.max(-0.02, share)) * (floor - roof);
  };
  const values = spec.log ? logTicks(low, high) : ticks(low, high, 5);
  // As many decimals as it takes to tell the values apart.
  const whole = (v, digits) => Math.abs(v * 10 ** digits - Math.round(v * 10 ** digits)) < 1e-6;
  let digits = 0;
  while (digits < 6 && !values.every((v) => whole(v, digits))) digits++;
  for (const value of values) {
    inner.append(svg("path", { d: `M${start} ${y(value)}H${end}`, stroke: "#e3eaed" }));
    inner.append(svg("text", { x: start - 6, y: y(value) + 4, "text-anchor": "end" }, spec.format(value, digits)));
  }
  for (const value of ticks(1, Math.max(2, longest), Math.min(8, width / 60)).filter((v) => Number.isInteger(v) && v > 0)) {
    inner.append(svg("text", { x: x(value), y: height - 5, "text-anchor": "middle" }, String(value)));
  }
  phases(inner, spec.marks, { x, floor, end });
  return { x, y, drawing: inner, inner };
}

/** A line where each phase begins, with its name where there is room for it. */
function phases(inner, marks, { x, floor, end }) {
  marks.forEach((mark, number) => {
    const at = x(mark.at);
    if (number > 0) {
      inner.append(svg("path", { d: `M${at} 4V${floor}`, stroke: "#9fb2ba", "stroke-dasharray": "3 3" }));
    }
    const next = number + 1 < marks.length ? x(marks[number + 1].at) : end;
    if (next - at > mark.name.length * 6.2 + 8) inner.append(svg("text", { x: at + (number ? 5 : 0), y: 13 }, mark.name));
  });
}

/** The values of the epoch under the pointer, beside the names of the curves. */
function follow(inner, drawing, spec, keys, x) {
  const line = svg("path", { d: "", stroke: "#51626d", "stroke-width": 1, opacity: 0.5 });
  drawing.append(line);
  const show = (event) => {
    const at = (event.clientX - inner.getBoundingClientRect().left);
    const points = spec.series[0].points;
    if (!points.length) return;
    const near = points.reduce((a, b) => (Math.abs(x(b[0]) - at) < Math.abs(x(a[0]) - at) ? b : a))[0];
    line.setAttribute("d", `M${x(near)} ${MARGIN.top}V${spec.height - MARGIN.bottom}`);
    spec.series.forEach((one, k) => {
      const value = one.points.find((p) => p[0] === near)?.[1];
      keys[k].textContent = `${one.name} ${value == null ? "–" : spec.exact(value)}`;
    });
    keys.at(-1).textContent += ` · ${spec.epochWord} ${near}`;
  };
  inner.addEventListener("pointermove", show);
  inner.addEventListener("pointerdown", show);
  inner.addEventListener("pointerleave", () => {
    line.setAttribute("d", "");
    spec.series.forEach((one, k) => (keys[k].textContent = one.name));
  });
}

/** A small area under a line; `values` run from left to right, `top` is the upper end. */
export function sparkline(values, top, slots, colour) {
  const [width, height] = [200, 36];
  const made = svg("svg", { viewBox: `0 0 ${width} ${height}`, preserveAspectRatio: "none", "aria-hidden": "true" });
  if (values.length > 1 && top > 0) {
    const step = width / (Math.max(slots, values.length) - 1);
    const at = values.map((v, k) => `${(k * step).toFixed(1)} ${(height - 1 - (Math.min(v, top) / top) * (height - 3)).toFixed(1)}`);
    made.append(svg("path", { d: `M0 ${height}L${at.join("L")}V${height}Z`, fill: colour, opacity: 0.2 }));
    made.append(svg("path", { d: `M${at.join("L")}`, fill: "none", stroke: colour, "stroke-width": 1.5, "vector-effect": "non-scaling-stroke" }));
  }
  return made;
}
