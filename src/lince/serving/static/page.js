// The reading page: takes images, asks the server for one after another, keeps the earlier answers until it is closed.

import { drawCard, drawError, drawResult, isStrange } from "./result.js";
import { _, className, percent, sizeInMegabytes, uploadLimit } from "./words.js";

const $ = (id) => document.getElementById(id);
const [desk, drop, file, statusLine, errors, results, earlier, cards] =
  ["desk", "drop", "file", "status", "errors", "results", "earlier", "cards"].map($);
const MOST_KEPT = 24;

const captionBox = $("caption"); // only where the model reads text

const waiting = [];
let working = false;
let answers = []; // newest first
let current = null;
let compared = null;

// What went wrong, by the kind that the server names; its own sentence follows.
const titles = {
  image: _("The image cannot be read"),
  upload: _("There is no image to read"),
  "upload-too-large": _("The file is too large"),
  "slow-request": _("The upload stopped"),
};

async function ask(image) {
  const form = new FormData();
  if (!image.textAlone) form.append("file", image.blob ?? await fetchSample(image.address), image.name);
  if (image.caption) form.append("caption", image.caption);
  const reply = await fetch("/api/v1/predictions?explain=true", { method: "POST", body: form });
  const answer = await reply.json();
  if (reply.ok) return { ...answer, caption: image.caption };
  const kind = answer.type.split(":").pop();
  throw new Refusal(titles[kind] ?? _("The server could not answer"), { text: answer.detail, lang: "en" });
}

async function fetchSample(address) {
  const reply = await fetch(address);
  if (!reply.ok) throw new Refusal(_("The sample is no longer there"), { text: _("Reload the page to see what there is.") });
  return reply.blob();
}

class Refusal extends Error {
  constructor(title, detail) {
    super(title);
    this.detail = detail;
  }
}

function add(images) {
  errors.replaceChildren();
  const caption = captionBox?.value.trim();
  if (caption && images.length > 1) {
    show(new Refusal(_("One caption is of one image"), { text: _("Choose one image, or empty the caption.") }), images[0].name);
    return;
  }
  // The next image is another one, perhaps of another patient: it does not inherit the caption.
  if (caption) captionBox.value = "";
  waiting.push(...images.map((image) => ({ ...image, caption })));
  if (!working) work();
}

async function work() {
  working = true;
  desk.classList.add("busy");
  while (waiting.length) {
    const image = waiting.shift();
    statusLine.textContent = waiting.length
      ? _("Reading %(name)s; %(count)s more to come", { name: image.name, count: waiting.length })
      : _("Reading %(name)s", { name: image.name });
    try {
      if (image.blob && image.blob.size > uploadLimit) {
        const text = _("It has %(size)s; at most %(limit)s are taken.", {
          size: sizeInMegabytes(image.blob.size), limit: sizeInMegabytes(uploadLimit),
        });
        throw new Refusal(titles["upload-too-large"], { text });
      }
      keep(await ask(image));
    } catch (error) {
      show(error, image.name);
    }
  }
  desk.classList.remove("busy");
  working = false;
}

function show(error, name) {
  const known = error instanceof Refusal;
  const detail = known ? error.detail : { text: _("Is lince still running? Start it again and reload this page.") };
  desk.classList.add("used");
  statusLine.textContent = "";
  errors.append(drawError(known ? error.message : _("The server does not answer"), detail, name));
}

function keep(answer) {
  answers = [answer, ...answers].slice(0, MOST_KEPT);
  current = answer;
  compared = null;
  draw();
  statusLine.textContent = isStrange(answer)
    ? _("%(name)s: not the kind of image that the model knows", { name: answer.name })
    : _("%(name)s: %(label)s, confidence %(confidence)s", {
      name: answer.name, label: className(answer.label), confidence: percent(answer.confidence),
    });
  results.firstElementChild.focus({ preventScroll: true });
  results.scrollIntoView({ block: "nearest" });
}

function remove(answer) {
  answers = answers.filter((other) => other !== answer);
  if (compared === answer) compared = null;
  if (current === answer) [current, compared] = [compared ?? answers[0] ?? null, null];
  draw();
}

function draw() {
  const shown = [current, compared].filter(Boolean);
  results.classList.toggle("comparing", shown.length === 2);
  results.replaceChildren(...shown.map((answer) => drawResult(answer, {
    close: () => (shown.length === 2 ? choose(answer === current ? compared : current) : remove(answer)),
  })));
  const rest = answers.filter((answer) => !shown.includes(answer));
  cards.replaceChildren(...rest.map((answer) => drawCard(answer, {
    open: () => choose(answer),
    compare: () => choose(current, answer),
    remove: () => remove(answer),
  })));
  earlier.hidden = !rest.length;
  desk.classList.toggle("used", answers.length > 0);
  if (!answers.length) statusLine.textContent = "";
}

function choose(first, second = null) {
  [current, compared] = [first, second];
  draw();
  results.firstElementChild?.focus({ preventScroll: true });
  results.scrollIntoView({ block: "nearest" });
}

const named = (blob) => ({ blob, name: blob.name || _("pasted image") });

file.addEventListener("change", () => {
  add([...file.files].map(named));
  file.value = ""; // so that the same file can be chosen again
});
$("form").addEventListener("submit", (event) => {
  event.preventDefault();
  if (captionBox?.value.trim()) add([{ textAlone: true, name: _("text alone") }]);
  else captionBox?.focus();
});
$("clear").addEventListener("click", () => {
  answers = [];
  current = compared = null;
  errors.replaceChildren();
  draw();
  file.focus();
});
for (const button of document.querySelectorAll(".sample")) {
  button.addEventListener("click", () => add([{ address: button.dataset.address, name: button.dataset.name }]));
}

// A drop anywhere on the page counts: a near miss would otherwise make the browser leave it.
addEventListener("dragover", (event) => {
  event.preventDefault();
  drop.classList.add("over");
});
addEventListener("dragleave", (event) => {
  if (!event.relatedTarget) drop.classList.remove("over");
});
addEventListener("drop", (event) => {
  event.preventDefault();
  drop.classList.remove("over");
  if (event.dataTransfer.files.length) add([...event.dataTransfer.files].map(named));
});
addEventListener("paste", (event) => {
  if (event.clipboardData.files.length) add([...event.clipboardData.files].map(named));
});

// A printed result says when it was made, by which model and from what.
const details = () => document.querySelectorAll(".provenance");
addEventListener("beforeprint", () => details().forEach((one) => { one.open = true; }));
addEventListener("afterprint", () => details().forEach((one) => { one.open = false; }));
