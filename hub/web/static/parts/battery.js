// What the device says of its battery: {percent, charging, full}, or null where it says nothing.

export async function watchBattery(changed) {
  if (!navigator.getBattery) return;
  const battery = await navigator.getBattery();
  const tell = () =>
    changed({
      percent: Math.round(battery.level * 100),
      charging: battery.charging,
      full: battery.charging && battery.level === 1,
    });
  for (const event of ["levelchange", "chargingchange"]) battery.addEventListener(event, tell);
  tell();
}
