// @ts-check
import { $, $$, el, page } from "/assets/page.js";
import { Outbox, ask, connect, entering } from "/assets/live.js";
import { roomHere } from "/assets/me.js";
import { gate } from "/assets/gate.js";
import { chaos } from "/assets/chaos.js";
import words from "./words.js";

/** @import { Socket } from "socket.io-client" */
/** @import { Stroke, Whiteboard } from "../../namespaces/api/events" */

const t = page("whiteboard", words);
const room = roomHere();
const canvas = $("#board"), ink = canvas.getContext("2d");
const pens = ["ink", "salmon", "green", "blue", "gold", "violet"]; // names, so that each reader's theme picks the colour
let strokes = [];         // finished, as the server keeps them: { id, pen, width, points: [x0, y0, x1, …] in 0…1 }
const moving = new Map(); // other people's unfinished strokes, by stroke id
/** @type {Stroke & { told: number } | null} */
let mine = null;          // my unfinished stroke, and how much of it is told
let pen = pens[1], serial = 0;

/** @type {Socket<Whiteboard.ServerToClientEvents, Whiteboard.ClientToServerEvents>} */
const socket = connect("/whiteboard", { t });
const joining = gate();
chaos(socket, { delay: true, slow: true });

entering(socket, async () => {
	joining.shut();
	try {
		const board = await ask(socket, "join", room);
		for (const stroke of outbox.items) if (board.strokes.some(({ id }) => id === stroke.id)) outbox.remove(stroke); // it got through, only the answer did not
		strokes = board.strokes;
		moving.clear();
		here(board.people);
		outbox.start();
	} finally {
		joining.open();
		draw();
	}
}, problem);

// Strokes that are not on the server yet. They stay on this board and are sent when they can be; they then begin with the id that the
// socket has by then.
const outbox = new Outbox(socket, {
	async send(stroke) {
		if (!stroke.id.startsWith(socket.id + ".")) stroke.id = `${socket.id}.${++serial}`;
		await ask(socket, "stroke", stroke);
		if (!strokes.some(({ id }) => id === stroke.id)) strokes.push(stroke);
	},
	refused: (_, err) => problem(err.message),
	changed(items, err) {
		draw();
		problem(items.length && (err || !socket.connected) ? t("unsent", { n: items.length }) : "");
	},
});
const upOrDown = () => {
	$("#clear").disabled = !socket.connected;
	outbox.changed(outbox.items);
};
socket.on("connect", upOrDown);
socket.on("disconnect", upOrDown);
socket.on("people", here);

// Handles an event that changes the finished picture. To do one of them twice is harmless.
const changes = (event, change) => socket.on(event, joining.behind((what) => {
	change(what);
	draw();
}));
socket.on("move", (part) => {
	const known = moving.get(part.id);
	if (known) known.points.push(...part.points);
	else moving.set(part.id, part);
	draw();
});
changes("stroke", (stroke) => {
	moving.delete(stroke.id);
	if (!strokes.some(({ id }) => id === stroke.id)) strokes.push(stroke);
});
changes("undo", (id) => { strokes = strokes.filter((stroke) => stroke.id !== id); });
changes("clear", () => {
	strokes = [];
	moving.clear();
});

function here(n) { $("#people").textContent = t("people", { n }); }

function problem(text) { $("#problem").textContent = text; }

// Drawing

function begin(x, y) {
	mine = { id: `${socket.id}.${++serial}`, pen, width: Number($("#width").value), points: [x, y], told: 0 };
	draw();
}

function extend(x, y) {
	if (!mine) return;
	mine.points.push(x, y);
	if (mine.points.length >= 2000) return end(); // as long as a stroke may be: go on in the next
	draw();
}

function end() {
	if (!mine) return;
	const { told, ...stroke } = mine;
	mine = null;
	outbox.add(stroke);
}

// What is new of my stroke, thirty times a second at most.
setInterval(() => {
	if (!mine || mine.points.length === mine.told) return;
	socket.volatile.emit("move", { id: mine.id, pen: mine.pen, width: mine.width, points: mine.points.slice(Math.max(0, mine.told - 2)) });
	mine.told = mine.points.length;
}, 33);

