// Asks this computer every second how the training goes, and shows it. Nothing comes from anywhere else.

import { html, lineChart } from "./charts.js";
import { figures, gauges, matrix, once, roc, shots } from "./panels.js";

const EVERY = 1000;
const EVERY_AT_REST = 3000;
const [TRAIN, VALIDATION] = ["#b85400", "#0072b2"];

const messages = JSON.parse(document.getElementById("messages").textContent);
const language = document.documentElement.lang;
const at = (id) => document.getElementById(id);

const words = {
  say(sentence, values = {}) {
    return (messages[sentence] ?? sentence).replace(/\{(\w+)\}/g, (_, name) => values[name]);
  },
  number(value, digits) {
    if (value === null || value === undefined) return "–";
    return value.toLocaleString(language, { minimumFractionDigits: digits, maximumFractionDigits: digits });
  },
  percent(value, digits = 1) {
    return value.toLocaleString(language, { style: "percent", minimumFractionDigits: digits, maximumFractionDigits: digits });
  },
  size(bytes) {
    const gigabytes = bytes / 2 ** 30;
    return gigabytes >= 1 ? `${words.number(gigabytes, gigabytes < 10 ? 1 : 0)} GB` : `${words.number(bytes / 2 ** 20, 0)} MB`;
  },
  duration(seconds) {
    const whole = Math.max(0, Math.round(seconds));
    const [hours, minutes, left] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60, whole % 60];
    if (hours) return `${hours} h ${String(minutes).padStart(2, "0")} min`;
    return minutes ? `${minutes} min ${String(left).padStart(2, "0")} s` : `${left} s`;
  },
  /** "fine-tuning-2", or "NAME/fold-1/train" of a cross-validation, in the reader's language. */
  phase(name) {
    const fold = /^(.+)\/fold-(\d+)\/(.+)$/.exec(name);
    if (fold) return words.say("{phase}, fold {fold}", { phase: words.phase(fold[3]), fold: fold[2] });
    const parts = /^(.+)-(\d+)$/.exec(name);
    return parts ? `${words.say(parts[1])} ${parts[2]}` : words.say(name);
  },
  /** "Computing features (head, training)" in the reader's language. */
  task(text) {
    const parts = /^(.+) \((.+), (training|validation)\)$/.exec(text);
    if (!parts) return words.say(text);
    return `${words.say(parts[1])} (${words.phase(parts[2])}, ${words.say(`${parts[3]} images`)})`;
  },
};

/** All that is known; epochs are kept here and only the new ones are asked for. */
const known = { run: "", epochs: [], state: null, report: null };

const STATUS = {
  preparing: "Preparing", training: "In training", finished: "Finished", interrupted: "Interrupted", failed: "Failed",
};

function pill(kind, text) {
  const element = at("status");
  const shown = words.say(text);
  if (element.textContent !== shown) element.textContent = shown;
  element.className = `pill ${kind}`;
}

function ended(state) {
  return ["finished", "interrupted", "failed"].includes(state.status);
}

function header(state) {
  const name = state.name ?? words.say("Training");
  at("name").textContent = name;
  const best = bestEpoch();
  document.title = `${best ? `${words.number(best.val_auc, 3)} · ` : ""}${name} · lince`;
  at("synthetic").hidden = !state.synthetic;
  pill(state.status, STATUS[state.status]);
  const [text, share] = progress(state);
  at("now").textContent = text;
  at("now").hidden = !text;
  at("track").firstElementChild.style.width = `${(100 * share).toFixed(1)}%`;
  at("track").setAttribute("aria-valuenow", Math.round(100 * share));
  at("track").hidden = ended(state);
}

/** What happens now, in words and as a share of it. */
function progress(state) {
  if (state.status === "failed") return [state.error, 0];
  if (state.status === "interrupted") return [words.say("Go on with the same command and --resume."), 0];
  if (state.status === "finished") return ["", 1];
  const work = state.works.at(-1);
  if (work) {
    const count = work.total > 1 ? ` ${words.number(work.done, 0)} / ${words.number(work.total, 0)}` : "";
    return [`${words.task(work.task)}${count}`, work.total ? work.done / work.total : 0];
  }
  const phase = state.phases.at(-1);
  if (!phase) return [words.say(state.name ? "Preparing" : "Waiting for the training to begin"), 0];
  const epoch = lastOf(state)?.epoch ?? 0;
  return [`${words.say("Training")}: ${words.phase(phase.name)}`, epoch / phase.epochs];
}

