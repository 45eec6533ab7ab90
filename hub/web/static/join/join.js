// Uses a one-time link up, or signs a person in with name and PIN; then goes where the hub says.

import { post, Problem } from "../parts/api.js";
import { setTheme } from "../parts/theme.js";
import { t, useLanguage } from "../parts/words.js";

const form = document.querySelector("#join");
const problem = document.querySelector("#problem");

function complain(text) {
  problem.textContent = text;
  problem.hidden = !text;
}

async function submit(event) {
  event.preventDefault();
  const { name, pin, again } = Object.fromEntries(new FormData(form));
  if (again !== undefined && again !== pin) {
    complain(t("join.pin.differs"));
    return;
  }
  complain("");
  const { code, kind } = form.dataset;
  try {
    const answer = kind === "sign_in" ? await post("/api/session", { name, pin }) : await post("/api/join", pin ? { code, pin } : { code });
    location.assign(kind === "sign_in" && location.pathname !== "/join" ? location.pathname : answer.to);
  } catch (refusal) {
    if (!(refusal instanceof Problem)) throw refusal;
    complain(refusal.why);
  }
}

async function begin() {
  setTheme();
  await useLanguage(document.documentElement.lang);
  if (form) {
    form.addEventListener("submit", submit);
    // Until somebody listens, a browser would put the PIN into the address.
    form.querySelector("[type=submit]").disabled = false;
  }
  document.querySelector("[data-language]").addEventListener("click", async ({ target }) => {
    await post("/api/language", { language: target.dataset.language });
    location.reload();
  });
}

begin();
