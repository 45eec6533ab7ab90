// The signed events that came with pages. A hub that has lost its memory gets them back from here; what no page shows any
// more is handed back too, for only its receipt says that it is on the disk.

const KEPT_AS = "firstbell.evidence";
const INCIDENTS_MAX = 64;
const EVENTS_MAX = 16; // per incident, the newest
const FRAME_CHARS_MAX = 15_000;

export class Evidence {
  #store;
  #held; // incident → JWS texts, oldest incident first
  #handed = new Set(); // JWS texts, on this connection

  constructor(store = localStorage) {
    this.#store = store;
    this.#held = new Map(JSON.parse(store.getItem(KEPT_AS) ?? "[]"));
  }

  /** A new connection may be to a hub that has forgotten. */
  connected() {
    this.#handed.clear();
  }

  /** Keeps what this snapshot brings; returns the frames that hand back what it lacks. */
  exchange({ pages }) {
    const before = JSON.stringify([...this.#held]);
    for (const { incident, evidence } of pages) {
      this.#held.set(incident, [...new Set([...(this.#held.get(incident) ?? []), ...evidence])].slice(-EVENTS_MAX));
    }
    while (this.#held.size > INCIDENTS_MAX) this.#held.delete(this.#held.keys().next().value);
    if (JSON.stringify([...this.#held]) !== before) this.#keep();
    // A press that joined an incident can be lost alone: the hub then shows the incident, and not all of its events.
    const told = new Set(pages.flatMap(({ evidence }) => evidence));
    return [...this.#held.values()].flatMap((texts) => this.#hand(texts.filter((jws) => !told.has(jws)), false));
  }

  /** The frames with the events of one incident, each once per connection unless `again`. */
  handBack(incident, again = false) {
    return this.#hand(this.#held.get(incident) ?? [], again);
  }

  /** Whether anything of this incident is kept. */
  has(incident) {
    return this.#held.has(incident);
  }

  /** The hub has this event on its disk, or will never take it. */
  settle(jws) {
    for (const [incident, texts] of this.#held) {
      const left = texts.filter((text) => text !== jws);
      if (left.length) this.#held.set(incident, left);
      else this.#held.delete(incident);
    }
    this.#keep();
  }

  #keep() {
    this.#store.setItem(KEPT_AS, JSON.stringify([...this.#held]));
  }

  #hand(texts, again) {
    const due = again ? texts : texts.filter((jws) => !this.#handed.has(jws));
    for (const jws of due) this.#handed.add(jws);
    return inFrames(due);
  }
}

/** Events in as many frames as the hub's limit for one asks. */
function inFrames(texts) {
  const frames = [];
  let room = 0;
  for (const jws of texts) {
    if (jws.length > room) {
      frames.push({ type: "evidence", jws: [] });
      room = FRAME_CHARS_MAX;
    }
    frames.at(-1).jws.push(jws);
    room -= jws.length + 3;
  }
  return frames;
}
