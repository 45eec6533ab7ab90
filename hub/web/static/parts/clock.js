// Hub time on this screen, from the four time stamps of each heartbeat (RFC 5905 §8: the exchange with the shortest way wins).

const SAMPLES_MAX = 8;
const ASLEEP_MS = 1000; // the wall clock ran ahead of the monotonic one by this: the device slept

export class HubClock {
  #local;
  #wall;
  #samples = [];
  #offset_ms = null;
  #slept_ms = 0;
  #last;
  utc_offset_ms = 0;
  zone_minutes = 0;

  constructor(local = () => performance.now(), wall = () => Date.now()) {
    this.#local = local;
    this.#wall = wall;
    this.#last = { local: local(), wall: wall() };
  }

  /** Milliseconds that never go back and go on while the device sleeps (a monotonic clock may stand still then). */
  steady_ms() {
    const now = { local: this.#local(), wall: this.#wall() };
    const behind = now.wall - this.#last.wall - (now.local - this.#last.local);
    if (behind > ASLEEP_MS) this.#slept_ms += behind;
    this.#last = now;
    return now.local + this.#slept_ms;
  }

  /** A new connection: what was measured on the old one no longer counts, but time goes on from it. */
  forget() {
    this.#samples = [];
  }

  /** A snapshot tells hub time, late by its way here; it serves until the first exchange. */
  told({ hub_ms, utc_ms, zone_minutes }) {
    this.utc_offset_ms = utc_ms - hub_ms;
    this.zone_minutes = zone_minutes;
    if (!this.#samples.length) this.#offset_ms = hub_ms - this.steady_ms();
  }

  /** One exchange: sent at `t1_ms` and answered at `t4_ms` of this clock, hub time in between. */
  exchanged({ t1_ms, t2_ms, t3_ms }, t4_ms = this.steady_ms()) {
    const way_ms = Math.max(0, t4_ms - t1_ms - (t3_ms - t2_ms));
    this.#samples = [...this.#samples, { way_ms, offset_ms: (t2_ms - t1_ms + t3_ms - t4_ms) / 2 }].slice(-SAMPLES_MAX);
    this.#offset_ms = this.#samples.reduce((best, sample) => (sample.way_ms <= best.way_ms ? sample : best)).offset_ms;
    return way_ms;
  }

  get known() {
    return this.#offset_ms !== null;
  }

  hub_ms() {
    return this.steady_ms() + (this.#offset_ms ?? 0);
  }

  /** Date whose UTC fields are the campus's wall clock at `hub_ms`. */
  wall(hub_ms) {
    return new Date(hub_ms + this.utc_offset_ms + this.zone_minutes * 60_000);
  }
}
