// A document: its code in colours, a field to search all of them, and the frame of every page. It reads without this too.

import { $, $$, chinese, el, page } from "/assets/page.js";
import { copyText } from "/assets/dom.js";
import { colour } from "/assets/source.js";

const t = page("docs", {
	zh: { none: "没有找到“{q}”。", some: "{n} 处", failed: "搜索索引没有加载。", other: "本页有中文版。" },
	en: { none: "Nothing about “{q}”.", some: "{n} found", failed: "The index did not load.", other: "This page exists in English." },
});
document.title = `${$("h1").textContent} · Sockeye`;

// Who reads another language is told that the document has it.
const other = $(`link[rel="alternate"][hreflang^="${chinese ? "zh" : "en"}"]`);
if (other && !$("main").lang.startsWith(chinese ? "zh" : "en")) $(".doc").prepend(el("p.doc-other", { lang: document.documentElement.lang }, el("a", { href: other.href }, t("other"))));

if (matchMedia("(max-width: 62rem)").matches) $(".docs-menu").open = false;

const coloured = ["go", "js", "json", "ts", "jsx"];
for (const code of $$(".doc pre code")) {
	const text = code.textContent;
	if (coloured.some((name) => code.classList.contains("language-" + name))) code.replaceChildren(...colour(text));
	const copy = el("button.slim.quiet.doc-copy", { type: "button", async onclick() {
		await copyText(text);
		copy.textContent = t("copied");
	} }, t("copy"));
	const pre = code.parentElement, box = el("div.doc-code");
	pre.replaceWith(box);
	box.append(pre, copy);
}

/* Search: the index is fetched when somebody begins to type. Every word has to be there; headings count more than text. */

const form = $(".docs-search"), field = $("#q"), found = $("#found");
let index;
const load = () => (index ??= fetch(form.dataset.index).then(async (res) => {
	if (!res.ok) throw new Error(String(res.status));
	return (await res.json()).map((part) => ({ ...part, low: [part.head, part.page, part.text].map((text) => text.toLowerCase()) }));
}));

function look(parts, q) {
	const words = q.toLowerCase().split(/\s+/).filter(Boolean);
	const score = ({ low: [head, title, text] }) => {
		let sum = 0;
		for (const word of words) {
			const here = (head.includes(word) ? 12 : 0) + (title.includes(word) ? 6 : 0) + Math.min(text.split(word).length - 1, 4);
			if (!here) return 0;
			sum += here;
		}
		return sum;
	};
	return parts.map((part) => ({ part, score: score(part) })).filter(({ score }) => score).sort((a, b) => b.score - a.score).map(({ part }) => part);
}

// The words around the first hit, with what was looked for marked.
function excerpt(text, q) {
	const word = q.toLowerCase().split(/\s+/).find((it) => text.toLowerCase().includes(it));
	if (!word) return [text.slice(0, 120)];
	const at = text.toLowerCase().indexOf(word), from = Math.max(0, at - 50);
	return [(from ? "…" : "") + text.slice(from, at), el("mark", {}, text.slice(at, at + word.length)), text.slice(at + word.length, at + 90) + "…"];
}

async function search() {
	const q = field.value.trim();
	if (!q) return found.replaceChildren();
	let parts;
	try {
		parts = look(await load(), q);
	} catch {
		index = undefined;
		return found.replaceChildren(el("p.muted", {}, t("failed")));
	}
	if (q !== field.value.trim()) return;
	if (!parts.length) return found.replaceChildren(el("p.muted", {}, t("none", { q })));
	found.replaceChildren(el("p.sr", {}, t("some", { n: parts.length })), el("ol", {}, ...parts.slice(0, 12).map((part) => el("li", {},
		el("a", { href: part.url }, part.head, part.head !== part.page && el("span.muted", {}, part.page)),
		el("p.muted", {}, ...excerpt(part.text, q))))));
}

field.addEventListener("input", search);
form.addEventListener("submit", (event) => {
	event.preventDefault();
	$("a", found)?.click();
});
addEventListener("keydown", (event) => {
	if (event.key === "Escape" && form.contains(document.activeElement)) { field.value = ""; found.replaceChildren(); field.focus(); }
	if (event.key === "/" && !event.ctrlKey && !event.metaKey && !/INPUT|TEXTAREA|SELECT/.test(document.activeElement.tagName)) { event.preventDefault(); field.focus(); }
});
found.addEventListener("click", (event) => event.target.closest("a") && found.replaceChildren());

const asked = new URLSearchParams(location.search).get("q");
if (asked) { field.value = asked; search(); }
