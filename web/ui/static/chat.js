// Talking to a model while its tokens arrive.
import { html, useEffect, useRef, useState } from "./vendor/htm-preact.js";
import { chat } from "./api.js";
import { ProblemBox } from "./parts.js";

/** Chat is the conversation with one of the ready models. */
export function Chat({ models, model, choose }) {
  const [talk, setTalk] = useState([]);
  const [draft, setDraft] = useState("");
  const [busy, setBusy] = useState(null); // the AbortController of the answer under way
  const [problem, setProblem] = useState(null);
  const [rate, setRate] = useState("");
  const end = useRef(null);

  useEffect(() => { if (end.current) end.current.scrollTop = end.current.scrollHeight; }, [talk]);

  async function send() {
    const text = draft.trim();
    if (!text || busy || !model) return;
    const asked = [...talk, { role: "user", content: text }];
    const stop = new AbortController();
    setDraft(""); setProblem(null); setBusy(stop); setRate("");
    setTalk([...asked, { role: "assistant", content: "" }]);
    let said = "", first = 0;
    try {
      const { usage, finish } = await chat({
        model, messages: asked, signal: stop.signal,
        on: (piece) => {
          first ||= performance.now();
          said += piece;
          setTalk([...asked, { role: "assistant", content: said }]);
        },
      });
      const seconds = (performance.now() - first) / 1000;
      if (usage && first && seconds > 0) {
        const tps = Math.max(usage.completion_tokens - 1, 0) / seconds;
        setRate(`${usage.completion_tokens} tokens, ${tps.toFixed(1)} tokens/s${finish === "length" ? ", cut at the length limit" : ""}`);
      }
    } catch (e) {
      if (e.name !== "AbortError") setProblem(e);
      if (!said) setTalk(asked);
    } finally {
      setBusy(null);
    }
  }

  const onKey = (e) => {
    if (e.key === "Enter" && !e.shiftKey && !e.isComposing) { e.preventDefault(); send(); }
  };

  return html`<section class="chat" aria-label="Chat">
    <div class="row">
      <h2 class="grow">Chat</h2>
      ${talk.length > 0 && html`<button class="small" disabled=${!!busy} onClick=${() => { setTalk([]); setRate(""); setProblem(null); }}>New chat</button>`}
    </div>
    <label>Model
      <select id="model" value=${model} onChange=${(e) => choose(e.target.value)} disabled=${!!busy}>
        ${models.length === 0 && html`<option value="">No model is ready yet</option>`}
        ${models.map((m) => html`<option value=${m.reference} key=${m.reference}>${m.reference}</option>`)}
      </select>
    </label>
    <div class="talk" ref=${end} aria-live="polite">
      ${talk.length === 0 && html`<p class="soft">${models.length ? "Ask something. The answer is computed on this machine, from the verified copy on its disk." : "Fetch a model first; then it answers here."}</p>`}
      ${talk.map((m, i) => html`<div key=${i} class=${`said ${m.role} ${busy && i === talk.length - 1 ? "busy" : ""}`}>${m.content}</div>`)}
    </div>
    <${ProblemBox} problem=${problem} />
    ${rate && html`<div class="soft" id="rate">${rate}</div>`}
    <div class="row">
      <textarea id="prompt" class="grow" rows="2" placeholder="Message" aria-label="Message" value=${draft}
        onInput=${(e) => setDraft(e.target.value)} onKeyDown=${onKey}></textarea>
      ${busy
        ? html`<button onClick=${() => busy.abort()}>Stop</button>`
        : html`<button class="main" id="send" disabled=${!model || !draft.trim()} onClick=${send}>Send</button>`}
    </div>
  </section>`;
}
