// Live inspection: asks the server every two seconds, and not at all while nobody looks at the page.
//
// What clients have written becomes text and nothing else; see assets/dom.js.

import { $, $$, clock, el, remember } from "./assets/dom.js";
import { apart, chinese, switchLanguage, words } from "./assets/words.js";
import dictionary from "./words.js";
import { bars, figures } from "./figures.js";
import { feed } from "./feed.js";
import { acting, frames } from "./act.js";
import { ask } from "./ask.js";
import { ago, short, size } from "./units.js";

const t = words(dictionary);
const see = { node: "", ns: "/", room: "", id: "", rooms: "", sockets: "", sort: "" }; // what is shown; rooms and sockets are where their page begins

frame();
const show = figures($("#figures"), t);
const watched = feed(t, see);
const to = acting(t, see, refresh);
frames(t, see);

function frame() {
	document.title = `${t("title") === "title" ? "Inspection" : t("title")} · Sockeye`;
	const tool = (key, text, onclick) => el("button.tool", { type: "button", title: t(key), ariaLabel: t(key), onclick, lang: key === "language" ? (chinese ? "en" : "zh-CN") : undefined }, text);
	document.body.prepend(el("a.skip", { href: "#main" }, t("skip")), el("header.top", {},
		el("span.brand", {}, el("img", { src: "assets/fish.svg", alt: "", width: 40, height: 26 }), el("span", {}, "Sockeye")),
		el("div.tools", {}, tool("language", chinese ? "EN" : "中文", switchLanguage), tool("theme", "◐", () => {
			const root = document.documentElement, dark = root.dataset.theme ? root.dataset.theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
			root.dataset.theme = dark ? "light" : "dark";
			remember("theme", root.dataset.theme);
		}))));
	document.body.append(el("footer.foot", {}, el("div", {}, el("span", {}, t("madeWith")))));
}

// Puts rows in the place of those there were; what has the focus keeps it, by its key.
function rows(list, nodes) {
	const key = list.contains(document.activeElement) ? document.activeElement.dataset.key : undefined;
	list.replaceChildren(...nodes);
	if (key !== undefined) $$("[data-key]", list).find((node) => node.dataset.key === key)?.focus();
}

function state(kind, text) {
	const line = $("#state");
	if (line.textContent === text && line.dataset.state === kind) return;
	line.dataset.state = kind;
	line.textContent = text;
}

// The nodes there have been since the page was opened, by id: what they are called, and when they answered last.
const known = new Map();
const called = (n) => (n.name === n.id ? n.id : `${n.name} · ${n.id}`);

function banner(a) {
	const box = $("#missing"), lost = see.node && !a.nodes.some((n) => n.id === see.node) ? known.get(see.node) : undefined;
	box.hidden = !a.missing.length && !lost;
	if (a.missing.length) box.replaceChildren(...t.nodes("gone", { nodes: a.missing.join(", ") }));
	else if (lost) box.replaceChildren(...t.nodes("away", { node: lost.name, at: clock(lost.at) }));
}

function overview(a) {
	for (const n of a.nodes) known.set(n.id, { name: called(n), at: new Date() });
	banner(a);
	state(a.missing.length ? "off" : "on", t("live", { n: a.nodes.length }));
	const select = $("#node");
	const options = [["", t("all")], ...a.nodes.map((n) => [n.id, called(n)])];
	if (see.node && !options.some(([id]) => id === see.node)) options.push([see.node, known.get(see.node)?.name ?? see.node]);
	if (JSON.stringify(options) !== select.dataset.of) {
		select.dataset.of = JSON.stringify(options);
		select.replaceChildren(...options.map(([value, text]) => el("option", { value }, text)));
		select.value = see.node;
	}
	const shown = a.nodes.filter((n) => !see.node || n.id === see.node);
	show(shown);
	bars($("#reasons"), shown, t);
	const spaces = a.spaces ?? [];
	rows($("#spaces"), spaces.map((s) => el("li", {}, el("button", { type: "button", dataset: { key: s.name }, ariaPressed: String(s.name === see.ns), onclick: () => choose({ ns: s.name, room: "", rooms: "", sockets: "" }) }, el("bdi", {}, s.name), el("small", {}, String(s.sockets))))));
	rows($("#nodes"), a.nodes.map((n) => el("tr", {}, el("td", {}, el("bdi", {}, n.name)), el("td.num", {}, String(n.figures.sockets)), el("td.num", {}, ago(n.up)), el("td", {}, n.backend ? `${n.backend}, ${t(n.connected ? "brokerUp" : "brokerDown")}` : "–"), el("td.num", {}, String(n.goroutines)))).concat(gone(a.nodes)));
	$("#frames").hidden = !a.frames || a.readOnly;
	if (a.readOnly && !$("#go").disabled) {
		$("#go").disabled = true;
		$("#done").textContent = t("look");
	}
}

