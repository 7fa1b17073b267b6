// JSON over /api, with errors in the shape that the server promises: {"error", "field", "remedy"}.

export class RequestError extends Error {
  /**
   * @param {{ error: string, field?: string | null, remedy?: string }} said
   * @param {number} status
   */
  constructor({ error, field, remedy }, status) {
    super(error);
    this.field = field;
    this.remedy = remedy;
    this.status = status;
  }

  /** Everything a reader needs in one sentence or two. */
  get text() {
    return [this.field ? `${this.field}: ${this.message}` : this.message, this.remedy]
      .filter(Boolean)
      .join(' ');
  }
}

// where the site begins: what lies in front of this module's own address
const ROOT = import.meta.url.slice(0, import.meta.url.lastIndexOf('/assets/'));

/** `path` from the site's root, such as /api/health, as it is to be asked for. The only place that knows. */
export function address(path) {
  return new URL(ROOT + path);
}

/** `path` of one run, its id made safe for an address. */
export function runPath(id, rest = '') {
  return `/api/runs/${encodeURIComponent(id)}${rest}`;
}

/** `fetch` that throws a RequestError for whatever is not a success. */
export async function call(path, options) {
  let response;
  try {
    response = await fetch(address(path), options);
  } catch (problem) {
    if (problem.name === 'AbortError') throw problem;
    throw new RequestError({ error: 'The server does not answer.', remedy: 'Is it still running?' }, 0);
  }
  if (response.ok) return response;
  const said = await response.json().catch(() => ({}));
  throw new RequestError(
    { error: said.error ?? `The server said ${response.status}.`, ...said },
    response.status,
  );
}

export async function getJson(path, signal) {
  return (await call(path, { signal })).json();
}

export async function getBytes(path, signal) {
  return (await call(path, { signal })).arrayBuffer();
}

export async function postJson(path, body) {
  const headers = { 'content-type': 'application/json' };
  return (await call(path, { method: 'POST', headers, body: JSON.stringify(body) })).json();
}
