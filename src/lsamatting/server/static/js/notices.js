// One line that says what happened.

import { h, icon } from "./dom.js";
import { t } from "./strings.js";

const SECONDS = 6;

export class Notices {
  constructor() {
    this.said = h("span", { class: "said", role: "status", "aria-live": "polite" });
    this.complaint = h("span", { role: "alert" });
    this.alert = h(
      "div",
      { class: "complaint", hidden: true },
      this.complaint,
      h(
        "button",
        { type: "button", "aria-label": t("close"), onclick: () => this.clear() },
        icon("close"),
      ),
    );
    this.timer = 0;
  }

  /** @param {string} text */
  say(text) {
    this.said.textContent = text;
    window.clearTimeout(this.timer);
    this.timer = window.setTimeout(() => {
      this.said.textContent = "";
    }, SECONDS * 1000);
  }

  /** @param {string} text */
  complain(text) {
    this.complaint.textContent = text;
    this.alert.hidden = false;
  }

  clear() {
    this.alert.hidden = true;
    this.complaint.textContent = "";
  }
}