/** The last epoch of the phase that runs. */
function lastOf(state) {
  const last = known.epochs.at(-1);
  return last && last.stretch === state.phases.length - 1 ? last : null;
}

/** The epoch whose validation is shown; before there is one, that with the highest AUC. */
function bestEpoch() {
  const shown = known.state?.validation;
  const found = shown && known.epochs.findLast(
    (row) => row.epoch === shown.epoch && known.state.phases[row.stretch]?.name === shown.phase);
  return found ?? known.epochs.reduce((a, b) => (b.val_auc !== null && (a === null || b.val_auc > a.val_auc) ? b : a), null);
}

function cards(state) {
  const [phase, last, best] = [state.phases.at(-1), lastOf(state), bestEpoch()];
  at("best").textContent = best ? words.number(best.val_auc, 3) : "–";
  at("best-when").textContent = best
    ? words.say("epoch {epoch} of {phase}", { epoch: best.epoch, phase: words.phase(state.phases[best.stretch].name) })
    : "\u00a0";
  at("epoch").textContent = phase ? words.number(last?.epoch ?? 0, 0) : "–";
  at("epoch-of").textContent = phase
    ? words.say(ended(state) ? "of {epochs}, {phase}" : "of at most {epochs}, {phase}", { epochs: phase.epochs, phase: words.phase(phase.name) })
    : "\u00a0";
  const work = state.works.at(-1);
  const left = ended(state) ? null : (work ? work.seconds_left : state.seconds_left);
  at("left").textContent = left === null ? "–" : words.duration(left);
  at("left-of").textContent = left === null ? "\u00a0" : words.say(work ? "in this step" : "at most, in this phase");
  at("elapsed").textContent = words.duration(state.elapsed);
  at("elapsed-word").textContent = words.say(ended(state) ? "Time in all" : "Time so far");
  at("elapsed-of").textContent = words.say(state.status === "finished" ? "from start to bundle" : "since the start");
}

function curves(state) {
  at("curves").hidden = !known.epochs.length;
  if (!known.epochs.length) return;
  const line = (key) => known.epochs.map((row, k) => [k + 1, row[key]]);
  const marks = state.phases.filter((p) => p.first < known.epochs.length).map((p) => ({ at: p.first + 1, name: words.phase(p.name) }));
  const shared = { marks, epochWord: words.say("Epoch").toLowerCase(), height: 230, best: null, exact: (v) => words.number(v, 4) };
  lineChart(at("loss"), {
    ...shared, title: words.say("Loss"), clip: "high", format: (v, digits) => words.number(v, Math.max(digits, 1)),
    series: [
      { name: words.say("training"), colour: TRAIN, points: line("train_loss") },
      { name: words.say("validation"), colour: VALIDATION, points: line("val_loss") },
    ],
  });
  const best = bestEpoch();
  lineChart(at("auc"), {
    ...shared, title: words.say("Validation AUC"), clip: "low", most: 1, format: (v, digits) => words.number(v, Math.max(digits, 2)),
    best: best ? [known.epochs.indexOf(best) + 1, best.val_auc] : null, bestColour: VALIDATION,
    series: [{ name: words.say("validation"), colour: VALIDATION, points: line("val_auc") }],
  });
  // A head that is solved has no rate.
  const rates = line("learning_rate").map(([k, v]) => [k, v || null]);
  at("rate").hidden = rates.every(([, v]) => v === null);
  lineChart(at("rate"), {
    ...shared, title: words.say("Learning rate"), height: 130, log: true, format: (v) => v.toExponential(0),
    exact: (v) => v.toExponential(2),
    series: [{ name: words.say("Logarithmic scale.").replace(/\.$/, ""), colour: "#4a4a9c", points: rates }],
  });
}

