// The panels beside the curves: ROC, confusion matrix, images with heat maps, this computer, the figures at the end.

import { html, sparkline, svg } from "./charts.js";

const COLOURS = ["#0072b2", "#b85400", "#1c6b4a", "#a3508b", "#6b6b00", "#4a4a9c"];

/** Replace the children of an element only when what they show has changed. */
export function once(element, key, make) {
  const text = JSON.stringify(key);
  if (element.dataset.drawn === text) return;
  element.dataset.drawn = text;
  element.replaceChildren(...make());
}

/** ROC curves, with the line that guessing would give. */
export function roc(figure, validation, words) {
  const side = Math.min(figure.clientWidth || 300, 340);
  once(figure, [side, validation.roc], () => {
    const caption = html("figcaption", "", null, html("h3", "", words.say("ROC curve")));
    const drawing = svg("svg", { viewBox: `0 0 ${side} ${side}`, role: "img", "aria-label": words.say("ROC curve") });
    drawing.style.maxWidth = `${side}px`;
    const [start, end, roof] = [48, side - 8, 8];
    const floor = side - 38;
    const x = (v) => start + v * (end - start);
    const y = (v) => floor - v * (floor - roof);
    for (const v of [0, 0.25, 0.5, 0.75, 1]) {
      drawing.append(svg("path", { d: `M${x(0)} ${y(v)}H${x(1)}M${x(v)} ${y(0)}V${y(1)}`, stroke: "#e3eaed" }));
      if (v % 0.5 === 0) {
        drawing.append(svg("text", { x: start - 6, y: y(v) + 4, "text-anchor": "end" }, words.number(v, 1)));
        drawing.append(svg("text", { x: x(v), y: floor + 16, "text-anchor": v === 1 ? "end" : "middle" }, words.number(v, 1)));
      }
    }
    drawing.append(svg("path", { d: `M${x(0)} ${y(0)}L${x(1)} ${y(1)}`, stroke: "#9fb2ba", "stroke-dasharray": "4 4" }));
    drawing.append(svg("text", { x: (start + end) / 2, y: side - 4, "text-anchor": "middle" }, words.say("False alarms")));
    const up = svg("text", { transform: `translate(11 ${(floor + roof) / 2}) rotate(-90)`, "text-anchor": "middle" }, words.say("Found"));
    drawing.append(up);
    validation.roc.forEach((curve, k) => {
      const colour = COLOURS[k % COLOURS.length];
      const d = curve.points.map(([fx, fy], n) => `${n ? "L" : "M"}${x(fx).toFixed(1)} ${y(fy).toFixed(1)}`).join("");
      drawing.append(svg("path", { d, fill: "none", stroke: colour, "stroke-width": 2.5, "stroke-linejoin": "round" }));
      const key = html("span", "key", `${curve.name}, ${words.say("AUC {auc}", { auc: words.number(curve.auc, 3) })}`);
      key.style.setProperty("--mark", colour);
      key.style.whiteSpace = "normal";
      caption.append(key);
    });
    return [caption, drawing];
  });
}

/** Counts with the truth in rows, shaded by the share of their row. */
export function matrix(box, validation, words) {
  once(box, validation.confusion, () => {
    const { classes, confusion } = validation;
    box.classList.toggle("many", classes.length > 8);
    box.classList.toggle("few", classes.length < 5);
    const head = html("tr", "", null, html("th", "", `${words.say("Truth")} ↓ ${words.say("Decided")} →`));
    head.append(...classes.map((name) => Object.assign(html("th", "", name), { scope: "col", title: name })));
    const rows = confusion.map((counts, i) => {
      const total = counts.reduce((a, b) => a + b, 0) || 1;
      const row = html("tr", "", null, Object.assign(html("th", "", classes[i]), { scope: "row", title: classes[i] }));
      counts.forEach((count, j) => {
        const cell = html("td", count ? "" : "soft", words.number(count, 0));
        const [share, base] = [count / total, i === j ? "0 114 178" : "200 90 0"];
        if (count) cell.style.background = `rgb(${base} / ${(0.06 + 0.5 * share).toFixed(2)})`;
        row.append(cell);
      });
      return row;
    });
    return [html("table", "", null, html("thead", "", null, head), html("tbody", "", null, ...rows))];
  });
}

