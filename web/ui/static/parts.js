// Small parts that several places show.
import { html, useState } from "./vendor/htm-preact.js";
import { short } from "./format.js";

/** ProblemBox shows what went wrong and what to do next. */
export function ProblemBox({ problem }) {
  if (!problem) return null;
  return html`<div class="problem" role="alert">${problem.message}${problem.hint && html`<div class="hint">${problem.hint}</div>`}</div>`;
}

/** Digest shows the start of a digest; a click copies all of it. */
export function Digest({ value }) {
  const [copied, setCopied] = useState(false);
  if (!value) return null;
  const copy = async () => {
    try {
      await navigator.clipboard.writeText(value);
      setCopied(true);
      setTimeout(() => setCopied(false), 1200);
    } catch { /* no clipboard here: the title shows the whole digest */ }
  };
  return html`<button class="digest" title=${value} onClick=${copy}>${copied ? "copied" : short(value)}</button>`;
}
