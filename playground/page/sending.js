// The form for an event: its arguments, checked before they go, and what answers it.

import { $, el } from "./assets/dom.js";
import { Args } from "./args.js";
import { answer } from "./shape.js";

export class Sending {
	/** sent(event) is called with what was emitted, as { event, args, ack, timeout, volatile }. */
	constructor({ t, slots, timeline, events, sent }) {
		Object.assign(this, { t, slots, timeline, events, sent, args: new Args(t) });
		$("#emit").addEventListener("submit", (event) => {
			event.preventDefault();
			this.send(false);
		});
		$("#anyway").addEventListener("click", () => this.send(true));
		this.touched = false; // by who looks at it
		$("#emit").addEventListener("input", () => {
			this.touched = true;
			$("#held").hidden = true;
		});
		$("#emit").addEventListener("keydown", (event) => {
			if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) $("#emit").requestSubmit();
		});
		$("#event").addEventListener("input", () => this.named());
	}

	/** Takes an event that was chosen from the list. */
	choose(event) {
		this.touched = true;
		$("#event").value = event.name;
		if (event.bare) this.named();
		else this.take(event);
		$("#event").focus();
		$("#emit").scrollIntoView({ block: "nearest" });
	}

	/** Looks whether the name is that of an event which the description knows. */
	named() {
		const event = this.events.event($("#event").value);
		if (event && event !== this.args.event) this.take(event);
		else if (!event && this.args.event) this.take(undefined);
		else this.events.mark();
	}

	/** More is known of the events, or less: what somebody has written stays. */
	async renamed() {
		if (!this.touched && !this.events.event($("#event").value)) $("#event").value = this.events.ns?.heard[0]?.name ?? $("#event").value;
		const event = this.events.event($("#event").value);
		if (event === this.args.event) return this.events.mark();
		this.take(event, this.touched ? await this.args.values(true) : undefined);
	}

	take(event, values) {
		const resolve = this.events.described?.contract?.resolve, any = !event || (event.list && !event.args.length);
		this.args.set(values ?? (any ? [{ hello: "river" }] : undefined), event, resolve);
		const back = event && answer(event, resolve);
		$("#event-doc").replaceChildren(...(event ? [event.doc && el("bdi.doc", {}, event.doc), back !== undefined && el("span.back", {}, this.t("answers"), " ", el("bdi", {}, back || this.t("empty ack")))].filter(Boolean) : []));
		if (event && !values && event.ack) $("#ack").checked = true;
		$("#args-problem").textContent = "";
		$("#held").hidden = true;
		this.events.mark();
	}

	/** What the form says, undefined if an argument is no value. */
	async request() {
		const args = await this.args.values();
		return args && { event: $("#event").value, args, ack: $("#ack").checked, timeout: Number($("#timeout").value) || 5000, volatile: $("#volatile").checked };
	}

	restore(it) {
		this.touched = true;
		$("#event").value = typeof it.event === "string" ? it.event : "";
		$("#ack").checked = Boolean(it.ack);
		$("#volatile").checked = Boolean(it.volatile);
		if (Number.isInteger(it.timeout) && it.timeout > 0) $("#timeout").value = it.timeout;
		this.take(this.events.event($("#event").value), Array.isArray(it.args) ? it.args.slice(0, 50) : []);
	}

	async send(anyway) {
		const slot = this.slots.now, it = await this.request();
		if (!it || !slot.connection) return;
		const faults = this.args.faults(it.args);
		$("#held").hidden = anyway || !faults;
		if (faults && !anyway) {
			$("#held p").textContent = this.t("held", { n: faults });
			return this.args.focusFault();
		}
		const note = (...what) => this.timeline.add(slot.n, ...what), { event, args } = it;
		note("up", event, ...args);
		if (!slot.connection.connected) note("info", this.t("dropped"));
		const start = performance.now();
		try {
			slot.connection.emit(event, args, { timeout: it.ack ? it.timeout : 0, volatile: it.volatile }, (failed, answer) => {
				if (failed) return note("info", event, this.t("noAck", { ms: it.timeout }));
				note("down", `${event} ← ${this.t("acked", { ms: Math.round(performance.now() - start) })}`, ...answer);
				slot.drift?.answered(event, answer);
			});
			this.sent(it);
		} catch (err) {
			note("info", event, err.message); // a reserved name, for one
		}
	}
}
