// What happens, as it happens, of the namespace or the socket that is looked at. The server tells as much as can be read.

import { $, clock, el } from "./assets/dom.js";
import { apart } from "./assets/words.js";
import { ask } from "./ask.js";
import { short } from "./units.js";

const limit = 300;
const ways = { in: "up", out: "down", connect: "info", disconnect: "warn", dropped: "warn", unheard: "warn", limit: "warn", panic: "warn" };
const arrows = { up: "↑", down: "↓", info: "·", warn: "!" };

export function feed(t, see) {
	const list = $("#log"), viewer = crypto.getRandomValues(new Uint32Array(4)).join("-");
	list.tabIndex = 0;
	let paused = false, seen = {};

	const line = (h) => {
		const way = ways[h.kind] ?? "info";
		const what = [el("b", {}, t("k." + h.kind)), " ", h.event ? apart(h.event) : "", h.n !== undefined ? " → " + t("receivers", { n: h.n }) : "", h.text ? [" ", apart(h.text)] : "", h.id ? ["  ", el("span.muted", {}, short(h.id))] : "", see.ns ? "" : h.ns];
		return el("li." + way, {}, el("time", {}, clock(new Date(h.at))), el("span.way", { ariaHidden: "true" }, arrows[way]), el("span.what", {}, ...what.flat()));
	};

	async function look() {
		const query = new URLSearchParams({ viewer, node: see.node, ns: see.ns, id: see.id, text: $("#filter").value });
		for (const [node, at] of Object.entries(seen)) {
			query.append("of", node);
			query.append("seen", at);
		}
		const a = await ask("feed", query);
		if (paused) return;
		for (const [node, at] of Object.entries(a.seenBy)) if (at) seen[node] = at;
		const follows = list.scrollHeight - list.scrollTop - list.clientHeight < 40;
		list.append(...(a.events ?? []).slice(-limit).map(line));
		while (list.children.length > limit) list.firstElementChild.remove();
		if (follows) list.scrollTop = list.scrollHeight;
		say(a.error || (a.skipped ? t("skipped", { n: a.skipped }) : ""));
	}

	const say = (text) => {
		const all = [see.id && t("onlyOne", { id: short(see.id) }), text].filter(Boolean).join(" · ");
		if ($("#of").textContent !== all) $("#of").textContent = all;
	};

	$("#pause").onclick = (event) => {
		paused = !paused;
		event.target.setAttribute("aria-pressed", String(paused));
		event.target.textContent = t(paused ? "resume" : "pause");
	};
	$("#clear").onclick = () => list.replaceChildren();
	const again = () => {
		seen = {};
		list.replaceChildren();
		say("");
	};
	$("#filter").oninput = again;
	(async () => {
		for (;;) {
			if (!paused && !document.hidden) await look().catch(() => {}); // the line on top says so
			await new Promise((done) => setTimeout(done, 1000));
		}
	})();
	let was = "";
	return () => {
		const now = [see.node, see.ns, see.id].join("\n");
		if (now !== was) again();
		was = now;
	};
}
