// The server's API, as far as the page needs it.

/** @typedef {{points: [number, number, number][], opacity: number, exact: boolean, enabled: boolean, hardness: number}} Stroke */
/** @typedef {{shift: number, feather: number, low: number, high: number, decontaminate: number}} Finish */
/** @typedef {{weights: string | null, refine: boolean, tta: boolean, foreground: string}} Options */
/** @typedef {{seconds: Record<string, number>, notes: string[], changed: number[] | null, subject: number[] | null}} MatteFacts */
/**
 * @typedef {{
 *   id: string, name: string, width: number, height: number, depth: number, notes: string[],
 *   trimap: boolean, strokes: Stroke[], options: Options, revision: number,
 *   matte: MatteFacts | null, page?: any, finish?: Finish | null,
 * }} SessionState
 */

export class ApiError extends Error {
  /**
   * @param {string} kind
   * @param {string} message
   * @param {number} status
   */
  constructor(kind, message, status) {
    super(message);
    this.kind = kind;
    this.status = status;
  }
}

/** The server does not answer. */
export class LostError extends Error {}

/** The picture was closed in the meantime: there is nothing to be told. */
export class ClosedError extends Error {}

/** Milliseconds that the shortest of answers may take. */
const PATIENCE = 10_000;

/**
 * @param {string} address
 * @param {RequestInit} [init]
 * @returns {Promise<Response>}
 */
export async function call(address, init) {
  let response;
  try {
    response = await fetch(address, init);
  } catch (error) {
    if (error instanceof DOMException && error.name === "AbortError") throw error;
    throw error instanceof LostError ? error : new LostError(String(error));
  }
  if (response.ok) return response;
  let problem = { type: "", detail: `${response.status} ${response.statusText}` };
  try {
    problem = await response.json();
  } catch {
    // Whatever stands between says no more than its status.
  }
  const kind = String(problem.type).split(":").pop() ?? "";
  throw new ApiError(kind, problem.detail, response.status);
}

/**
 * @param {string} address
 * @param {string} method
 * @param {any} [body]
 * @param {AbortSignal} [signal]
 * @returns {Promise<any>}
 */
async function json(address, method, body, signal) {
  /** @type {RequestInit} */
  const init = { method, signal };
  if (body !== undefined) {
    init.body = JSON.stringify(body);
    init.headers = { "Content-Type": "application/json" };
  }
  return (await call(address, init)).json();
}

/**
 * @param {Record<string, Blob | string>} parts
 * @returns {FormData}
 */
function form(parts) {
  const data = new FormData();
  for (const [name, value] of Object.entries(parts)) data.append(name, value);
  return data;
}

/** @param {string} id */
const at = (id) => `/v1/sessions/${encodeURIComponent(id)}`;

/** @returns {Promise<{weights: string[], status: string}>} */
export const health = () =>
  json("/health", "GET", undefined, AbortSignal.timeout(PATIENCE));

/** @returns {Promise<{number: number, name: string}[]>} */
export const given = () => json("/v1/given", "GET");

/** @param {string} token */
export const login = (token) =>
  call("/v1/login", {
    method: "POST",
    body: JSON.stringify({ token }),
    headers: { "Content-Type": "application/json" },
  });

/**
 * @param {Record<string, Blob | string>} parts
 * @returns {Promise<SessionState>}
 */
export const openSession = async (parts) =>
  (await call("/v1/sessions", { method: "POST", body: form(parts) })).json();

/** @param {string} id */
export const closeSession = (id) => call(at(id), { method: "DELETE" });

/**
 * @param {string} id
 * @param {Uint8Array<ArrayBuffer>} values
 */
export async function putTrimap(id, values) {
  await call(`${at(id)}/trimap`, {
    method: "PUT",
    body: await zipped(values),
    headers: { "Content-Type": "application/octet-stream", "Content-Encoding": "gzip" },
  });
}

/**
 * @param {string} id
 * @param {Record<string, Blob | string>} parts
 */
export const putGuide = (id, parts) => call(`${at(id)}/trimap`, { method: "PUT", body: form(parts) });

/**
 * @param {string} id
 * @param {Uint8Array<ArrayBuffer>} values
 * @param {number} width
 * @param {number} height
 * @param {AbortSignal} signal
 * @returns {Promise<Uint8Array>}
 */
export async function propose(id, values, width, height, signal) {
  const response = await call(`${at(id)}/proposal?width=${width}&height=${height}`, {
    method: "POST",
    body: await zipped(values),
    headers: { "Content-Type": "application/octet-stream", "Content-Encoding": "gzip" },
    signal,
  });
  return new Uint8Array(await response.arrayBuffer());
}

/**
 * @param {string} id
 * @param {Stroke[]} strokes
 * @returns {Promise<SessionState>}
 */
export const putStrokes = (id, strokes) => json(`${at(id)}/strokes?compute=false`, "PUT", strokes);

/**
 * @param {string} id
 * @param {Options} options
 * @param {AbortSignal} signal
 * @returns {Promise<SessionState>}
 */
export const compute = (id, options, signal) => json(`${at(id)}/matte`, "POST", options, signal);

/** @param {string} id */
export const cancel = (id) => json(`${at(id)}/matte`, "DELETE");

/**
 * @param {string} id
 * @param {Blob} image
 */
export const putBackdrop = (id, image) =>
  call(`${at(id)}/backdrop`, { method: "PUT", body: form({ image }) });

/**
 * @param {string} id
 * @param {string} layer
 * @param {Record<string, string | number | boolean | null | undefined>} query
 * @param {AbortSignal} [signal]
 * @returns {Promise<Blob>}
 */
export async function getLayer(id, layer, query, signal) {
  const search = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) {
    if (value !== null && value !== undefined) search.set(name, String(value));
  }
  return (await call(`${at(id)}/${layer}?${search}`, { signal })).blob();
}

/**
 * @param {string} id
 * @param {{finish: Finish, page: any}} body
 * @returns {Promise<Blob>}
 */
export async function getProject(id, body) {
  const response = await call(`${at(id)}/project`, {
    method: "POST",
    body: JSON.stringify(body),
    headers: { "Content-Type": "application/json" },
  });
  return response.blob();
}

/** @param {string} id */
export const events = (id) => new EventSource(`${at(id)}/events`);

/**
 * @param {Uint8Array<ArrayBuffer>} values
 * @returns {Promise<Blob>}
 */
function zipped(values) {
  const stream = new Blob([values]).stream().pipeThrough(new CompressionStream("gzip"));
  return new Response(stream).blob();
}
