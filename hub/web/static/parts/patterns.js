// What is heard, as data: pulses (start and length in ms, pitch in Hz), after IEC 60601-1-8's priorities.

const E5 = 659;
const G5 = 784;
const A4 = 440;

const ALARM_STARTS_MS = [0, 250, 500, 1000, 1250, 1900, 2150, 2400, 2900, 3150];
const ALARM_PITCHES = [E5, E5, E5, G5, G5, E5, E5, E5, G5, G5];

const below = (decibels) => 10 ** (-decibels / 20);

const alarmPulses = ALARM_STARTS_MS.map((at_ms, pulse) => ({ at_ms, length_ms: 150, hz: ALARM_PITCHES[pulse] }));
const troublePulses = [0, 400, 800].map((at_ms) => ({ at_ms, length_ms: 200, hz: A4 }));

/** `period_ms`: from the start of one burst to the start of the next, for what is repeated. */
export const PATTERNS = {
  alarm: { gain: 1, period_ms: 5_800, pulses: alarmPulses },
  ask: { gain: below(10), period_ms: 5_800, pulses: troublePulses },
  trouble: { gain: below(10), period_ms: 30_000, pulses: troublePulses },
  test: { gain: 1, period_ms: 5_800, pulses: alarmPulses.slice(0, 5) },
  done: {
    gain: below(16),
    period_ms: 5_800,
    pulses: [
      { at_ms: 0, length_ms: 120, hz: A4 },
      { at_ms: 160, length_ms: 180, hz: E5 },
    ],
  },
};

/** Strength of the partials 1, 2, …: all of them lie where small loudspeakers of phones are loud. */
export const PARTIALS = [1, 0.8, 0.6, 0.5, 0.4];
export const EDGE_MS = 20;

/** The same by vibration: on, off, on, … in ms. */
export function vibrationOf({ pulses, period_ms }) {
  return pulses.flatMap(({ at_ms, length_ms }, pulse) => {
    const next_ms = pulses[pulse + 1]?.at_ms ?? period_ms;
    return [length_ms, next_ms - at_ms - length_ms];
  });
}
