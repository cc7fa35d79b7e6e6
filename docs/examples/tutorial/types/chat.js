// @ts-check
import { io } from "socket.io-client";

/** @import { Socket } from "socket.io-client" */
/** @import { Main } from "./api/events" */

/** @type {Socket<Main.ServerToClientEvents, Main.ClientToServerEvents>} */
const socket = io();

const lines = /** @type {HTMLElement} */ (document.querySelector("#lines"));
const text = /** @type {HTMLInputElement} */ (document.querySelector("#text"));

/** @param {string} words */
const show = (words) => {
	const li = document.createElement("li");
	li.textContent = words; // text, never HTML: it comes from others
	lines.append(li);
};

socket.on("chat message", (line) => show(`${line.from} (${line.mood ?? "calm"}): ${line.text}`));

document.querySelector("#form")?.addEventListener("submit", (event) => {
	event.preventDefault();
	socket.emit("chat message", { from: "Ann", text: text.value, mood: "glad" });
});

document.querySelector("#count")?.addEventListener("click", async () => {
	const answer = await socket.emitWithAck("count", text.value);
	show(typeof answer === "number" ? `${answer} lines` : answer.error.message);
});
