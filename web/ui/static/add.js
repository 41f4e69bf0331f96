// Pasting a link: see what is in it, then fetch it.
import { html, useState } from "./vendor/htm-preact.js";
import { call } from "./api.js";
import { bytes, count } from "./format.js";
import { Digest, ProblemBox } from "./parts.js";

/** Add is the form at the top; added(transfer) is told of a new transfer. */
export function Add({ added }) {
  const [link, setLink] = useState("");
  const [torrent, setTorrent] = useState(null); // {name, data: base64}
  const [name, setName] = useState("");
  const [peer, setPeer] = useState("");
  const [seen, setSeen] = useState(null);
  const [busy, setBusy] = useState("");
  const [problem, setProblem] = useState(null);

  const peers = peer.split(/[\s,]+/).filter(Boolean);
  const what = torrent ? { torrent: torrent.data } : { link: link.trim() };
  const ready = torrent || link.trim();

  async function act(word, work) {
    setBusy(word); setProblem(null);
    try { await work(); } catch (e) { setProblem(e); } finally { setBusy(""); }
  }
  const peek = () => act("peek", async () => setSeen(await call("POST", "/peek", { ...what, peers })));
  const fetchIt = () => act("fetch", async () => {
    const t = await call("POST", "/transfers", { ...what, peers, name: name.trim() || undefined });
    added(t);
    setLink(""); setTorrent(null); setSeen(null); setName("");
  });
  const choose = (e) => {
    const f = e.target.files[0];
    if (!f) return;
    const reader = new FileReader();
    reader.onload = () => setTorrent({ name: f.name, data: reader.result.replace(/^[^,]*,/, "") });
    reader.readAsDataURL(f);
  };

  return html`<section aria-label="Add a link">
    <h2>Paste a magnet link</h2>
    ${torrent
      ? html`<div class="row"><span class="grow name">${torrent.name}</span><button class="small" onClick=${() => { setTorrent(null); setSeen(null); }}>Remove</button></div>`
      : html`<textarea id="link" rows="3" spellcheck="false" placeholder="magnet:?xt=urn:btih:…  or an infohash" aria-label="Magnet link"
          value=${link} onInput=${(e) => { setLink(e.target.value); setSeen(null); }}></textarea>`}
    <div class="row">
      <label class="grow">Name (optional)<input id="name" placeholder="namespace/name:tag" value=${name} onInput=${(e) => setName(e.target.value)} /></label>
      <label class="grow">Peers (optional)<input id="peer" placeholder="host:port" value=${peer} onInput=${(e) => setPeer(e.target.value)} /></label>
    </div>
    <div class="row" style=${{ marginTop: "10px" }}>
      <button class="main" id="fetch" disabled=${!ready || !!busy} onClick=${fetchIt}>${busy === "fetch" ? "Adding…" : "Fetch"}</button>
      <button id="peek" disabled=${!ready || !!busy} onClick=${peek}>${busy === "peek" ? "Looking…" : "See what is in it"}</button>
      ${!torrent && html`<label class="soft">or a .torrent file <input type="file" accept=".torrent" onChange=${choose} /></label>`}
    </div>
    <${ProblemBox} problem=${problem} />
    ${seen && html`<${Contents} seen=${seen} />`}
  </section>`;
}

/** Contents lists the files of a link before anything of them is fetched. */
function Contents({ seen }) {
  const files = seen.files ?? [];
  return html`<div id="contents" style=${{ marginTop: "12px" }}>
    <div class="facts"><b>${seen.name}</b><span>${files.length} ${files.length === 1 ? "file" : "files"}</span><span>${bytes(seen.bytes)}</span>
      ${seen.bytes_known > 0 && html`<span>${bytes(seen.bytes_known)} here already</span>`}
      ${seen.facts?.architecture && html`<span>${[seen.facts.format, seen.facts.architecture, count(seen.facts.parameters), seen.facts.license].filter(Boolean).join(" · ")}</span>`}
      <span>${seen.has_digests ? "digests named by the author" : "no digests: they will be recorded as first seen"}</span></div>
    <div class="scroll"><table>
      <thead><tr><th>File</th><th class="num">Size</th><th>BLAKE3</th></tr></thead>
      <tbody>${files.map((f) => html`<tr key=${f.path}><td class="path">${f.path}</td><td class="num">${bytes(f.size)}</td><td><${Digest} value=${f.digest} /></td></tr>`)}</tbody>
    </table></div>
    ${(seen.warnings ?? []).map((w) => html`<p class="soft">${w}</p>`)}
  </div>`;
}
