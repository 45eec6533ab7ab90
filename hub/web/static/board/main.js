// The board: the hub's newest snapshot, and proof that it is new. If the hub falls silent it says so, never "quiet".

import { post } from "../parts/api.js";
import { HubClock } from "../parts/clock.js";
import { patch } from "../parts/dom.js";
import { HEARTBEAT_MS, Link, SILENCE_MS_MAX } from "../parts/link.js";
import { useLanguage } from "../parts/words.js";
import { draw, headline } from "./draw.js";

const root = document.querySelector("#board");
const said = document.querySelector("#said");
const clock = new HubClock();
let snapshot = null;

const link = new Link("/ws/board", clock, {
  open() {},
  frame(frame) {
    if (frame.type === "snapshot") snapshot = frame;
    show();
  },
  closed: (opened) => opened || askAgain(),
});

/** A connection that never opens may mean that this screen may see nothing any more: the page itself says so then. */
async function askAgain() {
  const answer = await fetch("/board", { cache: "no-store" }).catch(() => null);
  if (answer?.ok && !(await answer.text()).includes('id="board"')) location.reload();
}

function show() {
  if (!snapshot) return;
  const gone = link.silent_ms >= SILENCE_MS_MAX;
  const beats = Math.min(3, 1 + Math.floor((link.silent_ms % HEARTBEAT_MS) / 1000));
  const view = { snapshot, gone, silent_ms: link.silent_ms, beats, hub_ms: clock.hub_ms(), clock };
  const { board, drill, nodes } = draw(view);
  root.dataset.board = board;
  root.classList.toggle("drill", drill);
  patch(root, nodes);
  const text = headline(view);
  if (said.textContent !== text) {
    said.textContent = text;
    document.title = text;
  }
}

async function begin() {
  document.documentElement.dataset.theme = "dark";
  await useLanguage(document.documentElement.lang);
  root.addEventListener("click", ({ target }) => {
    const { what, about } = target.closest("[data-what]")?.dataset ?? {};
    if (what) post("/api/troubles/seen", { what, about }).catch(() => {});
  });
  new Worker("/static/parts/beat.js").onmessage = () => {
    link.tick();
    show();
  };
  link.tick();
}

begin();
