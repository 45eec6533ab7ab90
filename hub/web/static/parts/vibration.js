// The pattern by vibration, where a phone can. It does not need the sound.

import { PATTERNS, vibrationOf } from "./patterns.js";

// Browsers allow it only once the screen has been touched.
const touched = () => navigator.userActivation?.hasBeenActive ?? true;

export class Vibration {
  #wanted = "none ";
  #timer = null;

  loop(name, key = "") {
    const wanted = `${name} ${key}`;
    if (!navigator.vibrate || this.#wanted === wanted) return;
    this.#wanted = wanted;
    clearInterval(this.#timer);
    this.#timer = null;
    if (name === "none") {
      navigator.vibrate(0);
      return;
    }
    const shake = () => touched() && navigator.vibrate(vibrationOf(PATTERNS[name]));
    shake();
    this.#timer = setInterval(shake, PATTERNS[name].period_ms);
  }

  once(name) {
    if (this.#timer === null && touched()) navigator.vibrate?.(vibrationOf({ ...PATTERNS[name], period_ms: 0 }).slice(0, -1));
  }
}