function validation(state) {
  const found = state.validation;
  at("validation").hidden = !found;
  if (!found) return;
  at("validation-when").textContent = words.say("After epoch {epoch} of {phase}, the best so far. Before calibration.", {
    epoch: found.epoch, phase: words.phase(found.phase),
  });
  roc(at("roc"), found, words);
  matrix(at("matrix"), found, words);
}

function notices(state) {
  const list = at("notices");
  once(list, [state.notices, state.skipped.count], () => {
    const made = state.notices.map((one) => {
      const item = Object.assign(html("li", one.level === "warning" ? "warning" : "", one.message), { lang: "en" });
      item.dataset.word = words.say("Warning");
      return item;
    });
    if (state.skipped.count) {
      const names = state.skipped.files.slice(0, 5).map((file) => `${file.name}: ${file.reason}`);
      made.push(html("li", "warning", [words.say("Files left out: {n}", { n: state.skipped.count }), ...names].join("\n")));
      made.at(-1).dataset.word = words.say("Warning");
      made.at(-1).style.whiteSpace = "pre-line";
    }
    return made.length ? made : [html("li", "soft", words.say("Nothing to report."))];
  });
}

function end(state) {
  const found = state.figures;
  const shown = Boolean(found && found.n);
  at("end").hidden = !shown;
  if (!shown) return;
  const grouped = found.n_groups && found.n_groups !== found.n;
  at("end-note").textContent = words.say(
    grouped ? "{n} images of {groups} patients or groups, opened once, with 95 % intervals." : "{n} images, opened once, with 95 % intervals.",
    { n: words.number(found.n, 0), groups: words.number(found.n_groups ?? 0, 0) },
  );
  const scarce = Math.min(...Object.values(found.counts ?? {}).filter((n) => n > 0));
  at("scarce").hidden = !(scarce < 30);
  at("scarce").textContent = words.say("Images of the rarest class: {n}. Read the intervals, not the figures.", { n: scarce });
  figures(at("figures"), found, state.positive, words);
}

function draw() {
  const state = known.state;
  if (!state) return;
  header(state);
  cards(state);
  curves(state);
  validation(state);
  at("samples").hidden = !state.samples.length;
  if (state.samples.length) shots(at("shots"), state.samples, words);
  at("plan-box").hidden = !state.plan.length;
  once(at("plan"), state.plan, () => state.plan.map((sentence) => html("li", "", sentence)));
  notices(state);
  gauges(at("gauges"), state.resources, words);
  end(state);
}

/** Keep a copy of the report: the link works on when lince has ended. */
async function keepReport() {
  known.report = "";
  const answer = await fetch("/report");
  if (answer.ok) known.report = URL.createObjectURL(await answer.blob());
}

function lost() {
  if (known.report) at("report").href = known.report;
  if (!known.state) return pill("lost", "No connection");
  if (!ended(known.state)) pill("lost", "No connection");
  at("now").hidden = false;
  at("now").textContent = words.say("lince has ended. This page keeps what it had received.");
}

async function ask() {
  let rest = EVERY;
  try {
    const answer = await fetch(`/state?run=${known.run}&since=${known.epochs.length}`);
    const state = await answer.json();
    if (state.run !== known.run) Object.assign(known, { run: state.run, epochs: [], report: null });
    known.epochs = [...known.epochs.slice(0, state.since), ...state.epochs];
    known.state = state;
    at("report").href = "/report";
    draw();
    if (ended(state)) rest = EVERY_AT_REST;
    if (state.status === "finished" && known.report === null) await keepReport();
  } catch (error) {
    if (!(error instanceof TypeError)) console.error(error);
    lost();
    rest = EVERY_AT_REST;
  }
  setTimeout(ask, rest);
}

at("opacity").addEventListener("input", (event) => at("shots").style.setProperty("--heat", event.target.value / 100));
at("shots").style.setProperty("--heat", at("opacity").value / 100);
new ResizeObserver(draw).observe(at("curves"));
ask();
