// The page: paste a magnet, watch it arrive, talk to it.
import { html, render, useEffect, useRef, useState } from "./vendor/htm-preact.js";
import { call, events } from "./api.js";
import { Add } from "./add.js";
import { Chat } from "./chat.js";
import { Models } from "./models.js";
import { ProblemBox } from "./parts.js";
import { Transfers } from "./transfers.js";

const newestFirst = (a, b) => (a.added < b.added ? 1 : a.added > b.added ? -1 : 0);

function App() {
  const [info, setInfo] = useState(null);
  const [online, setOnline] = useState(false);
  const [models, setModels] = useState([]);
  const [transfers, setTransfers] = useState([]);
  const [model, setModel] = useState("");
  const [problem, setProblem] = useState(null);
  const [locked, setLocked] = useState(false);
  const soon = useRef(0);

  async function load() {
    try {
      const [i, v, t] = await Promise.all([call("GET", "/info"), call("GET", "/versions"), call("GET", "/transfers")]);
      setInfo(i); setModels(v.versions ?? []); setTransfers((t.transfers ?? []).sort(newestFirst));
      setProblem(null);
      return true;
    } catch (e) {
      if (e.status === 401) setLocked(true); else setProblem(e);
      return false;
    }
  }

  useEffect(() => {
    let stop = () => {};
    load().then((ok) => {
      if (!ok) return;
      stop = events(["transfer", "version", "engine"], (type, data) => {
        if (type === "transfer" && !data.removed) {
          setTransfers((all) => [data, ...all.filter((t) => t.id !== data.id)].sort(newestFirst));
          if (data.state !== "ready") return;
        }
        clearTimeout(soon.current); // several changes at once are one reload
        soon.current = setTimeout(load, 150);
      }, (on) => { setOnline(on); if (on) load(); });
    });
    return () => stop();
  }, []);

  const talkers = models.filter((m) => m.architecture);
  useEffect(() => {
    if (talkers.length && !talkers.some((m) => m.reference === model)) setModel(talkers[0].reference);
  }, [models]);

  if (locked) return html`<${Locked} />`;
  return html`<div class="page">
    <header>
      <img src="/assets/samara.svg" alt="" /><h1>Samara</h1>
      <div class="where">${info && html`<span><span class=${`dot ${online ? "on" : ""}`}></span>${online ? "connected" : "not connected"}
        ${info.swarm && html` · swarm ${info.swarm}`} · ${info.version}</span>`}</div>
    </header>
    <${ProblemBox} problem=${problem} />
    <main>
      <div class="stack">
        <${Add} added=${(t) => setTransfers((all) => [t, ...all.filter((x) => x.id !== t.id)])} />
        <${Transfers} transfers=${transfers} changed=${load} />
        <${Models} models=${models} talk=${(r) => { setModel(r); document.getElementById("prompt")?.focus(); }} />
      </div>
      <${Chat} models=${talkers} model=${model} choose=${setModel} />
    </main>
  </div>`;
}

/** Locked is what a browser without a login sees. */
function Locked() {
  return html`<div class="page"><header><img src="/assets/samara.svg" alt="" /><h1>Samara</h1></header>
    <section id="locked"><h2>This browser is not logged in</h2>
      <p>Open the one-time link that <code>samara serve</code> printed when it started. It works once; this makes a new one:</p>
      <p><code>samara login</code></p>
    </section></div>`;
}

render(html`<${App} />`, document.getElementById("app"));
