// The connections, side by side: one is chosen, and what is written in the forms is for that one.

import { $, el } from "./assets/dom.js";

let count = 0;

export class Slots {
	/** chosen(slot) is called when another one is chosen; label(slot) says what it is. */
	constructor(t, { chosen, label }) {
		Object.assign(this, { t, chosen, label, all: [] });
		$("#another").onclick = () => {
			this.add();
			$("#namespace").focus();
		};
	}

	add() {
		const slot = { n: ++count, state: "off", text: this.t("idle"), target: undefined, connection: undefined, serial: 0 };
		this.all.push(slot);
		this.choose(slot);
		return slot;
	}

	choose(slot) {
		this.now = slot;
		this.draw();
		this.chosen(slot);
	}

	remove(slot) {
		slot.serial++;
		slot.connection?.close();
		this.all = this.all.filter((other) => other !== slot);
		if (!this.all.length) this.add();
		else if (this.now === slot) this.choose(this.all.at(-1));
		else this.draw();
		$('[aria-pressed="true"]', $("#slots"))?.focus();
	}

	say(slot, state, text) {
		Object.assign(slot, { state, text });
		this.draw();
	}

	draw() {
		const several = this.all.length > 1, focused = document.activeElement?.dataset?.slot;
		$("#slots").replaceChildren(...this.all.map((slot) => el("li", {},
			el("button.slot", { type: "button", ariaPressed: String(slot === this.now), dataset: { state: slot.state, slot: String(slot.n) }, onclick: () => this.choose(slot) },
				el("span.nr", {}, String(slot.n)), el("bdi", {}, this.label(slot)), el("span.sr", {}, slot.text)),
			several && el("button.quiet.slim.close", { type: "button", ariaLabel: this.t("closeSlot", { n: slot.n }), title: this.t("closeSlot", { n: slot.n }), onclick: () => this.remove(slot) }, "×"))));
		if (focused) $(`[data-slot="${focused}"]`, $("#slots"))?.focus();
		$("#state").dataset.state = this.now.state;
		if ($("#state").textContent !== this.now.text) $("#state").textContent = this.now.text;
		$("#mine-only").hidden = !several;
	}
}
