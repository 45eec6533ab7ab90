// The board: the whole campus for the guard room's wall. It shows and says nothing but heartbeats and "seen".

import { post, Problem } from "../parts/api.js";
import { HubClock } from "../parts/clock.js";
import { patch } from "../parts/dom.js";
import { fit } from "../parts/fit.js";
import { Link, SILENCE_MS_MAX } from "../parts/link.js";
import { Sound } from "../parts/sound.js";
import { tickQuarterly } from "../parts/ticker.js";
import { language, t, useLanguage, waitForLanguage } from "../parts/words.js";
import { draw } from "./draw.js";
import { boardState, STEPS_SHOWN } from "./state.js";

const REFUSED_SHOWN_MS = 8_000;
const STILL_A_BOARD_MS = 5_000;

const root = document.querySelector("#board");
const said = document.querySelector("#said");
const clock = new HubClock();
const sound = new Sound();
const STEPS_SHOWN_MIN = 2;
const local = { silent_ms: 0, steps_shown: STEPS_SHOWN };
let fitted = "";
let snapshot = null;
let refused = { text: "", at_ms: 0 };
let asked_ms = -Infinity;

const link = new Link("/ws/board", clock, {
  open() {},
  frame(frame) {
    if (frame.type === "snapshot") snapshot = frame;
    refresh();
  },
  closed: (opened) => !opened && stillABoard(),
});

function refresh() {
  local.silent_ms = link.silent_ms;
  const heard_hub_ms = clock.hub_ms() - link.silent_ms;
  const shown_ms = local.silent_ms >= SILENCE_MS_MAX ? heard_hub_ms : clock.hub_ms();
  const view = boardState(local, snapshot, shown_ms);
  const { word, nodes } = draw(view, {
    wall: (hub_ms) => clock.wall(hub_ms),
    hub_ms: shown_ms,
    heard_hub_ms,
    beat_ms: link.beat_ms,
    campus: snapshot?.campus.name,
    refused: clock.steady_ms() - refused.at_ms < REFUSED_SHOWN_MS ? refused.text : "",
  });
  Object.assign(document.body.dataset, { screen: view.screen, gone: view.gone, head: view.headline?.what ?? "" });
  patch(root, nodes);
  const trouble = root.querySelector(".annunciator .wide");
  if (trouble) fit(root, trouble);
  if (isLineCut()) {
    local.steps_shown -= 1;
    return refresh();
  }
  if (said.textContent !== word) document.title = said.textContent = word;
  const unseen = view.trouble && !view.trouble.seen ? `${view.trouble.what} ${view.trouble.about}` : "";
  sound.loop(view.gone || unseen ? "trouble" : "none", view.gone ? "gone" : unseen);
}

/** The next deadline is never cut: a step less, until the line holds it. Another line begins with all its steps again. */
function isLineCut() {
  const line = root.querySelector(".line");
  const shape = `${innerWidth} ${innerHeight} ${language()} ${snapshot?.incidents.map(({ steps }) => steps.length)}`;
  if (shape !== fitted) {
    fitted = shape;
    if (local.steps_shown < STEPS_SHOWN) {
      local.steps_shown = STEPS_SHOWN + 1;
      return true;
    }
  }
  return Boolean(line) && local.steps_shown > STEPS_SHOWN_MIN && line.scrollHeight > line.clientHeight + 1;
}

const KEYS = {
  async see({ what, about }) {
    try {
      await post("/api/troubles/seen", { what, about });
    } catch (problem) {
      if (!(problem instanceof Problem)) throw problem;
      refused = { text: t("refused.sentence", { why: problem.why }), at_ms: clock.steady_ms() };
    }
  },
  async language() {
    const other = t("language.other_code");
    await useLanguage(other);
    document.documentElement.lang = language();
    await post("/api/language", { language: other });
  },
};

async function stillABoard() {
  if (clock.steady_ms() - asked_ms < STILL_A_BOARD_MS) return;
  asked_ms = clock.steady_ms();
  const answer = await fetch("/board", { cache: "no-store" }).catch(() => null);
  if (answer?.ok && !(await answer.text()).includes('id="board"')) location.reload();
}

function listen() {
  // The first touch allows the sound, as browsers ask for.
  for (const touch of ["pointerdown", "keydown"]) window.addEventListener(touch, () => sound.arm(), { once: true });
  root.addEventListener("click", async ({ target }) => {
    const key = target.closest("[data-do]");
    if (!key) return;
    await KEYS[key.dataset.do](key.dataset);
    refresh();
  });
  window.addEventListener("keydown", ({ key, repeat }) => {
    if (key === "Enter" && !repeat && document.activeElement === document.body) root.querySelector("[data-main]:not([disabled])")?.click();
  });
}

async function begin() {
  await waitForLanguage(document.documentElement.lang);
  root.replaceChildren(); // what the shell said meanwhile
  listen();
  tickQuarterly(() => {
    link.tick();
    sound.tick();
    refresh();
  });
  link.tick();
  refresh();
}

begin();
