// A bounded list of what was sent (up), received (down) and noticed (info), newest last. Follows the end unless scrolled away.

import { clock, el } from "./dom.js";
import { apart } from "./words.js";

const arrows = { up: "↑", down: "↓", info: "·", warn: "!" };

export class Log {
	constructor(list, limit = 300) {
		this.list = list;
		this.limit = limit;
		list.tabIndex = 0; // a scrolling region must be reachable by keyboard
	}

	add(way, ...what) {
		const follows = this.list.scrollHeight - this.list.scrollTop - this.list.clientHeight < 40;
		const row = el("li." + way, {}, el("time", {}, clock()), el("span.way", { ariaHidden: "true" }, arrows[way] ?? "·"), el("span.what", {}, ...what.map((part) => (typeof part === "string" && part.trim() ? apart(part) : part))));
		this.list.append(row);
		while (this.list.children.length > this.limit) this.list.firstElementChild.remove();
		if (follows) this.list.scrollTop = this.list.scrollHeight;
		return row;
	}

	clear() { this.list.replaceChildren(); }
}

// A value on one line, short enough to read.
export function brief(value, limit = 400) {
	const text = value instanceof ArrayBuffer ? `<${value.byteLength} bytes>` : typeof value === "string" ? value : JSON.stringify(value);
	return text && text.length > limit ? text.slice(0, limit) + "…" : String(text);
}
