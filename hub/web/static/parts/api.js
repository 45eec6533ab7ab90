// Requests to the hub. An error is a problem detail (RFC 9457) whose `code` is a word of the catalogue (`refused.<code>`).

import { known, t } from "./words.js";

const ANSWER_MS_MAX = 10_000;

export class Problem extends Error {
  /** `wait_s`: after how many seconds it may be tried again, where the hub says so. */
  constructor(code, status = 0, wait_s = 0) {
    super(code);
    this.code = code;
    this.status = status;
    this.wait_s = wait_s;
  }

  /** What to tell a person. */
  get why() {
    return this.wait_s && known(`refused.${this.code}_s`) ? t(`refused.${this.code}_s`, { n: this.wait_s }) : why(this.code);
  }
}

/** The answer's JSON; raises Problem, also when the hub does not answer (`no_answer`). */
export async function ask(method, path, body = undefined) {
  const headers = { Accept: "application/json", "X-Firstbell": "1" };
  if (body !== undefined) headers["Content-Type"] = "application/json";
  let answer, text;
  try {
    answer = await fetch(path, {
      method,
      headers,
      body: body === undefined ? undefined : JSON.stringify(body),
      cache: "no-store",
      signal: AbortSignal.timeout(ANSWER_MS_MAX),
    });
    text = await answer.text();
  } catch {
    throw new Problem("no_answer");
  }
  const content = text && answer.headers.get("Content-Type")?.includes("json") ? JSON.parse(text) : {};
  if (!answer.ok) throw new Problem(content.code ?? `http_${answer.status}`, answer.status, Number(answer.headers.get("Retry-After") ?? 0));
  return content;
}

export const get = (path) => ask("GET", path);
export const post = (path, body = {}) => ask("POST", path, body);

/** What to tell a person about a refusal's code. */
export const why = (code) => (known(`refused.${code}`) ? t(`refused.${code}`) : t("refused.other", { code }));
