// Messages, class names and numbers in the language of the page.

const facts = JSON.parse(document.getElementById("facts").textContent);
const locale = document.documentElement.lang;
const percentFormat = new Intl.NumberFormat(locale, { style: "percent", minimumFractionDigits: 1, maximumFractionDigits: 1 });
const wholePercent = new Intl.NumberFormat(locale, { style: "percent", maximumFractionDigits: 0 });
const megabytes = new Intl.NumberFormat(locale, { maximumFractionDigits: 0 });

export const uploadLimit = facts.limit;

/** A message, with %(name)s replaced. */
export function _(message, values = {}) {
  const text = facts.messages[message] ?? message;
  return text.replace(/%\((\w+)\)s/g, (_match, key) => values[key]);
}

/** A class as the reader knows it. */
export const className = (name) => facts.classes[name] ?? name;

/** Whether the name shown is another than the model's own. */
export const isTranslated = (name) => className(name).toLowerCase() !== name.toLowerCase();

/** A probability. Never 100 % or 0 % for what is not certain. */
export function percent(value) {
  if (value > 0.999 && value < 1) return "> " + percentFormat.format(0.999);
  if (value < 0.001 && value > 0) return "< " + percentFormat.format(0.001);
  return percentFormat.format(value);
}

const alternatives = new Intl.ListFormat(locale, { type: "disjunction" });

/** Words as alternatives: a, b or c. */
export const listed = (words) => alternatives.format(words);
export const whole = (value) => wholePercent.format(value);
export const sizeInMegabytes = (bytes) => `${megabytes.format(Math.ceil(bytes / 1e6))} MB`;
export const moment = (iso) => new Date(iso).toLocaleString(locale, { dateStyle: "medium", timeStyle: "medium" });