const spot = (event) => [(event.offsetX / canvas.clientWidth), (event.offsetY / canvas.clientHeight)].map((v) => Math.round(v * 1e4) / 1e4);
canvas.addEventListener("pointerdown", (event) => {
	canvas.setPointerCapture(event.pointerId);
	begin(...spot(event));
});
canvas.addEventListener("pointermove", (event) => { for (const e of event.getCoalescedEvents?.() ?? [event]) extend(...spot(e)); });
for (const name of ["pointerup", "pointercancel"]) canvas.addEventListener(name, end);

const cursor = { x: .5, y: .5 };
canvas.addEventListener("keydown", (event) => {
	const [dx, dy] = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[event.key] ?? [0, 0];
	if (event.key === " ") mine ? end() : begin(cursor.x, cursor.y);
	else if (!dx && !dy) return;
	event.preventDefault();
	cursor.x = Math.min(1, Math.max(0, cursor.x + dx * .012));
	cursor.y = Math.min(1, Math.max(0, cursor.y + dy * .02));
	if (dx || dy) extend(cursor.x, cursor.y);
	draw();
});
canvas.addEventListener("blur", end);

$("#undo").addEventListener("click", () => {
	const last = outbox.items.at(-1);
	if (!socket.connected && last) outbox.remove(last);
	else if (socket.connected) socket.emit("undo");
	else problem(t("later"));
});
$("#clear").addEventListener("click", () => socket.emit("clear"));
$("#swatches").append(...pens.map((name) => {
	const button = el("button", { type: "button", ariaLabel: t(name), dataset: { pen: name }, ariaPressed: String(name === pen), onclick() {
		pen = name;
		for (const other of $$("#swatches button")) other.ariaPressed = String(other === button);
	} });
	button.style.setProperty("--pen", colour(name));
	return button;
}));

// Painting

function colour(name) {
	const dark = matchMedia("(prefers-color-scheme: dark)").matches;
	const night = document.documentElement.dataset.theme ? document.documentElement.dataset.theme === "dark" : dark;
	const [day, dusk] = { ink: ["#10231c", "#eef6f0"], salmon: ["#d8392a", "#ff8573"], green: ["#1f7a50", "#7ed9ab"], blue: ["#1d63b8", "#82b8ff"], gold: ["#b57a00", "#f0c267"], violet: ["#7a3fb0", "#c9a0f5"] }[name] ?? ["#888", "#888"];
	return night ? dusk : day;
}

let asked = false;
function draw() {
	if (asked) return;
	asked = true;
	requestAnimationFrame(paint);
}

function paint() {
	asked = false;
	const scale = Math.min(devicePixelRatio || 1, 2), w = canvas.clientWidth, h = canvas.clientHeight;
	canvas.width = w * scale;
	canvas.height = h * scale;
	ink.scale(scale, scale);
	ink.lineCap = ink.lineJoin = "round";
	const unsent = outbox.items.filter((stroke) => !strokes.some(({ id }) => id === stroke.id));
	for (const stroke of [...strokes, ...moving.values(), ...unsent, ...(mine ? [mine] : [])]) line(stroke, w, h);
	if (document.activeElement === canvas && canvas.matches(":focus-visible")) {
		ink.strokeStyle = colour(pen);
		ink.lineWidth = 2;
		ink.beginPath();
		ink.arc(cursor.x * w, cursor.y * h, 9, 0, 7);
		ink.stroke();
	}
	$("#count").textContent = t("count", { n: strokes.length + unsent.length });
}

function line({ points, pen: name, width }, w, h) {
	ink.strokeStyle = colour(name);
	ink.lineWidth = width;
	ink.beginPath();
	ink.moveTo(points[0] * w, points[1] * h);
	for (let i = 2; i < points.length - 2; i += 2) { // through the middles of the points, so that corners are round
		ink.quadraticCurveTo(points[i] * w, points[i + 1] * h, (points[i] + points[i + 2]) / 2 * w, (points[i + 1] + points[i + 3]) / 2 * h);
	}
	ink.lineTo(points.at(-2) * w, points.at(-1) * h);
	ink.stroke();
}

new ResizeObserver(draw).observe(canvas);
new MutationObserver(() => { draw(); $$("#swatches button").forEach((b) => b.style.setProperty("--pen", colour(b.dataset.pen))); })
	.observe(document.documentElement, { attributeFilter: ["data-theme"] });