/** The images; their heat maps change in place, so that nothing flickers. */
export function shots(box, samples, words) {
  once(box, samples.map((one) => one.name), () => samples.map((one, k) => {
    const picture = Object.assign(html("img"), { src: `/samples/${k}`, alt: one.name });
    picture.addEventListener("load", () => picture.classList.toggle("small-picture", picture.naturalWidth < 120));
    const heat = Object.assign(html("img", "heat"), { alt: "", hidden: true });
    const frame = html("div", "frame", null, picture, heat);
    return html("figure", "shot", null, frame, html("figcaption", "", null,
      html("span", "verdict"), html("span", "soft truth"), html("span", "soft", one.name)));
  }));
  samples.forEach((one, k) => {
    const figure = box.children[k];
    if (figure.dataset.version === String(one.version)) return;
    figure.dataset.version = one.version;
    const known = one.decision !== undefined;
    const heat = figure.querySelector(".heat");
    if (known) heat.src = `/heat/${k}?v=${one.version}`;
    heat.hidden = !known;
    const verdict = figure.querySelector(".verdict");
    const right = one.decision === one.truth;
    verdict.className = `verdict ${known ? (right ? "right" : "wrong") : ""}`;
    const sign = right ? "✓" : "✗";
    verdict.textContent = known ? `${sign} ${one.decision} ${words.percent(one.probability)}` : "";
    verdict.title = known ? words.say(right ? "right" : "wrong") : "";
    figure.querySelector(".truth").textContent = words.say("Truth: {name}", { name: one.truth });
  });
}

/** Processor, memory, GPU and disk. */
export function gauges(box, found, words) {
  const samples = found.samples;
  const last = samples.at(-1);
  const size = (bytes) => words.size(bytes);
  const made = [];
  const gauge = (name, value, about, picture) => {
    const line = html("div", "row", null, html("span", "", name), html("span", "", null, html("b", "", value), html("span", "soft", ` ${about}`)));
    made.push(html("div", "gauge", null, line, ...(picture ? [picture] : [])));
  };
  const slots = Math.max(30, samples.length);
  if (last) {
    gauge(words.say("Processor"), words.percent(last.cpu / 100, 0), words.say("{n} processors", { n: found.processors }),
      sparkline(samples.map((s) => s.cpu), 100, slots, COLOURS[0]));
    const most = Math.max(...samples.map((s) => s.memory)) * 1.25;
    gauge(words.say("Memory of lince"), size(last.memory), words.say("of {total}", { total: size(found.memory_total) }),
      sparkline(samples.map((s) => s.memory), most, slots, COLOURS[1]));
    if (last.gpu_total) {
      gauge(words.say("Memory of the GPU"), size(last.gpu_used), words.say("of {total}", { total: size(last.gpu_total) }),
        sparkline(samples.map((s) => s.gpu_used ?? 0), last.gpu_total, slots, COLOURS[2]));
    }
  }
  if (found.disk_free !== null) {
    gauge(words.say("Disk"), words.say("{free} free", { free: size(found.disk_free) }), words.say("of {total}", { total: size(found.disk_total) }), null);
  }
  if (found.gpu) made.push(html("p", "soft small", found.gpu));
  box.replaceChildren(...made);
}

const FIGURES = [
  ["auc", "AUC", true], ["sensitivity", "Sensitivity", true], ["specificity", "Specificity", true],
  ["ppv", "PPV", false], ["npv", "NPV", false], ["accuracy", "Accuracy", false], ["balanced_accuracy", "Balanced accuracy", false],
];

/** The figures of the test images, each with its interval as a bar from 0 to 1. */
export function figures(body, found, positive, words) {
  once(body, found, () => FIGURES.filter(([key]) => found[key]?.value != null).map(([key, name, ofPositive]) => {
    const { value, low, high } = found[key];
    const label = words.say(name) + (ofPositive && positive ? ` ${words.say("for {name}", { name: positive })}` : "");
    const bar = svg("svg", { class: "range", viewBox: "-4 0 108 12", "aria-hidden": "true" });
    bar.append(svg("path", { d: "M0 6H100", stroke: "#c9d4da", "stroke-width": 2 }));
    if (low != null) bar.append(svg("path", { d: `M${100 * low} 6H${100 * high}`, stroke: "#0072b2", "stroke-width": 5, "stroke-opacity": 0.45 }));
    bar.append(svg("circle", { cx: 100 * value, cy: 6, r: 3.5, fill: "#0072b2" }));
    const cell = html("td", "wide");
    cell.append(bar);
    const range = low == null ? "–" : `${words.number(low, 3)} – ${words.number(high, 3)}`;
    return html("tr", "", null, Object.assign(html("th", "", label), { scope: "row" }),
      html("td", "n", null, html("b", "", words.number(value, 3))), html("td", "span", range), cell);
  }));
}
