// Nothing is cut and nothing scrolls while it rings: what does not fit is set closer, step by step (a screen's CSS, "fit").

const STEPS = 5;
let fitted = "";

/** Sets `data-fit` on the body ("1 2 3": three steps) to the first that lets `held`, a part of `root`, hold what is in it. */
export function fit(root, held) {
  const shape = `${innerWidth} ${innerHeight} ${document.body.dataset.screen} ${root.textContent.replace(/\d/g, "0")}`;
  if (shape === fitted) return;
  fitted = shape;
  for (let steps = 0; steps <= STEPS; steps += 1) {
    document.body.dataset.fit = Array.from({ length: steps }, (_, step) => step + 1).join(" ");
    if (held.scrollHeight <= held.clientHeight && held.scrollWidth <= held.clientWidth) return;
  }
}