// Rows for nodes that were there and do not answer any more, the last ones.
const gone = (nodes) => [...known].filter(([id]) => !nodes.some((n) => n.id === id)).slice(-10).map(([, { name, at }]) => el("tr", {}, el("td", {}, el("bdi", {}, name)), el("td.muted", { colSpan: 4 }, t("lastHeard", { at: clock(at) }))));

function rooms(a) {
	$("#rooms-total").textContent = a.total;
	const list = a.rooms ?? [];
	rows($("#rooms"), list.length ? list.map((r) => el("li", {}, el("button", { type: "button", dataset: { key: r.name }, ariaPressed: String(r.name === see.room), onclick: () => {
		choose({ room: see.room === r.name ? "" : r.name, sockets: "" });
		if (see.room) to(r.name);
	} }, el("bdi", {}, r.name), el("small", {}, String(r.sockets))))) : [el("li.hint", {}, t("empty"))]);
	$("#rooms-next").disabled = list.length < 50;
	$("#rooms-next").dataset.after = list.at(-1)?.name ?? "";
	$("#rooms-first").disabled = !see.rooms;
}

function sockets(a) {
	$("#sockets-total").textContent = a.total;
	$("#where").textContent = see.room ? `${see.ns} · ${see.room}` : see.ns;
	const list = a.sockets ?? [];
	rows($("#sockets"), list.map((s) => el("tr", { dataset: { chosen: s.id === see.id } },
		el("td", {}, el("button", { type: "button", dataset: { key: s.id }, title: s.id, onclick: () => {
			choose({ id: s.id });
			to(s.id);
		} }, short(s.id))),
		el("td", {}, s.transport + (s.revision === 3 ? " · 3" : "")), el("td.mono", {}, s.address), el("td.num", {}, ago(s.age)), el("td.num", {}, String(s.rooms)),
		el("td.num", {}, `${s.in} / ${s.out}`), el("td.num", {}, size(s.buffered)), el("td.mono", {}, short(s.node)))));
	$("#sockets-next").disabled = list.length < 50 || see.sort !== ""; // who is first changes all the time
	$("#sockets-next").dataset.after = list.at(-1)?.id ?? "";
	$("#sockets-first").disabled = !see.sockets;
}

function one(a) {
	const d = a?.detail;
	$("#close").hidden = !see.id;
	$("#none").hidden = Boolean(d);
	$("#none").textContent = see.id ? t("left") : t("choose") === "choose" ? "Choose one above." : t("choose");
	const fact = (key, value) => (value === "" || value === undefined ? [] : [el("dt", {}, t(key)), el("dd", {}, value instanceof Node ? value : apart(value))]);
	$("#detail").replaceChildren(...(d ? [
		...fact("id", d.id), ...fact("node", d.node), ...fact("transport", `${d.transport} · EIO ${d.revision}`), ...fact("address", d.address), ...fact("age", ago(d.age)),
		...fact("traffic", `${d.in} / ${d.out}`), ...fact("buffered", size(d.buffered)), ...fact("handling", d.handling), ...fact("recovered", d.recovered ? t("yes") : ""),
		...fact("agent", d.agent), ...fact("origin", d.origin), ...fact("roomsOf", (d.where ?? []).join(", ")), ...fact("data", el("pre", { tabIndex: 0 }, d.data)),
	] : []));
}

let round = 0;
async function refresh() {
	const mine = ++round, at = { node: see.node, ns: see.ns };
	try {
		const [all, r, s, d] = await Promise.all([
			ask("overview", {}),
			ask("rooms", { ...at, text: $("#room-text").value, after: see.rooms }),
			ask("sockets", { ...at, room: see.room, text: $("#socket-text").value, after: see.sockets, sort: see.sort }),
			see.id ? ask("socket", { ns: see.ns, id: see.id }) : undefined,
		]);
		if (mine !== round) return; // a later one is under way
		overview(all);
		rooms(r);
		sockets(s);
		one(d);
	} catch (err) {
		if (mine === round) state("off", err.status ? t("refused", { why: err.message }) : t("lost"));
	}
}

function choose(what) {
	if ("ns" in what) what.id = "";
	Object.assign(see, what);
	watched();
	refresh();
}

$("#node").onchange = (event) => choose({ node: event.target.value, rooms: "", sockets: "" });
for (const list of ["rooms", "sockets"]) {
	$(`#${list}-next`).onclick = (event) => choose({ [list]: event.target.dataset.after });
	$(`#${list}-first`).onclick = () => choose({ [list]: "" });
	$(`#${list.slice(0, -1)}-text`).oninput = () => choose({ [list]: "" });
}
$("#order").onchange = (event) => choose({ sort: event.target.value, sockets: "" });
$("#close").onclick = () => choose({ id: "" });

state("wait", t("connecting"));
(async () => {
	for (;;) {
		if (!document.hidden) await refresh();
		await new Promise((done) => setTimeout(done, 2000));
	}
})();
