// Keys. A tap helps at once. A hold (one second, let go early and nothing happens) steps back; a keyboard or a screen reader,
// which cannot hold, gets a step to confirm instead. A key that has only just appeared takes no tap, so that the second
// half of a double tap cannot land on whatever came up under the thumb.

const HOLD_MS = 1_000;
const SETTLE_MS = 400;

const settled = new WeakSet();
const known = new WeakSet();

/** To be called after each redraw: new keys begin to settle. */
export function settleKeys(root) {
  for (const key of root.querySelectorAll("[data-do]")) {
    if (known.has(key)) continue;
    known.add(key);
    key.setAttribute("aria-disabled", "true");
    setTimeout(() => {
      settled.add(key);
      key.removeAttribute("aria-disabled");
    }, SETTLE_MS);
  }
}

/** `act(what, data)` is called with a key's `data-do` and its dataset; `confirm(what, data)` where a hold has to be confirmed. */
export function listenToKeys(root, { act, confirm }) {
  let held = null;

  const letGo = () => {
    if (!held) return;
    clearTimeout(held.timer);
    held.key.classList.remove("holding");
    held = null;
  };

  root.addEventListener("pointerdown", (event) => {
    const key = event.target.closest("[data-hold]");
    if (!key || !settled.has(key) || event.button > 0) return;
    letGo();
    key.classList.add("holding");
    const timer = setTimeout(() => {
      letGo();
      if (key.isConnected) act(key.dataset.do, key.dataset);
    }, HOLD_MS);
    held = { key, timer };
  });
  for (const end of ["pointerup", "pointercancel", "blur"]) window.addEventListener(end, letGo);
  root.addEventListener("pointerout", (event) => {
    if (held && event.target.closest("[data-hold]") === held.key && !held.key.contains(event.relatedTarget)) letGo();
  });
  root.addEventListener("contextmenu", (event) => {
    if (event.target.closest("[data-hold]")) event.preventDefault();
  });

  root.addEventListener("click", (event) => {
    const key = event.target.closest("[data-do]");
    if (!key || !settled.has(key) || key.disabled) return;
    const byPointer = event.detail > 0;
    if ("hold" in key.dataset) {
      if (!byPointer) confirm(key.dataset.do, key.dataset);
    } else {
      act(key.dataset.do, key.dataset);
    }
  });

  window.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" || event.repeat || document.activeElement !== document.body) return;
    root.querySelector(".key-main:not([disabled])")?.click();
  });
}
