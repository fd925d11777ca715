// Drawing: one result, one card of an earlier result, one error. Text goes in as text, never as markup.

import { _, className, isTranslated, listed, moment, percent, whole } from "./words.js";

const stamp = (id) => document.getElementById(id).content.firstElementChild.cloneNode(true);

/** The article for an answer of the server. */
export function drawResult(answer, actions) {
  const article = stamp("result");
  const put = (slot, text) => { article.querySelector(slot).textContent = text; };
  article.setAttribute("aria-label", answer.name);
  put(".slot-name", answer.name);
  put(".slot-label", verdict(answer));
  put(".original", isTranslated(answer.label) && !isStrange(answer) ? `(${answer.label})` : "");
  put(".slot-confidence", percent(answer.confidence));
  put(".slot-created", moment(answer.created));
  put(".slot-threshold", answer.threshold === null ? "–" : percent(answer.threshold));
  put(".slot-model", answer.model_id);
  put(".slot-input", answer.input_sha256);
  put(".slot-id", answer.id);
  drawWarnings(article, answer);
  drawThreshold(article.querySelector(".by-threshold"), answer);
  drawBars(article.querySelector(".bars"), answer);
  drawCaption(article, answer);
  drawWords(article.querySelector(".words"), answer.words ?? []);
  drawPictures(article, answer);
  article.querySelector(".print").addEventListener("click", () => window.print());
  article.querySelector(".close").addEventListener("click", actions.close);
  return article;
}

/** Whether the image is none that the model knows, or shows nothing: its class is then not worth showing. */
export const isStrange = (answer) => ["out_of_distribution", "blank"].some((flag) => answer.flags.includes(flag));

const verdict = (answer) => isStrange(answer) ? _("No answer") : className(answer.label);

// Classes of a prediction set that are named.
const NAMED = 3;

/** A class name that a comma would blur in a list, in quotes. */
const inList = (name) => className(name).includes(",") ? `“${className(name)}”` : className(name);

/** The classes of a prediction set, most likely first; many of them in few words. */
function either(possible) {
  const classes = listed(possible.slice(0, NAMED).map(inList));
  if (possible.length <= NAMED) return _("Cannot tell: %(classes)s.", { classes });
  return _("Cannot tell: one of %(count)s classes, most likely %(classes)s.", { count: possible.length, classes });
}

/** One box for each thing that the reader must know, and none that says the same as another. */
function drawWarnings(article, answer) {
  const has = (flag) => answer.flags.includes(flag);
  const blank = has("blank");
  const strange = isStrange(answer) && !blank;
  const set = answer.prediction_set ?? [answer.label];
  const possible = set.length === 0 || set.includes(answer.label) ? set : [answer.label, ...set];
  const answered = !isStrange(answer);
  const told = {
    ".refused": strange,
    ".blank": blank,
    ".unsure": answered && has("cannot_tell") && possible.length > 0,
    ".no-fit": answered && possible.length === 0,
    ".refer": answered && has("refer"),
    ".conflict": answered && has("conflict"),
    ".low": answered && has("low_confidence") && !has("cannot_tell"),
  };
  for (const [box, shown] of Object.entries(told)) article.querySelector(box).hidden = !shown;
  if (told[".unsure"]) article.querySelector(".over").textContent = _("Most likely, but not certain");
  article.querySelector(".reasons").textContent = answer.reasons.map((reason) => _(reason)).join(" ");
  article.querySelector(".slot-set").textContent = either(possible);
  for (const part of [".confidence", ".of-bars", ".bars", ".calibrated"]) article.querySelector(part).hidden = isStrange(answer);
}

function drawThreshold(place, answer) {
  if (!answer.decided_by_threshold || isStrange(answer)) return;
  const values = {
    label: className(answer.positive),
    probability: percent(answer.probabilities[answer.positive]),
    threshold: percent(answer.threshold),
  };
  place.textContent = answer.label === answer.positive
    ? _("Called %(label)s because its probability, %(probability)s, is over the operating point, %(threshold)s.", values)
    : _("Not called %(label)s, although it is the most likely class: its probability, %(probability)s, is under the operating point, %(threshold)s.", values);
  place.hidden = false;
}

