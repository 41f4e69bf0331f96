// What is arriving: pieces, rate, peers, time left.
import { html, useEffect, useRef, useState } from "./vendor/htm-preact.js";
import { call } from "./api.js";
import { bytes, span } from "./format.js";
import { ProblemBox } from "./parts.js";

const running = ["resolving", "fetching", "verifying"];

/** Transfers lists the transfers, newest first; changed() is told when one was acted on. */
export function Transfers({ transfers, changed }) {
  const [problem, setProblem] = useState(null);
  const act = (method, path) => async () => {
    setProblem(null);
    try { await call(method, path); changed(); } catch (e) { setProblem(e); }
  };
  if (transfers.length === 0 && !problem) return null;
  return html`<section aria-label="Transfers">
    <h2>Transfers</h2>
    <${ProblemBox} problem=${problem} />
    ${transfers.map((t) => html`<${Transfer} key=${t.id} t=${t} act=${act} />`)}
  </section>`;
}

function Transfer({ t, act }) {
  const have = usePieces(t);
  const done = t.bytes_total ? t.bytes_done / t.bytes_total : 0;
  const left = t.eta_seconds ?? NaN;
  const path = `/transfers/${encodeURIComponent(t.id)}`;
  return html`<div class="item" data-transfer=${t.id} data-state=${t.state}>
    <div class="row">
      <span class="name grow">${t.reference || t.name || t.infohash || t.id}</span>
      <span class=${`tag ${t.state}`}>${t.state}</span>
    </div>
    ${t.state !== "failed" && html`<${Pieces} have=${have} total=${t.pieces_total} done=${done} />`}
    <div class="facts">
      ${t.bytes_total > 0 && html`<span>${bytes(t.bytes_done)} of ${bytes(t.bytes_total)}${t.state === "ready" ? "" : ` (${Math.floor(done * 100)} %)`}</span>`}
      ${t.state === "fetching" && html`<span>${bytes(t.down_rate ?? 0)}/s</span>`}
      ${t.state !== "failed" && html`<span>${t.peers} ${t.peers === 1 ? "peer" : "peers"}</span>`}
      ${t.state === "fetching" && span(left) && html`<span>${span(left)} left</span>`}
      ${t.up_rate > 0 && html`<span>seeding at ${bytes(t.up_rate)}/s</span>`}
    </div>
    ${t.reason && html`<div class="soft">${t.reason}</div>`}
    ${t.error && html`<${ProblemBox} problem=${t.error} />`}
    ${t.state !== "ready" && html`<div class="row" style=${{ marginTop: "6px" }}>
      ${running.includes(t.state) && html`<button class="small" onClick=${act("POST", path + "/pause")}>Pause</button>`}
      ${t.state === "paused" && html`<button class="small" onClick=${act("POST", path + "/resume")}>Resume</button>`}
      <button class="small" onClick=${act("DELETE", path)}>${t.state === "failed" ? "Remove" : "Cancel"}</button>
    </div>`}
  </div>`;
}

/** usePieces asks for the piece bits of a transfer while it moves: lists and events leave them out. */
function usePieces(t) {
  const [have, setHave] = useState("");
  const moving = running.includes(t.state);
  useEffect(() => {
    if (!moving) return () => {};
    let on = true;
    const ask = async () => {
      try {
        const one = await call("GET", `/transfers/${encodeURIComponent(t.id)}`);
        if (on) setHave(one.have ?? "");
      } catch { /* gone or offline: the bar shows the share done */ }
    };
    ask();
    const timer = setInterval(ask, 1000);
    return () => { on = false; clearInterval(timer); };
  }, [t.id, moving]);
  return moving ? have : "";
}

/**
 * Pieces draws which pieces are there. have is base64 of one bit per piece,
 * first piece in the highest bit; without it the bar shows the share done.
 */
function Pieces({ have, total, done }) {
  const canvas = useRef(null);
  useEffect(() => {
    const c = canvas.current, width = Math.round(c.clientWidth * devicePixelRatio) || 300;
    c.width = width; c.height = 16 * devicePixelRatio;
    const g = c.getContext("2d");
    g.fillStyle = getComputedStyle(c).getPropertyValue("--have");
    if (!have || !total) { g.fillRect(0, 0, width * done, c.height); return; }
    const bits = Uint8Array.from(atob(have), (x) => x.charCodeAt(0));
    const columns = Math.min(total, width), step = width / columns;
    for (let x = 0; x < columns; x++) {
      const from = Math.floor((x * total) / columns), to = Math.floor(((x + 1) * total) / columns);
      let n = 0;
      for (let i = from; i < to; i++) n += (bits[i >> 3] >> (7 - (i & 7))) & 1;
      if (!n) continue;
      g.globalAlpha = 0.35 + (0.65 * n) / (to - from);
      g.fillRect(Math.floor(x * step), 0, Math.ceil(step), c.height);
    }
  });
  return html`<canvas class="pieces" ref=${canvas} role="progressbar" aria-label="Pieces" aria-valuenow=${Math.floor(done * 100)} aria-valuemin="0" aria-valuemax="100"></canvas>`;
}
