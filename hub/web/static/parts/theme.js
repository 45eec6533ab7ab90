// Light by day; dark from 19:00 to 06:00 on the campus's clock, or where the device prefers it.

const NIGHT_FROM = 19;
const NIGHT_TO = 6;

const isNight = (hour) => hour >= NIGHT_FROM || hour < NIGHT_TO;

/** `wall`: the campus's wall clock (HubClock.wall), or null before the hub has told it. */
export function setTheme(wall = null) {
  const hour = wall ? wall.getUTCHours() : new Date().getHours();
  const theme = isNight(hour) || matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light";
  if (document.documentElement.dataset.theme !== theme) document.documentElement.dataset.theme = theme;
}
