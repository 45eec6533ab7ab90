// The pager: the link, what this device knows of itself, the hub's newest snapshot, and the screen they make together.

import { get, why } from "../parts/api.js";
import { Awake } from "../parts/awake.js";
import { watchBattery } from "../parts/battery.js";
import { HubClock } from "../parts/clock.js";
import { patch } from "../parts/dom.js";
import { fit } from "../parts/fit.js";
import { Link } from "../parts/link.js";
import { setTheme } from "../parts/theme.js";
import { tickQuarterly } from "../parts/ticker.js";
import { t, waitForLanguage } from "../parts/words.js";
import { cues } from "./cues.js";
import { draw } from "./draw.js";
import { Evidence } from "./evidence.js";
import { listenToKeys, settleKeys } from "./hold.js";
import { Outbox } from "./outbox.js";
import { Sounds } from "./sounds.js";
import { keepChosen, NEW_LOCAL, screenState } from "./state.js";
import { endStarting, fetchGuards, SIGNED_ON, TAPS, typePin } from "./taps.js";

const AGAIN_MS = 2_000; // a command that got no answer is sent again
const GUARDS_FRESH_MS = 30_000;
const NOTICE_MS = 12_000;
const STILL_A_PAGER_MS = 5_000; // between two questions whether this browser is still one

class Pager {
  snapshot = null;
  view = null;
  local = structuredClone(NEW_LOCAL);
  at = { history: {}, sound_since_ms: 0, heard_hub_ms: 0, can_stay_awake: true, told: false };
  clock = new HubClock();
  outbox = new Outbox();
  evidence = new Evidence();
  awake = new Awake(() => this.refresh());
  sounds = new Sounds(() => this.#soundChanged());
  #root = document.querySelector("#pager");
  #said = document.querySelector("#said");
  #seen = new Set();
  #state = "";
  #again_ms = Infinity;
  #sent_here = false; // what was kept has gone out on this connection
  #asked_ms = -Infinity;

  constructor() {
    Object.assign(this.at, { clock: this.clock, can_stay_awake: this.awake.possible });
    Object.assign(this.local.sign_on, { guards: null, digits: "", problem: "", busy: false, not_listed: false, fetched_ms: -Infinity });
    this.link = new Link("/ws/pager", this.clock, {
      open: () => this.#opened(),
      beat: () => this.#tell(true),
      frame: (frame) => this.#take(frame),
      closed: (opened) => !opened && this.#stillAPager(),
    });
  }

  run() {
    watchBattery((battery) => {
      this.local.battery = battery;
      this.refresh();
    });
    listenToKeys(this.#root, { act: (what, data) => this.#tap(what, data), confirm: (what, data) => this.#confirm(what, data) });
    window.addEventListener("keydown", ({ key, target }) => {
      if (this.view?.screen === "pin" && target.tagName !== "TEXTAREA") typePin(this, key);
    });
    document.addEventListener("visibilitychange", () => {
      this.sounds.tryAgain();
      this.refresh();
    });
    window.addEventListener("resize", () => this.refresh());
    window.addEventListener("online", () => this.link.open || this.link.reconnect());
    tickQuarterly(() => this.#tick());
    this.#root.replaceChildren(); // what the shell said meanwhile
    this.#tick();
  }

  /** Draws the screen anew, sounds what it asks for, and tells the hub what has changed. */
  refresh() {
    const { local, link, clock } = this;
    local.silent_ms = link.silent_ms;
    local.linked = link.open;
    local.round_trip_ms = link.round_trip_ms;
    local.sound = this.sounds.state;
    local.visible = document.visibilityState === "visible";
    local.awake = this.awake.on;
    local.sending = this.outbox.commands;
    const view = screenState(local, this.snapshot, clock.hub_ms());
    const before = this.view;
    this.view = view;
    if (local.sign_on.starting && this.snapshot?.guard && view.readiness.ready) endStarting(this);
    else this.#show(before, view);
  }

  /** Keeps a command and sends it; it stays until the hub has answered. */
  command(wanted) {
    const frame = this.outbox.add(this.snapshot.guard?.id, wanted);
    if (frame) this.link.send(frame);
  }

  #show(before, view) {
    const { tone, word, nodes } = draw(view, this.at, this.local, this.snapshot);
    Object.assign(document.body.dataset, { tone, screen: view.screen });
    patch(this.#root, nodes);
    fit(this.#root, this.#root.querySelector(".field"));
    settleKeys(this.#root);
    this.sounds.follow(view.loop, cues(before, view));
    if (view.readiness.ready) this.local.trouble_seen = false;
    const said = view.page ? `${word}. ${view.page.place}` : word;
    if (this.#said.textContent !== said) {
      this.#said.textContent = said;
      document.title = said;
      document.querySelector("meta[name=theme-color]").content = getComputedStyle(this.#root.firstElementChild).backgroundColor;
    }
    if (view.page && view.screen !== "hub_gone" && this.local.visible) this.#seen.add(view.page.incident);
    if (view.screen === "name") this.#freshGuards();
    this.#tell();
  }

  /** The whole state of this pager, at once where it has changed. */
  #tell(always = false) {
    const have = (this.snapshot?.pages ?? []).map(({ incident }) => incident);
    const { battery } = this.local;
    const frame = {
      type: "state",
      sound: this.sounds.state,
      visible: this.local.visible,
      awake: this.awake.on,
      battery_percent: battery?.percent ?? null,
      charging: battery?.charging ?? null,
      have,
      seen: have.filter((incident) => this.#seen.has(incident)),
      ringing: this.sounds.ringing ? have.filter((incident) => this.view?.rings?.includes(incident)) : [],
    };
    const state = JSON.stringify(frame);
    if ((always || state !== this.#state) && this.link.send(frame)) this.#state = state;
  }

  #tick() {
    this.link.tick();
    this.sounds.tick();
    setTheme(this.clock.known ? this.clock.wall(this.clock.hub_ms()) : null);
    if (this.clock.steady_ms() >= this.#again_ms) this.#sendDue();
    if (this.local.notice && this.clock.steady_ms() - this.local.notice_ms > NOTICE_MS) this.local.notice = "";
    this.refresh();
  }

  #opened() {
    this.evidence.connected();
    this.#state = "";
    this.#sent_here = false; // it waits for a snapshot, which says who is signed on
    this.#tell();
  }

  #take(frame) {
    this.at.heard_hub_ms = this.clock.hub_ms();
    if (frame.type === "snapshot") this.#takeSnapshot(frame);
    else if (frame.type === "receipt") this.#receipt(frame);
    else if (frame.type === "refused") this.#refused(frame);
    this.refresh();
  }

  #takeSnapshot(snapshot) {
    const before = this.snapshot;
    this.snapshot = snapshot;
    this.at.told = true;
    this.#tell(); // delivered: before anything is drawn
    for (const frame of this.evidence.exchange(snapshot)) this.link.send(frame);
    if (!this.#sent_here) this.#sendDue();
    this.#remember(before, snapshot);
    this.local.chosen = keepChosen(this.local.chosen, before, snapshot);
    this.#endStep(snapshot);
    if (snapshot.guard) {
      this.awake.keep();
      if (!this.local.sign_on.starting) Object.assign(this.local.sign_on, SIGNED_ON);
    } else if (before?.guard) this.awake.letGo();
  }

  /** When this pager saw what happen; the snapshot tells only what is. */
  #remember(before, { pages, hub_ms }) {
    for (const { incident, mine, state } of pages) {
      const was = before?.pages.find((page) => page.incident === incident);
      const history = (this.at.history[incident] ??= {});
      if (was && was.mine !== mine && mine === "accepted") history.accepted_ms = hub_ms;
      if (was && was.mine !== mine && mine === "on_scene") history.arrived_ms = hub_ms;
      if (state === "resolved" || state === "closed") this.local.resolved_ms[incident] ??= hub_ms;
      else delete this.local.resolved_ms[incident];
    }
    if (!pages.length) this.at.history = {};
    if (before?.fault && !this.snapshot.fault) this.local.heard = [];
  }

  /** A resolve covers what its screen showed: after another press the guard looks again. */
  #endStep({ pages }) {
    const { step } = this.local;
    if (!step?.covers) return;
    const page = pages.find(({ incident }) => incident === step.incident);
    if (page?.mine === "on_scene" && page.covers.at(-1) === step.covers.at(-1)) return;
    this.local.step = null;
    if (page?.mine === "on_scene") this.#notice("not_covered");
  }

  #receipt({ command, jws }) {
    if (jws) this.evidence.settle(jws);
    else if (this.outbox.receipt(command)) this.sounds.done();
  }

  #refused({ command: id, reason, jws }) {
    if (jws) return this.evidence.settle(jws);
    const { command, again } = this.outbox.refused(id, reason, (incident) => this.evidence.has(incident));
    if (!again) {
      this.#notice(reason);
      return;
    }
    this.#again_ms = this.clock.steady_ms() + AGAIN_MS;
    for (const frame of this.evidence.handBack(command?.incident, true)) this.link.send(frame);
  }

  #notice(code) {
    this.local.notice = t("refused.sentence", { why: why(code) });
    this.local.notice_ms = this.clock.steady_ms();
  }

  #sendDue() {
    if (!this.snapshot?.guard || !this.link.open) return;
    this.#again_ms = Infinity;
    this.#sent_here = true;
    for (const frame of this.outbox.due(this.snapshot.guard.id)) this.link.send(frame);
  }

