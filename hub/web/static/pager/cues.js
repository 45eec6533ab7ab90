// The single sounds that go with a change of the screen: {trouble, done}. Pure; what repeats is `loop` in state.js.

const LEFT_WARNING_MS = { on_the_way: 20_000, on_scene: 30_000 };
const GONE_AGAIN_MS = 30_000;

/** Names of the patterns to play once, between two results of screenState. */
export function cues(before, after) {
  if (!before) return [];
  const gone = before.screen === "hub_gone";
  if (after.screen === "hub_gone") {
    const again = Math.floor(after.gone_ms / GONE_AGAIN_MS) > Math.floor(before.gone_ms / GONE_AGAIN_MS);
    return (!gone || again) && after.loop.name === "none" ? ["trouble"] : [];
  }
  if (gone) return ["done"];
  return becameNotReady(before, after) || ranOut(before, after) ? ["trouble"] : [];
}

const becameNotReady = (before, after) => before.screen === "ready" && after.screen === "not_ready";

function ranOut(before, after) {
  const warning_ms = LEFT_WARNING_MS[after.screen];
  return (
    warning_ms !== undefined &&
    before.page?.incident === after.page?.incident &&
    before.screen === after.screen &&
    before.left_ms > warning_ms &&
    after.left_ms <= warning_ms
  );
}
