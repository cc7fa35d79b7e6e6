// @ts-check
import { $, apart, el, page } from "/assets/page.js";
import { ask, connect, entering } from "/assets/live.js";
import { gate } from "/assets/gate.js";
import { colourOf, myName, roomHere } from "/assets/me.js";
import { chaos } from "/assets/chaos.js";
import { apply, diff, rebase, shift } from "./merge.js";
import words from "./words.js";

/** @import { Socket } from "socket.io-client" */
/** @import { Cursors, Edit } from "../../namespaces/api/events" */

const t = page("cursors", words);
const room = roomHere();
const text = $("#text");
let base = null, version = 0; // the text as the server has it, as far as we heard
/** @type {Edit | null} */
let pending = null;           // our edit that the server has not confirmed
let people = [];
const carets = new Map(); // userId → { line, column }

/** @type {Socket<Cursors.ServerToClientEvents, Cursors.ClientToServerEvents>} */
const socket = connect("/cursors", { t });
const joining = gate();
chaos(socket, { delay: true });

entering(socket, async () => {
	joining.shut();
	try {
		take(await ask(socket, "join", { room, name: myName(), pending: pending?.id ?? "" }));
	} finally {
		joining.open();
	}
	push();
}, told);
socket.on("connect", show);
socket.on("disconnect", show);

function take(now) {
	if (base === null) text.value = now.text;
	else {
		if (now.applied && pending) base = apply(base, pending); // it got through, only the news of it did not
		absorb(diff(base, now.text)); // what changed while we were away, around what we typed meanwhile
	}
	base = now.text;
	version = now.version;
	people = now.people;
	pending = null;
	carets.clear();
	text.disabled = false;
}

// Every edit comes back to everybody in the one order that the server gave them; our own is thereby confirmed.
socket.on("edit", joining.behind((edit) => {
	if (edit.version !== version + 1) return; // one that join has told us already
	if (edit.id === pending?.id) pending = null;
	else absorb(edit);
	base = apply(base, edit);
	version = edit.version;
	for (const at of carets.values()) Object.assign(at, place(base, shift(at.offset, edit)));
	push();
}));

// Takes somebody else's edit into our text, which may be ahead of the server's.
function absorb(edit) {
	if (!edit) return;
	const own = diff(base, text.value);
	const here = own ? rebase(edit, own, true) : edit; // the edit as it is in our text
	const [from, to, top] = [text.selectionStart, text.selectionEnd, text.scrollTop];
	text.value = own ? apply(apply(base, edit), rebase(own, edit)) : apply(base, edit);
	text.setSelectionRange(shift(from, here, true), shift(to, here, true));
	text.scrollTop = top;
}

// Sends what we typed since the server's text, one edit at a time.
async function push() {
	const edit = base !== null && diff(base, text.value);
	show();
	if (!edit || pending || !socket.connected) return;
	const mine = pending = { ...edit, version, id: crypto.getRandomValues(new Uint32Array(2)).join("-") };
	while (pending === mine && socket.connected) {
		try {
			await ask(socket, "edit", mine);
			return told("");
		} catch (err) {
			if (pending === mine && err.code) pending = null; // it is not part of the text; without a code nobody knows, so it is asked again
			if (err.code === "full") return told(err.message); // it stays here, and is tried again with the next change
			await new Promise((done) => setTimeout(done, 120)); // somebody was faster, we were too fast, or the line is down
		}
	}
	push();
}

function told(problem) { $("#problem").textContent = problem; }

text.addEventListener("input", push);
document.addEventListener("selectionchange", () => document.activeElement === text && tell());

let lastCursor = 0;
function tell() {
	const at = place(text.value, text.selectionStart);
	if (performance.now() - lastCursor > 40) socket.volatile.emit("cursor", { line: at.line, column: at.column });
	else setTimeout(tell, 60);
	lastCursor = performance.now();
	show();
}

socket.on("cursor", ({ userId, line, column }) => {
	carets.set(userId, { line, column, offset: offset(base ?? "", line, column) });
	show();
});
socket.on("people", (now) => {
	people = now;
	for (const id of carets.keys()) if (!now.some((p) => p.id === id)) carets.delete(id);
	show();
});

function place(all, at) {
	const before = all.slice(0, at).split("\n");
	return { line: before.length, column: before.at(-1).length + 1, offset: at };
}

const offset = (all, line, column) => all.split("\n").slice(0, line - 1).reduce((sum, row) => sum + row.length + 1, 0) + column - 1;

// Wide characters (中文) take two cells; the measure is the browser's own.
const ruler = /** @type {CanvasRenderingContext2D} */ (document.createElement("canvas").getContext("2d"));
function across(line, column) {
	ruler.font = getComputedStyle(text).font;
	return ruler.measureText((text.value.split("\n")[line - 1] ?? "").slice(0, column - 1).replaceAll("\t", "    ")).width;
}

function show() {
	const at = place(text.value, text.selectionStart ?? 0);
	$("#bar").textContent = t("bar", { version, ...at }) + (base !== null && diff(base, text.value) ? " · " + t(socket.connected ? "waiting" : "offline") : "");
	$("#people").replaceChildren(...people.map((p) => coloured(el("li", {}, el("span", {}, apart(p.name), p.id === socket.id && el("span", {}, ` (${t("you")})`))), p.id)));
	const height = parseFloat(getComputedStyle(text).lineHeight);
	$("#carets").replaceChildren(...[...carets].map(([id, { line, column }]) => {
		const caret = coloured(el(line === 1 ? "div.caret.top" : "div.caret", { dataset: { line, column } }, el("span", {}, apart(people.find((p) => p.id === id)?.name ?? ""))), id);
		const x = across(line, column) - text.scrollLeft;
		caret.classList.toggle("left", x > text.clientWidth - 150); // else a name would be cut off
		caret.style.transform = `translate(${x}px, ${(line - 1) * height - text.scrollTop}px)`;
		return caret;
	}));
}
text.addEventListener("scroll", show);

function coloured(node, id) {
	node.style.setProperty("--who", colourOf(id, people));
	return node;
}
