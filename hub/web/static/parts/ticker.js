// Ticks that go on in the background (beat.js), also when the worker could not be fetched at first.

const AGAIN_MS = 1_000;

/** Calls `act` four times a second. */
export function tickQuarterly(act) {
  const worker = new Worker("/static/parts/beat.js");
  worker.onmessage = act;
  worker.onerror = () => {
    worker.terminate();
    setTimeout(() => tickQuarterly(act), AGAIN_MS);
  };
}
