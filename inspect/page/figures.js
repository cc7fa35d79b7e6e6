// The figures on top with what they were in the last two minutes, and the counters by reason.

import { el, svg } from "./assets/dom.js";
import { many, size } from "./units.js";

const points = 60;

export function figures(box, t) {
	const kinds = [
		["sockets", (f) => f.sockets], ["in", (f) => f.eventsIn, "rate"], ["out", (f) => f.sent, "rate"], ["bytes", (f) => f.bytesIn + f.bytesOut, "rate", size],
		["waiting", (f) => f.waiting], ["errors", (f) => f.errors + f.panics],
	].map(([key, of, rate, unit = many]) => {
		const line = svg("path"), value = el("b.num", {}, "–");
		box.append(el("div", {}, value, el("span", {}, t("f." + key)), svg("svg", { viewBox: `0 0 ${points - 1} 20`, preserveAspectRatio: "none", "aria-hidden": "true" }, line)));
		return { of, rate, unit, line, value, before: new Map(), list: [] };
	});
	return (nodes) => {
		const now = performance.now() / 1000;
		for (const k of kinds) {
			let sum = 0;
			for (const n of nodes) {
				const v = k.of(n.figures), was = k.before.get(n.id);
				k.before.set(n.id, { v, now });
				if (!k.rate) sum += v;
				else if (was && v >= was.v && now > was.now) sum += (v - was.v) / (now - was.now); // else the node is new, or has started again
			}
			k.value.textContent = k.unit(sum);
			k.list = [...k.list, sum].slice(-points);
			const top = Math.max(...k.list, 1), from = points - k.list.length;
			k.line.setAttribute("d", k.list.map((v, i) => `${i ? "L" : "M"}${from + i} ${(19 - 18 * v / top).toFixed(2)}`).join(""));
		}
	};
}

export function bars(box, nodes, t) {
	const groups = {};
	for (const { reasons } of nodes) for (const [group, counts] of Object.entries(reasons ?? {})) for (const [reason, n] of Object.entries(counts)) (groups[group] ??= new Map()).set(reason, (groups[group].get(reason) ?? 0) + n);
	const told = Object.entries(groups).sort(([a], [b]) => (a < b ? -1 : 1)).map(([group, counts]) => {
		const top = Math.max(...counts.values());
		return [el("h3", {}, t("r." + group)), el("ul", {}, ...[...counts].sort((a, b) => b[1] - a[1]).map(([reason, n]) => {
			const bar = el("i", { ariaHidden: "true" });
			bar.style.width = `${Math.max(1, 100 * n / top)}%`;
			return el("li", {}, el("bdi", {}, reason), el("span", {}, bar), el("span.num", {}, many(n)));
		}))];
	});
	box.replaceChildren(...(told.length ? told.flat() : [el("p.hint", {}, t("noReasons"))]));
}
