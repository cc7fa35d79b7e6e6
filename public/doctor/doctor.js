import { $, el, page, rich } from "/assets/page.js";
import { checks, examine } from "./examine.js";
import words from "./words.js";

const t = page("doctor", words);
$("#address").value = location.origin;

const item = (check) => el("li", { dataset: { check } }, el("h2", {}, t(check)), el("p"));
$("#checks").append(...checks.map(item));

$("#form").addEventListener("submit", async (event) => {
	event.preventDefault();
	$("#examine").disabled = true;
	$("#checks").replaceChildren(...checks.map(item));
	verdict("", t("busy"));
	let ill;
	const left = new Set(checks);
	$("#checks li").dataset.is = "busy";
	for await (const { check, is, says, values, fix } of examine($("#address").value.trim(), $("#path").value.trim(), $("#namespace").value.trim() || "/")) {
		const li = $(`[data-check="${check}"]`);
		li.dataset.is = is;
		$("p", li).replaceChildren(...rich(t(says, values)));
		if (fix) li.append(el("pre", { tabIndex: 0 }, fix));
		if (is !== "good") ill ??= check;
		left.delete(check);
		const next = $(`[data-check="${[...left][0]}"]`);
		if (next) next.dataset.is = "busy";
	}
	for (const check of left) {
		const li = $(`[data-check="${check}"]`);
		delete li.dataset.is;
		$("p", li).textContent = t("skipped");
	}
	verdict(ill ? "no" : "yes", ill ? t("ill", { what: t(ill + "Ill") }) : t("well"));
	$("#examine").disabled = false;
});

function verdict(good, text) {
	$("#verdict").dataset.good = good;
	$("#verdict").textContent = text;
}