function drawBars(list, answer) {
  const rows = Object.entries(answer.probabilities).sort((a, b) => b[1] - a[1]);
  for (const [name, value] of rows) {
    const row = stamp("bar");
    row.classList.toggle("decided", name === answer.label);
    row.querySelector(".bar-name").textContent = className(name);
    if (isTranslated(name)) row.querySelector(".bar-name").title = name;
    row.querySelector(".bar-value").textContent = percent(value);
    row.querySelector(".fill").style.width = `${100 * value}%`;
    if (name === answer.positive && answer.threshold !== null) {
      const mark = row.querySelector(".mark");
      const note = row.querySelector(".mark-note");
      mark.style.left = `${100 * answer.threshold}%`;
      note.textContent = _("Operating point: %(threshold)s", { threshold: percent(answer.threshold) });
      mark.hidden = note.hidden = false;
    }
    list.append(row);
  }
}

/** The caption as it was sent, what the image alone would be, and whether the two agree. */
function drawCaption(article, answer) {
  const box = article.querySelector(".said");
  box.hidden = !answer.caption;
  if (!answer.caption) return;
  box.querySelector(".slot-caption").textContent = answer.caption;
  box.querySelector(".unread").hidden = answer.inputs.includes("caption");
  const alone = isStrange(answer) ? null : answer.image_alone;
  const values = alone && { label: className(alone.label), confidence: percent(alone.confidence) };
  const line = box.querySelector(".slot-alone");
  line.hidden = !alone;
  if (alone) line.textContent = _("By the image alone: %(label)s, %(confidence)s.", values);
}

/** The words of the caption that spoke for the class, or against it. */
function drawWords(box, words) {
  box.hidden = !words.length;
  for (const { word, weight } of words) {
    const item = document.createElement("li");
    item.textContent = word;
    item.classList.add(weight < 0 ? "against" : "for");
    item.title = weight < 0 ? _("speaks against it") : _("speaks for it");
    box.querySelector("ul").append(item);
  }
}

function drawPictures(article, answer) {
  if (!answer.preview) {
    article.querySelector(".viewer").hidden = true;
    return;
  }
  const picture = article.querySelector(".picture");
  const heat = article.querySelector(".heat");
  picture.src = answer.preview;
  picture.alt = _("The image %(name)s", { name: answer.name });
  if (!answer.heat_map || isStrange(answer)) {
    heat.remove();
    article.querySelector(".opacity").hidden = article.querySelector(".legend").hidden = true;
    article.querySelector(".no-heat").hidden = isStrange(answer);
    return;
  }
  heat.src = answer.heat_map;
  heat.alt = _("Heat map: where the model looked");
  const slider = article.querySelector("input[type=range]");
  const shown = article.querySelector("output");
  const apply = () => {
    heat.style.opacity = slider.value / 100;
    shown.textContent = whole(slider.value / 100);
    slider.setAttribute("aria-valuetext", shown.textContent);
  };
  slider.addEventListener("input", apply);
  apply();
}

/** The card for an earlier answer. */
export function drawCard(answer, actions) {
  const card = stamp("card");
  if (answer.preview) card.querySelector("img").src = answer.preview;
  else card.querySelector("img").hidden = true;
  card.querySelector(".slot-label").textContent = verdict(answer);
  card.querySelector(".slot-confidence").textContent = isStrange(answer) ? "" : percent(answer.confidence);
  card.querySelector(".slot-name").textContent = answer.name;
  card.querySelector(".card-open").addEventListener("click", actions.open);
  card.querySelector(".compare").addEventListener("click", actions.compare);
  card.querySelector(".remove").addEventListener("click", actions.remove);
  return card;
}

/** The box for a problem. */
export function drawError(title, detail, name) {
  const box = stamp("error");
  box.querySelector(".slot-title").textContent = name ? `${title} · ${name}` : title;
  const sentence = box.querySelector(".slot-detail");
  sentence.textContent = detail.text;
  if (detail.lang) sentence.lang = detail.lang;
  box.querySelector(".dismiss").addEventListener("click", () => box.remove());
  return box;
}
