// @ts-check
import { $, el, page } from "/assets/page.js";
import { Outbox, ask, connect, entering } from "/assets/live.js";
import { gate } from "/assets/gate.js";
import { myName } from "/assets/me.js";
import words from "./words.js";

const t = page("binary", words);
const limit = 600_000;

/** @import { Socket } from "socket.io-client" */
/** @import { Binary } from "../../namespaces/api/events" */
/** @type {Socket<Binary.ServerToClientEvents, Binary.ClientToServerEvents>} */
const socket = connect("/binary", { t });
const joining = gate();
entering(socket, async () => {
	joining.shut();
	try {
		wall = await ask(socket, "join", { room: "wall", name: myName() });
		for (const item of [...$("#wall").children]) take(item);
		wall.forEach(hang);
		outbox.start();
	} finally {
		joining.open();
		wall = [];
	}
}, problem);
socket.on("picture", joining.behind((picture) => wall.some((other) => same(other, picture)) || hang(picture)));

let wall = []; // what joining has brought, while events that overtook it are looked at
function same(a, b) {
	const [x, y] = [a, b].map(({ data }) => new Uint8Array(data));
	return x.length === y.length && x.every((byte, i) => byte === y[i]);
}

// Pictures on their way. Those that cannot be sent now wait here; one whose answer is lost hangs twice at worst.
const outbox = new Outbox(socket, {
	send: (data) => ask(socket, "show", { data }),
	refused: (_, err) => problem(err.message),
	changed(items, err) {
		$("#progress").hidden = items.length === 0;
		problem(items.length && (err || !socket.connected) ? t("unsent", { n: items.length }) : "");
	},
});
socket.on("disconnect", () => outbox.changed(outbox.items));

async function send(blob) {
	try {
		if (blob.type.startsWith("image/") && blob.size > limit) blob = await smaller(blob);
		outbox.add(await blob.arrayBuffer());
	} catch {
		problem(t("notImage"));
	}
}

function problem(text) { $("#problem").textContent = text; }

// Draws the image smaller until its bytes fit.
async function smaller(blob) {
	const image = await createImageBitmap(blob);
	for (let side = 2000; ; side *= .75) {
		const scale = Math.min(1, side / Math.max(image.width, image.height));
		const { canvas, ink } = sheet(Math.max(1, image.width * scale), Math.max(1, image.height * scale));
		ink.drawImage(image, 0, 0, canvas.width, canvas.height);
		const out = await canvas.convertToBlob({ type: "image/jpeg", quality: .82 });
		if (out.size <= limit) return out;
	}
}

function sheet(width, height) {
	const canvas = new OffscreenCanvas(width, height);
	return { canvas, ink: /** @type {OffscreenCanvasRenderingContext2D} */ (canvas.getContext("2d")) };
}

function hang({ name, type, data }) {
	const src = URL.createObjectURL(new Blob([data], { type }));
	const kb = Math.max(1, Math.round(data.byteLength / 1000));
	$("#wall").prepend(el("li", {}, el("img", { src, alt: t("alt", { name }) }), el("p", {}, el("b", {}, ...t.nodes("by", { name })), el("span", {}, t("size", { type: type.replace("image/", ""), kb })))));
	while ($("#wall").children.length > 6) take($("#wall").lastElementChild);
}

function take(item) {
	URL.revokeObjectURL(item.querySelector("img").src);
	item.remove();
}

$("#file").addEventListener("change", () => {
	if ($("#file").files[0]) send($("#file").files[0]);
	$("#file").value = "";
});
const drop = $("#drop");
drop.addEventListener("dragover", (event) => {
	event.preventDefault();
	drop.classList.add("over");
});
drop.addEventListener("dragleave", () => drop.classList.remove("over"));
drop.addEventListener("drop", (event) => {
	event.preventDefault();
	drop.classList.remove("over");
	const file = event.dataTransfer.files[0];
	if (file) send(file);
});

// A fish in a colour of its own, for those without an image at hand.
$("#draw").addEventListener("click", async () => {
	const { canvas, ink } = sheet(640, 480);
	const hue = Math.random() * 360;
	const sky = ink.createLinearGradient(0, 0, 0, 480);
	sky.addColorStop(0, `hsl(${hue} 45% 30%)`);
	sky.addColorStop(1, `hsl(${hue + 40} 60% 12%)`);
	ink.fillStyle = sky;
	ink.fillRect(0, 0, 640, 480);
	for (let i = 0; i < 9; i++) fish(ink, 60 + Math.random() * 500, 60 + Math.random() * 360, 1.2 + Math.random() * 3, hue + 140 + Math.random() * 60);
	send(await canvas.convertToBlob({ type: "image/png" }));
});

function fish(ink, x, y, size, hue) {
	ink.save();
	ink.translate(x, y);
	ink.scale(size, size);
	ink.fillStyle = `hsl(${hue} 78% 60%)`;
	ink.beginPath();
	ink.ellipse(0, 0, 20, 9, 0, 0, 7);
	ink.moveTo(-16, 0);
	ink.lineTo(-30, -9);
	ink.lineTo(-30, 9);
	ink.fill();
	ink.fillStyle = "#fff";
	ink.beginPath();
	ink.arc(12, -2, 2, 0, 7);
	ink.fill();
	ink.restore();
}
