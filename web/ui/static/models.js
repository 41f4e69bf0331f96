// What the daemon holds: versions, their digests, what they are.
import { html, useState } from "./vendor/htm-preact.js";
import { call } from "./api.js";
import { bytes, count } from "./format.js";
import { Digest, ProblemBox } from "./parts.js";

/** Models lists the versions; talk(reference) opens the chat with one. */
export function Models({ models, talk }) {
  const [open, setOpen] = useState(null); // the reference whose files are shown
  const [detail, setDetail] = useState(null);
  const [problem, setProblem] = useState(null);

  async function show(reference) {
    setProblem(null);
    if (open === reference) { setOpen(null); return; }
    try {
      setDetail(await call("GET", `/version?ref=${encodeURIComponent(reference)}`));
      setOpen(reference);
    } catch (e) { setProblem(e); }
  }

  return html`<section aria-label="Versions">
    <h2>Versions on this machine</h2>
    <${ProblemBox} problem=${problem} />
    ${models.length === 0 && html`<p class="soft">None yet. Paste a magnet above, or publish a folder: <code>samara publish PATH --name you/model</code></p>`}
    ${models.map((m) => html`<div class="item" key=${m.reference} data-version=${m.reference}>
      <div class="row">
        <span class="name grow">${m.reference}</span>
        <button class="small" onClick=${() => show(m.reference)} aria-expanded=${open === m.reference}>Files</button>
        ${m.architecture && html`<button class="small" onClick=${() => talk(m.reference)}>Chat</button>`}
      </div>
      <div class="facts">
        <${Digest} value=${m.version} />
        <span>${bytes(m.bytes)}</span>
        ${m.format && html`<span>${[m.format, m.architecture, m.parameters && count(m.parameters), m.quantization].filter(Boolean).join(" · ")}</span>`}
        ${m.license && html`<span>${m.license}</span>`}
        <span>${m.trust}</span>
      </div>
      ${open === m.reference && detail && html`<${Files} detail=${detail} />`}
    </div>`)}
  </section>`;
}

function Files({ detail }) {
  return html`<div style=${{ marginTop: "8px" }}>
    <div class="scroll"><table>
      <thead><tr><th>File</th><th class="num">Size</th><th>BLAKE3</th></tr></thead>
      <tbody>${(detail.files ?? []).map((f) => html`<tr key=${f.path}><td class="path">${f.path}</td><td class="num">${bytes(f.size)}</td><td><${Digest} value=${f.digest} /></td></tr>`)}</tbody>
    </table></div>
    ${detail.magnet && html`<p class="soft">Magnet: <${Digest} value=${detail.magnet} /></p>`}
  </div>`;
}
