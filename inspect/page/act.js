// What changes something: to a room, or to one socket.

import { $, $$, el } from "./assets/dom.js";
import { perform } from "./ask.js";

export function acting(t, see, after) {
	const whats = ["emit", "join", "leave", "disconnect"];
	$("#what").append(el("legend.sr", {}, t("go")), ...whats.map((value, i) => el("label.check", {}, el("input", { type: "radio", name: "what", value, checked: i === 0, onchange: pick }), " ", t(value))));
	const chosen = () => $('input[name="what"]:checked').value;
	function pick() {
		for (const part of $$("#act [data-for]")) part.hidden = !part.dataset.for.split(" ").includes(chosen());
		$("#problem").textContent = $("#done").textContent = "";
	}
	pick();

	$("#act").onsubmit = async (event) => {
		event.preventDefault();
		$("#problem").textContent = $("#done").textContent = "";
		const what = chosen(), act = { what, to: $("#to").value };
		if (what === "join" || what === "leave") act.rooms = $("#which").value.split(",").map((room) => room.trim()).filter(Boolean);
		if (what === "disconnect") act.close = $("#conn").checked;
		if (what === "emit") {
			act.event = $("#event").value;
			try {
				act.args = JSON.parse($("#args").value || "[]");
			} catch { /* told below */ }
			if (!Array.isArray(act.args)) {
				$("#problem").textContent = t("noArray");
				return;
			}
		}
		try {
			const a = await perform(see.ns, act);
			$("#done").textContent = t("reached", { n: a.done, nodes: a.nodes.length });
			after();
		} catch (err) {
			$("#problem").textContent = err.status ? t("refused", { why: err.message }) : t("lost");
		}
	};
	return (to) => { $("#to").value = to; };
}

// Has the server log what some sockets send.
export function frames(t, see) {
	const set = async (of) => {
		try {
			await perform(see.ns, { what: "frames", to: of });
			$("#frames-done").textContent = of ? t("framesIs", { of }) : t("framesEnd");
		} catch (err) {
			$("#frames-done").textContent = err.status ? t("refused", { why: err.message }) : t("lost");
		}
	};
	$("#frames").onsubmit = (event) => {
		event.preventDefault();
		set($("#frames-of").value || see.id || see.ns);
	};
	$("#frames-off").onclick = () => set("");
}
