// Answers that take their time: few of them at once, and given up when the server answers nobody.

import { LostError, health } from "./api.js";

/** A browser keeps six connections to a server. Each of these takes two, one for its progress; what
 * is looked at meanwhile needs the rest. */
const AT_ONCE = 2;
/** Milliseconds between two looks whether the server still answers. */
const PULSE = 3000;

/** @type {Map<string, number>} how many answers each session waits for */
const waited = new Map();
/** @type {(() => void)[]} */
const line = [];

/**
 * Wait for an answer about a session for as long as the server answers anything.
 *
 * Sessions beyond the first two wait for their turn; a later question about a session that is being
 * answered does not, since it overtakes the earlier one.
 * @template T
 * @param {string} id of the session
 * @param {(signal: AbortSignal) => Promise<T>} ask
 * @returns {Promise<T>}
 */
export async function waitFor(id, ask) {
  while (!waited.has(id) && waited.size >= AT_ONCE) {
    await new Promise((resolve) => line.push(() => resolve(null)));
  }
  waited.set(id, (waited.get(id) ?? 0) + 1);
  const end = new AbortController();
  const pulse = setInterval(() => feel(end), PULSE);
  /** @type {Promise<never>} */
  const lost = new Promise((_, reject) => {
    end.signal.addEventListener("abort", () => reject(end.signal.reason));
  });
  try {
    return await Promise.race([ask(end.signal), lost]);
  } finally {
    clearInterval(pulse);
    const left = (waited.get(id) ?? 1) - 1;
    if (left) waited.set(id, left);
    else waited.delete(id);
    line.shift()?.();
  }
}

/** @param {AbortController} end */
async function feel(end) {
  try {
    await health();
  } catch (error) {
    if (error instanceof LostError) end.abort(error);
  }
}
