// The arguments of an event: each is JSON, a text or a file.

import { $, $$, el } from "./assets/dom.js";
import { JSONError } from "./assets/json.js";
import { broken, mended } from "./problems.js";
import { read, write } from "./values.js";

export class Args {
	constructor(t) {
		Object.assign(this, { t, list: $("#args") });
		$("#more").addEventListener("click", () => this.add(null));
	}

	/** Takes these values in the place of those there were. */
	set(values) {
		this.list.replaceChildren();
		for (const value of values) this.add(value);
	}

	add(value, text = write(value) ?? "null") {
		const { t } = this, n = this.list.children.length + 1;
		const select = el("select", { ariaLabel: t("kind", { n }) }, el("option", { value: "json" }, "JSON"), el("option", { value: "text" }, t("text")), el("option", { value: "file" }, t("file")));
		const area = el("textarea.code", { rows: 2, value: text, spellcheck: false, ariaLabel: t("value", { n }) });
		const file = el("input", { type: "file", hidden: true, ariaLabel: t("value", { n }) });
		const problem = el("pre.problem");
		const item = el("li", {}, select, el("div", {}, area, file), el("button", { type: "button", ariaLabel: t("remove", { n }), onclick: () => item.remove() }, "×"), problem);
		select.addEventListener("change", () => {
			area.hidden = select.value === "file";
			file.hidden = !area.hidden;
			mended(area, problem);
		});
		this.list.append(item);
	}

	/** The values, or undefined when one of them is marked as broken. */
	async values() {
		const values = await Promise.all($$(":scope > li", this.list).map((item) => this.value($("select", item).value, $("textarea", item), $("input", item), $(".problem", item))));
		return values.includes(undefined) ? undefined : values;
	}

	async value(kind, area, file, problem) {
		mended(area, problem);
		if (kind === "text") return area.value;
		if (kind === "file") {
			problem.textContent = file.files.length ? "" : this.t("noFile");
			return file.files.length ? new Uint8Array(await file.files[0].arrayBuffer()) : undefined;
		}
		try {
			return read(area.value);
		} catch (err) {
			if (!(err instanceof JSONError)) throw err;
			broken(this.t, area, problem, err);
			return undefined;
		}
	}
}
