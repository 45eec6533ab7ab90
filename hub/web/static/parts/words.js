// The message catalogue of the language in use. The same file is read by the hub.

const AGAIN_MS = 1_000;

const words = { language: "", texts: {} };

export async function useLanguage(language) {
  const answer = await fetch(`/locale/${language}.json`);
  if (!answer.ok) throw new Error(`no catalogue for ${language}: ${answer.status}`);
  useTexts(language, await answer.json());
}

/** The same for a screen that has nothing to show without words: asks until the hub answers. */
export async function waitForLanguage(language) {
  for (;;) {
    try {
      await useLanguage(language);
      return;
    } catch {
      await new Promise((again) => setTimeout(again, AGAIN_MS));
    }
  }
}

export function useTexts(language, texts) {
  words.language = language;
  words.texts = texts;
}

export const language = () => words.language;

/** The text of `key`, with `{field}`s filled in. A key that is missing shows itself: that is seen, and no screen stops for it. */
export function t(key, fields = {}) {
  const text = words.texts[key] ?? key;
  return text.replace(/\{(\w+)\}/g, (whole, name) => fields[name] ?? whole);
}

/** As `t`, for a number `n` of things: `key.one` or `key.many`. */
export const tn = (key, n, fields = {}) => t(`${key}.${n === 1 ? "one" : "many"}`, { n, ...fields });

export const known = (key) => key in words.texts;
