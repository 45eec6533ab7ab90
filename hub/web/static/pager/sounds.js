// Everything that makes itself heard or felt, as one: the sounder and the vibration.

import { Sound } from "../parts/sound.js";
import { Vibration } from "../parts/vibration.js";

export class Sounds {
  #sound;
  #vibration = new Vibration();

  constructor(changed) {
    this.#sound = new Sound(changed);
  }

  get state() {
    return this.#sound.state;
  }

  get ringing() {
    return this.#sound.ringing;
  }

  /** From within a tap. Where the device refuses, `state` says so. */
  async arm() {
    try {
      await this.#sound.arm();
    } catch (refusal) {
      if (!(refusal instanceof DOMException)) throw refusal;
    }
  }

  tryAgain() {
    return this.#sound.tryAgain();
  }

  tick() {
    this.#sound.tick();
  }

  test() {
    this.#sound.once("test");
    this.#vibration.once("test");
  }

  done() {
    this.#sound.once("done");
  }

  /** What repeats, and the single cues of this change of the screen. */
  follow({ name, key }, cues) {
    this.#sound.loop(name, key);
    this.#vibration.loop(name, key);
    for (const cue of cues) {
      this.#sound.once(cue);
      if (cue === "trouble") this.#vibration.once(cue);
    }
  }
}
