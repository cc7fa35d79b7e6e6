// What was sent and received and what happened, of all connections, with a search and as a file.

import { $, $$, el } from "./assets/dom.js";
import { Log, brief } from "./assets/log.js";
import { apart } from "./assets/words.js";

const most = 1000;

export class Timeline {
	/** chosen() is the number of the connection that is chosen. */
	constructor(chosen) {
		this.chosen = chosen;
		this.entries = []; // what is shown, and what a file has
		this.log = new Log($("#timeline"), most);
		$(".filters").addEventListener("input", () => this.filter());
		$("#clear").addEventListener("click", () => {
			this.entries.length = 0;
			this.log.clear();
			$("#frames").replaceChildren();
		});
		$("#export").addEventListener("click", () => save("timeline.json", this.entries.map(({ row, ...entry }) => entry)));
	}

	/** way is up, down, info or warn. */
	add(n, way, name, ...values) {
		const entry = { at: new Date().toISOString(), connection: n, way, name, args: values.map(plain) };
		this.entries.push(entry);
		if (this.entries.length > most) this.entries.shift();
		entry.row = this.log.add(way, el("span.nr", { title: `#${n}` }, String(n)), " ", el("b", {}, apart(name)), " ", values.map((value) => brief(shown(value))).join("  "));
		this.show(entry);
	}

	filter() { this.entries.forEach((entry) => this.show(entry)); }

	show(entry) {
		const only = $("#only").value.split(",").map((name) => name.trim()).filter(Boolean);
		const ways = $$(".filters [value]:checked").map((box) => box.value);
		const text = (entry.name + JSON.stringify(entry.args)).toLowerCase();
		entry.row.hidden = !ways.includes(entry.way === "warn" ? "info" : entry.way) || !text.includes($("#search").value.toLowerCase()) ||
			($("#mine").checked && entry.connection !== this.chosen()) ||
			(entry.way === "down" && only.length > 0 && !only.some((name) => entry.name === name || entry.name.startsWith(name + " ←")));
	}
}

/** A file for the visitor to keep. */
export function save(name, value) {
	const text = typeof value === "string" ? value : JSON.stringify(value, null, "\t");
	const href = URL.createObjectURL(new Blob([text], { type: "application/json" }));
	el("a", { href, download: name }).click();
	setTimeout(() => URL.revokeObjectURL(href), 1000);
}

const sized = (value) => (value instanceof ArrayBuffer || ArrayBuffer.isView(value) ? value.byteLength : undefined);
const plain = (value) => (sized(value) === undefined ? value : { bytes: sized(value) });

// Binary within a value as its size.
function shown(value) {
	if (sized(value) !== undefined) return value instanceof ArrayBuffer ? value : value.buffer.slice(value.byteOffset, value.byteOffset + value.byteLength);
	if (value === null || typeof value !== "object") return value;
	return JSON.parse(JSON.stringify(value, (_, it) => (sized(it) === undefined ? it : `<${sized(it)} bytes>`)) ?? "null");
}
