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

export function address(path) {
  return new URL(path, document.baseURI);
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
