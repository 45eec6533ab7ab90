// The screen is kept from going dark while a guard is on duty here.

export class Awake {
  #lock = null;
  #changed;
  #wanted = false;

  constructor(changed = () => {}) {
    this.#changed = changed;
    document.addEventListener("visibilitychange", () => {
      if (this.#wanted && document.visibilityState === "visible") this.keep();
    });
  }

  get possible() {
    return "wakeLock" in navigator;
  }

  get on() {
    return this.#lock !== null && !this.#lock.released;
  }

  /** Asks for it; the system may say no (battery saver), and takes it away whenever the page is hidden. */
  async keep() {
    this.#wanted = true;
    if (!this.possible || this.on || document.visibilityState !== "visible") return;
    try {
      this.#lock = await navigator.wakeLock.request("screen");
      this.#lock.onrelease = () => this.#changed();
    } catch (refusal) {
      if (refusal.name !== "NotAllowedError") throw refusal;
    }
    this.#changed();
  }

  async letGo() {
    this.#wanted = false;
    await this.#lock?.release();
  }
}
