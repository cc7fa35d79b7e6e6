// Reads a Go or JavaScript file in a dialog, lightly coloured.

import { copyText, el } from "./dom.js";
import { plainly } from "./words.js";

const token = new RegExp([
	/(?<c>\/\/[^\n]*|\/\*[^]*?\*\/)/,
	/(?<s>"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*'|`(?:\\.|[^`\\])*`)/,
	/\b(?<k>async|await|break|case|chan|class|const|continue|default|defer|else|export|extends|for|from|func|function|go|if|import|interface|let|map|new|null|nil|of|package|range|return|select|static|struct|super|switch|this|throw|true|false|try|catch|type|var|while)\b/,
	/\b(?<n>\d[\d_.]*(?:e\d+)?)\b/,
].map((part) => part.source).join("|"), "g");

export async function showSource(t, href) {
	const code = el("code");
	const pre = el("pre.source", { tabIndex: 0 }, code);
	const title = el("h2", { id: "source-title" }, href.split("/").pop());
	const copy = el("button.slim.quiet", { type: "button", async onclick() {
		await copyText(code.textContent);
		copy.textContent = t("copied");
	} }, t("copy"));
	const box = el("dialog", { "aria-labelledby": "source-title", onclose: () => box.remove(), onclick: (e) => e.target === box && box.close() },
		el("header", {}, title, copy, el("a.button.slim.quiet", { href, target: "_blank" }, t("raw")),
			el("button.slim", { type: "button", autofocus: true, onclick: () => box.close() }, t("close"))),
		pre);
	document.body.append(box);
	box.showModal();
	try {
		const res = await fetch(href);
		if (!res.ok) throw new Error(`${res.status} ${res.statusText}`);
		code.append(...colour(await res.text()));
	} catch (err) {
		code.textContent = `${href}: ${plainly(err)}`;
	}
}

export function colour(text) {
	const out = [];
	let at = 0;
	for (const match of text.matchAll(token)) {
		const kind = Object.keys(match.groups).find((name) => match.groups[name] !== undefined);
		out.push(text.slice(at, match.index), el("span." + kind, {}, match[0]));
		at = match.index + match[0].length;
	}
	return [...out, text.slice(at)];
}
