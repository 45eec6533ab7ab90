// Commands that the hub has not answered yet. They survive a reload, go out again at every connection, and belong to the
// guard who tapped them: they are never sent in another's name.

const KEPT_AS = "firstbell.commands";
const COMMANDS_MAX = 16;
const NO_ANSWER = new Set(["not_signed_on", "busy"]);

export class Outbox {
  #store;
  #commands;

  constructor(store = localStorage) {
    this.#store = store;
    this.#commands = JSON.parse(store.getItem(KEPT_AS) ?? "[]");
  }

  get commands() {
    return this.#commands;
  }

  /** Keeps a command of `guard`; a second tap on the same thing is the same command. Returns the frame to send, or null. */
  add(guard, { do: what, incident, covers = [], outcome = null, note = "" }) {
    if (this.#commands.some((kept) => kept.do === what && kept.incident === incident)) return null;
    const frame = { type: "command", id: crypto.randomUUID(), do: what, incident, covers, outcome, note };
    this.#keep([...this.#commands, { ...frame, guard }].slice(-COMMANDS_MAX));
    return frame;
  }

  /** The frames to send to a hub that says `guard` is signed on here. Those of anybody else are given up. */
  due(guard) {
    if (!guard) return [];
    this.#keep(this.#commands.filter((kept) => kept.guard === guard));
    return this.#commands.map(({ guard: _, ...frame }) => frame);
  }

  /** The hub has it. Returns the command, or undefined where it was settled before. */
  receipt(id) {
    return this.#settle(id);
  }

  /**
   * Returns {command, again}: `again` where that was no answer, so that the command stays. A hub that doesn't know the
   * incident may learn of it from here, as long as `provable(incident)`.
   */
  refused(id, reason, provable) {
    const command = this.#commands.find((kept) => kept.id === id);
    const again = NO_ANSWER.has(reason) || (reason === "unknown_incident" && Boolean(command) && provable(command.incident));
    return { command: again ? command : this.#settle(id), again };
  }

  #settle(id) {
    const found = this.#commands.find((kept) => kept.id === id);
    if (found) this.#keep(this.#commands.filter((kept) => kept !== found));
    return found;
  }

  #keep(commands) {
    if (JSON.stringify(commands) === JSON.stringify(this.#commands)) return;
    this.#commands = commands;
    this.#store.setItem(KEPT_AS, JSON.stringify(commands));
  }
}