  async #tap(what, data) {
    this.local.notice = "";
    this.local.trouble_seen = true;
    // Any tap may allow the sound, so every one does, for whoever is on duty.
    if (this.snapshot?.guard && this.sounds.state !== "running" && what !== "cure_sound") this.sounds.arm();
    const done = TAPS[what](this, data);
    this.refresh();
    await done;
    this.refresh();
  }

  #confirm(what, { incident }) {
    this.local.step = { kind: "confirm", do: what, incident: incident ?? null };
    this.refresh();
  }

  #soundChanged() {
    if (this.sounds.state !== "running") this.at.sound_since_ms = this.clock.hub_ms();
    this.refresh();
  }

  #freshGuards() {
    if (this.link.open && this.clock.steady_ms() - this.local.sign_on.fetched_ms > GUARDS_FRESH_MS) fetchGuards(this);
  }

  /** A connection that never opens may mean that this browser is no pager any more: the hub's own page says so then. */
  async #stillAPager() {
    if (this.clock.steady_ms() - this.#asked_ms < STILL_A_PAGER_MS) return;
    this.#asked_ms = this.clock.steady_ms();
    await get("/api/guards").catch(({ status }) => {
      if (status === 401 || status === 403) location.reload();
    });
  }
}

async function begin() {
  setTheme();
  await waitForLanguage(document.documentElement.lang);
  new Pager().run();
}

begin();
