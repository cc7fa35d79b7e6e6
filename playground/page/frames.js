// The wire: each frame as it crosses, taken apart, with its bytes.

import { $, el } from "./assets/dom.js";
import { decode, dump } from "./assets/wire.js";

const most = 300, atOnce = 512;

const part = ({ kind, text }) => el("span.part." + kind, { title: text.slice(0, 400) }, text.slice(0, 200));

/** Shows a packet of connection n. */
export function frame(t, n, packet, way, transport) {
	if (!$("#beats").checked && (packet.type === "ping" || packet.type === "pong")) return;
	const decoded = decode(packet, transport);
	const button = el("button", { type: "button", onclick() {
		$('[aria-current="true"]', $("#frames"))?.removeAttribute("aria-current");
		button.setAttribute("aria-current", "true");
		anatomy(t, decoded, transport);
	} }, el("span.nr", {}, String(n)), el("span.way." + way, {}, way === "up" ? "↑" : "↓"), ...decoded.parts.map(part));
	const list = $("#frames"), follows = list.scrollHeight - list.scrollTop - list.clientHeight < 60;
	list.append(el("li", {}, button));
	while (list.children.length > most) list.firstElementChild.remove();
	if (follows) list.scrollTop = list.scrollHeight;
}

function anatomy(t, { parts, bytes }, transport) {
	const pre = el("pre.hex", { tabIndex: 0, ariaLabel: t("bytes") });
	let limit = atOnce;
	const more = el("button.slim", { type: "button", hidden: bytes.length <= limit, onclick() {
		limit = Infinity;
		more.hidden = true;
		show();
		pre.focus();
	} }, t("allBytes", { n: bytes.length }));
	const show = () => { pre.textContent = dump(bytes, limit, across(pre)); };
	$("#anatomy").replaceChildren(
		el("dl", {}, ...parts.flatMap((p) => [el("dt", {}, part(p)), el("dd", {}, t(p.means))])),
		pre, el("div.row", {}, el("p.hint", {}, `${bytes.length} bytes · ${transport}`), more));
	show();
	watch.disconnect();
	watched = show;
	watch.observe(pre.parentElement);
}

let watched = () => {};
const watch = new ResizeObserver(() => watched());

// How many bytes a line has room for: 16, 8 or 4, so that none is cut.
function across(pre) {
	const style = getComputedStyle(pre), room = pre.clientWidth - parseFloat(style.paddingLeft) - parseFloat(style.paddingRight);
	ruler.font = style.font;
	const columns = room / ruler.measureText("0".repeat(100)).width * 100;
	return [16, 8, 4].find((n) => 7 + 4 * n <= columns) ?? 4;
}
const ruler = document.createElement("canvas").getContext("2d");
