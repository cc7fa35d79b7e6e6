// The page: what is in it, and how its parts hang together.

import { $, copyText } from "./assets/dom.js";
import { around } from "./around.js";
import { fill, sane, target } from "./connect.js";
import { copyAs } from "./copyas.js";
import { describe, given, known } from "./described.js";
import { Events } from "./events.js";
import { Kept } from "./kept.js";
import { Sending } from "./sending.js";
import { Session } from "./session.js";
import { Slots } from "./slots.js";
import { Store } from "./store.js";
import { namespaceOf, pathOf, serverOf } from "./target.js";
import { Timeline } from "./timeline.js";
import { read, write } from "./values.js";

const server = await fetch("server.json").then((res) => res.json()).catch(() => ({ path: "/socket.io/", namespaces: [] }));
const t = await around(server.frame);

const timeline = new Timeline(() => slots.now.n);
const slots = new Slots(t, {
	label: ({ target: it }) => (it ? (it.url === location.origin ? "" : new URL(it.url).host) + it.namespace + " · " + it.version : t("fresh")),
	chosen(slot) {
		if (slot.target) fill(slot.target);
		session.ready();
		timeline.filter();
		refresh();
	},
});
const session = new Session({ t, server, slots, timeline, refresh });
const events = new Events(t, server, {
	chosen: (event) => sending.choose(event),
	space(name) {
		$("#namespace").value = name;
		refresh();
		$('#spaces [aria-pressed="true"]')?.focus();
	},
});
const sending = new Sending({ t, slots, timeline, events, sent: (it) => kept.add({ ...slots.now.target, ...it }) });

// Shows the events of the server and namespace that the form names now.
function refresh() {
	const { url = location.origin } = serverOf($("#url").value, location.origin), path = pathOf($("#path").value);
	const before = events.described?.contract;
	events.show(known({ url, path }) ?? {}, namespaceOf($("#namespace").value, url).namespace ?? "/", url === location.origin && path === server.path);
	if (before !== events.described.contract || events.event($("#event").value) !== sending.args.event) sending.renamed();
}
for (const id of ["url", "path", "namespace"]) $("#" + id).addEventListener("input", refresh);

$("#connection").addEventListener("submit", (event) => {
	event.preventDefault();
	const it = target(t);
	refresh();
	if (it) session.connect(slots.now, it);
});
$("#disconnect").addEventListener("click", () => session.disconnect(slots.now));
$("#from-file").addEventListener("click", () => $("#description").click());
$("#description").addEventListener("change", async ({ target: field }) => {
	const it = field.files.length && target(t);
	if (it) given(it, await field.files[0].text(), field.files[0].name);
	field.value = "";
	refresh();
});

// Requests: what the forms say, to be kept, copied and taken up again

async function request() {
	const it = target(t), what = it && await sending.request();
	return what && { ...it, ...what };
}

function take(it) {
	fill(sane(it));
	refresh();
	sending.restore(it);
}

let storage;
try { storage = localStorage; } catch { /* forbidden: it lasts as long as the page */ }
const kept = new Kept({ t, store: new Store(storage), current: request, take(it) {
	take(it);
	$("#event").focus();
} });

let quiet;
async function copied(text, said = t("copied")) {
	await copyText(text);
	$("#copied").textContent = said;
	clearTimeout(quiet);
	quiet = setTimeout(() => { $("#copied").textContent = ""; }, 2500);
}
$("#copy").addEventListener("click", async ({ target: button }) => {
	const as = button.dataset?.as, it = as && await request();
	if (!it) return;
	if (as === "link") copied(`${location.href.split("#")[0]}#${encodeURIComponent(write(it))}`, t("linked"));
	else copied(copyAs(as, it), t("copiedAs", { as: button.textContent }));
});

// Begin

// What somebody has written already stays.
if (!$("#url").value) $("#url").value = location.origin;
if ($("#path").value === $("#path").defaultValue) $("#path").value = server.path;
if ($("#namespace").value === "/" && server.namespaces.some(({ name }) => name === "/playground")) $("#namespace").value = "/playground";
slots.add();
sending.take(undefined);
try {
	if (location.hash.length > 1) take(read(decodeURIComponent(location.hash.slice(1))));
} catch { /* no link, or not one of ours */ }
$("#connect").disabled = false; // from here on everything answers
await describe({ url: location.origin, path: server.path }, server);
refresh();
