// The page's way to the daemon: the same HTTP API that the command line uses,
// with the browser's login cookie.

/** A Problem is the daemon's error: what went wrong, and what to do next. */
export class Problem extends Error {
  constructor(status, body) {
    const e = body?.error ?? {};
    super(e.message || `the daemon answered ${status}`);
    this.status = status;
    this.hint = e.hint || "";
  }
}

async function answer(response) {
  const text = await response.text();
  let body = null;
  try { body = text ? JSON.parse(text) : null; } catch { /* not JSON: the status says it */ }
  if (!response.ok) throw new Problem(response.status, body);
  return body;
}

/** call("POST", "/transfers", {link}) answers the parsed body or throws a Problem. */
export async function call(method, path, body) {
  return answer(await fetch("/samara/v1" + path, {
    method,
    headers: body ? { "Content-Type": "application/json" } : {},
    body: body ? JSON.stringify(body) : undefined,
  }));
}

/** events(on) calls on(type, data) for what happens in the daemon; it answers a function that stops it. */
export function events(types, on, connected) {
  const source = new EventSource("/samara/v1/events");
  for (const type of types) {
    source.addEventListener(type, (e) => on(type, JSON.parse(e.data)));
  }
  source.onopen = () => connected(true);
  source.onerror = () => connected(false);
  return () => source.close();
}

/**
 * chat streams an answer: on(text) for every piece of it, and the usage at the
 * end as the result. Abort it through signal.
 */
export async function chat({ model, messages, signal, on }) {
  const response = await fetch("/v1/chat/completions", {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify({ model, messages, stream: true, stream_options: { include_usage: true } }),
    signal,
  });
  if (!response.ok) await answer(response);
  let usage = null, finish = "", rest = "";
  const decoder = new TextDecoder();
  const reader = response.body.getReader();
  for (;;) {
    const { done, value } = await reader.read();
    if (done) break;
    rest += decoder.decode(value, { stream: true });
    const lines = rest.split("\n");
    rest = lines.pop();
    for (const line of lines) {
      if (!line.startsWith("data: ") || line === "data: [DONE]") continue;
      const part = JSON.parse(line.slice(6));
      if (part.error) throw new Problem(200, part);
      usage = part.usage ?? usage;
      const choice = part.choices?.[0];
      if (choice?.delta?.content) on(choice.delta.content);
      finish = choice?.finish_reason ?? finish;
    }
  }
  return { usage, finish };
}
