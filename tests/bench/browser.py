"""The pager's screen in Chromium, over TLS to the real hub: when a page stands in its DOM, and when it sounds."""

import contextlib
import time
from collections.abc import AsyncIterator

from playwright.async_api import Page, async_playwright, expect

from tests.browser.conftest import CHROMIUM, OPTIONS, PHONE
from tests.links.campus import PIN, Doors

CLOCK_LOOKS = 32
WAIT_MS_MAX = 20_000

OBSERVER = """
const seen = new Map();
const waiting = new Map();
let sources = []; // scheduled in this task
const nowMs = () => performance.timeOrigin + performance.now();
const start = AudioScheduledSourceNode.prototype.start;
AudioScheduledSourceNode.prototype.start = function (when = 0) {
  if (!sources.length) setTimeout(() => { sources = []; });
  sources.push({ clock: this.context, when });
  return start.call(this, when);
};
function look() {
  const incident = document.querySelector("body[data-screen=alarm] [data-do=accept]")?.dataset.incident;
  if (!incident || seen.has(incident)) return;
  const shown_ms = nowMs();
  const first = sources.reduce((one, other) => (!one || other.when < one.when ? other : one), null);
  seen.set(incident, new Promise((show) => sound(first, shown_ms, show)));
  waiting.get(incident)?.(seen.get(incident));
}
// A sound runs when the audio clock has passed the beginning of its first pulse.
function sound(first, shown_ms, show) {
  if (first && first.clock.currentTime >= first.when) show([shown_ms, nowMs()]);
  else setTimeout(() => sound(first, shown_ms, show), 1);
}
addEventListener("DOMContentLoaded", () => {
  new MutationObserver(look).observe(document.documentElement, { subtree: true, childList: true, attributes: true });
});
window.pageShown = (incident) => seen.get(incident) ?? new Promise((show) => waiting.set(incident, show));
window.nowMs = nowMs;
"""


class BenchScreen:
    """`ahead_ms`: by how much the browser's clock is ahead of ours, known to within `error_ms`."""

    def __init__(self, tab: Page) -> None:
        self._tab = tab
        self.ahead_ms = 0.0
        self.error_ms = 0.0

    async def look_at_clock(self) -> None:
        """From the quickest of some questions: the browser read its clock between asking and answer."""
        looks = []
        for _ in range(CLOCK_LOOKS):
            asked_ms = time.time_ns() / 1e6
            browser_ms: float = await self._tab.evaluate("nowMs()")
            answered_ms = time.time_ns() / 1e6
            looks.append((answered_ms - asked_ms, browser_ms - (asked_ms + answered_ms) / 2))
        round_trip_ms, self.ahead_ms = min(looks)
        self.error_ms = round_trip_ms / 2

    async def shown_ns(self, incident: str) -> tuple[int, int]:
        """When the alarm of this incident stood in the document, and when its sound ran, by our clock."""
        shown_ms, sound_ms = await self._tab.evaluate("(incident) => pageShown(incident)", incident)
        return round((shown_ms - self.ahead_ms) * 1e6), round((sound_ms - self.ahead_ms) * 1e6)


@contextlib.asynccontextmanager
async def running_screen(doors: Doors, guard: str) -> AsyncIterator[BenchScreen]:
    """A guard signed on by name and PIN, READY."""
    link: str = (await doors.post("/api/pagers", name="bench"))["link"]
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=list(OPTIONS))
        # The campus certificate is not installed in this browser; what it speaks is TLS all the same.
        context = await browser.new_context(viewport=PHONE, ignore_https_errors=True)
        tab = await context.new_page()
        tab.set_default_timeout(WAIT_MS_MAX)
        await tab.add_init_script(f"{{{OBSERVER}}}")
        await tab.goto(link)
        await tab.click("#join button[type=submit]")
        await tab.click(f"[data-do=name][data-choice={guard}]")
        for digit in PIN:
            await tab.click(f"[data-do=digit][data-choice='{digit}']")
        await tab.click("[data-do=start]")
        await expect(tab.locator("body[data-screen=ready]")).to_be_attached(timeout=WAIT_MS_MAX)
        screen = BenchScreen(tab)
        await screen.look_at_clock()
        yield screen
        await browser.close()
