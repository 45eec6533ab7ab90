// The sounder. Bursts are scheduled on the audio clock, two ahead, so that no busy or slowed-down page makes them stumble.
// `ringing` is true only while the audio really runs: a context whose clock stands still counts as suspended.

import { EDGE_MS, PARTIALS, PATTERNS } from "./patterns.js";

const BURSTS_AHEAD = 2;
const STALLED_MS = 2_500;
const START_S = 0.02; // from scheduling to the first pulse

export class Sound {
  #context = null;
  #out = null;
  #wave = null;
  #loop = null;
  #wanted = { name: "none", key: "" };
  #last = { heard_s: -1, at_ms: 0 };
  #stalled = false;
  #changed;

  constructor(changed = () => {}) {
    this.#changed = changed;
  }

  /** unarmed: no tap has allowed sound yet · running · suspended: the system has taken it away. */
  get state() {
    if (!this.#context) return "unarmed";
    return this.#context.state === "running" && !this.#stalled ? "running" : "suspended";
  }

  get ringing() {
    return this.state === "running" && this.#loop !== null && this.#loop.next_s > this.#context.currentTime;
  }

  /** To be called from within a tap, which is what browsers ask for. Resolves once it runs, or rejects. */
  async arm() {
    // A phone's mute switch is for music and games: this is neither.
    if (navigator.audioSession) navigator.audioSession.type = "playback";
    if (!this.#context || this.#context.state === "closed") this.#open();
    await this.#context.resume();
    this.#stalled = false;
    this.#last = { heard_s: -1, at_ms: performance.now() };
    this.#follow();
    this.#changed();
  }

  /** Repeats `name` ("none": nothing) from now on. The same name and key go on undisturbed, a new key begins the burst anew. */
  loop(name, key = "") {
    if (this.#wanted.name === name && this.#wanted.key === key) return;
    this.#wanted = { name, key };
    this.#silence();
    this.#follow();
  }

  /** One burst, if it can be heard. */
  once(name) {
    if (this.state === "running") this.#burst(PATTERNS[name], this.#context.currentTime + START_S, this.#out);
  }

  /** Notices a context that says "running" while its clock stands still. */
  tick() {
    if (this.#context?.state !== "running") return;
    const heard_s = this.#context.currentTime;
    const now_ms = performance.now();
    if (heard_s !== this.#last.heard_s) this.#last = { heard_s, at_ms: now_ms };
    const stalled = now_ms - this.#last.at_ms > STALLED_MS;
    if (stalled !== this.#stalled) {
      this.#stalled = stalled;
      this.#changed();
    }
  }

  /** A suspended context may often simply go on when the page is in front again. */
  async tryAgain() {
    if (this.state === "suspended") await this.#context.resume().catch(() => {});
  }

  #open() {
    this.#context = new AudioContext({ latencyHint: "interactive" });
    const compressor = new DynamicsCompressorNode(this.#context, { threshold: -9, knee: 0, ratio: 20, attack: 0.002, release: 0.05 });
    compressor.connect(this.#context.destination);
    this.#out = compressor;
    this.#wave = this.#context.createPeriodicWave([0, ...PARTIALS.map(() => 0)], [0, ...PARTIALS]);
    this.#loop = null;
    this.#context.onstatechange = () => this.#changed();
  }

  #follow() {
    const { name } = this.#wanted;
    if (name === "none" || this.#loop || !this.#context) return;
    const gain = new GainNode(this.#context);
    gain.connect(this.#out);
    this.#loop = { pattern: PATTERNS[name], gain, next_s: this.#context.currentTime + START_S };
    for (let burst = 0; burst < BURSTS_AHEAD; burst += 1) this.#nextBurst(this.#loop);
  }

  #nextBurst(loop) {
    const last = this.#burst(loop.pattern, loop.next_s, loop.gain);
    loop.next_s += loop.pattern.period_ms / 1000;
    last.onended = () => {
      if (this.#loop === loop) this.#nextBurst(loop);
    };
  }

  #silence() {
    if (!this.#loop) return;
    this.#loop.gain.disconnect();
    this.#loop = null;
  }

  /** Schedules one burst; returns its last pulse. */
  #burst({ pulses, gain }, start_s, out) {
    const level = new GainNode(this.#context, { gain });
    level.connect(out);
    return pulses.map((pulse) => this.#pulse(pulse, start_s + pulse.at_ms / 1000, level)).at(-1);
  }

  #pulse({ length_ms, hz }, at_s, out) {
    const end_s = at_s + length_ms / 1000;
    const edge_s = EDGE_MS / 1000;
    const shape = new GainNode(this.#context, { gain: 0 });
    shape.gain.setValueAtTime(0, at_s);
    shape.gain.linearRampToValueAtTime(1, at_s + edge_s);
    shape.gain.setValueAtTime(1, end_s - edge_s);
    shape.gain.linearRampToValueAtTime(0, end_s);
    const pulse = new OscillatorNode(this.#context, { frequency: hz, periodicWave: this.#wave });
    pulse.connect(shape).connect(out);
    pulse.start(at_s);
    pulse.stop(end_s);
    return pulse;
  }
}
