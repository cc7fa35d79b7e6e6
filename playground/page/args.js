// The arguments of an event: each is JSON, a text or a file; one that the description knows is a form, too, and is held to its rules.

import { $, $$, el } from "./assets/dom.js";
import { JSONError } from "./assets/json.js";
import { check } from "./check.js";
import { form } from "./forms.js";
import { broken, mended } from "./problems.js";
import { sample } from "./sample.js";
import { shape } from "./shape.js";
import { read, write } from "./values.js";

export class Args {
	constructor(t) {
		Object.assign(this, { t, list: $("#args"), items: [], event: undefined });
		$("#more").addEventListener("click", () => this.add(null).focus());
	}

	/** Takes these values in the place of those there were; with an event of a description, or its samples. */
	set(values, event, resolve) {
		Object.assign(this, { event, resolve, items: [] });
		this.list.replaceChildren();
		const known = event?.args ?? [], n = Math.max(known.length, values?.length ?? 0);
		for (let i = 0; i < n; i++) this.add(values ? values[i] : sample(known[i].schema, resolve), known[i]);
	}

	add(value, arg) {
		const item = new Item(this, value, arg, this.items.length + 1);
		this.items.push(item);
		this.list.append(item.element);
		return item;
	}

	remove(item) {
		this.items = this.items.filter((other) => other !== item);
		item.element.remove();
		$("#more").focus();
	}

	/** The values, or undefined when one of them is no value: that is marked and, unless it is to be quiet, gets the focus. */
	async values(quiet = false) {
		const values = [];
		for (const item of this.items) values.push(await item.value(quiet));
		const at = values.indexOf(undefined);
		if (at < 0) return values;
		if (!quiet) this.items[at].focus(true);
		return undefined;
	}

	/** How many faults these values have by the description; each is told where it is. */
	faults(values) {
		if (!this.event) return 0;
		const { args, list } = this.event, wrong = values.length < args.length || (values.length > args.length && !list);
		$("#args-problem").textContent = wrong ? this.t("howMany", { n: args.length, event: this.event.name }) : "";
		return this.items.reduce((n, item, i) => n + item.judge(values[i]), wrong ? 1 : 0);
	}

	focusFault() { this.items.find((item) => item.faulty)?.focus(true); }
}

class Item {
	constructor(all, value, arg, n) {
		const { t } = all;
		Object.assign(this, { t, all, arg, resolve: all.resolve });
		this.select = el("select", { ariaLabel: t("kind", { n }) }, arg && el("option", { value: "form" }, t("form")), el("option", { value: "json" }, "JSON"), el("option", { value: "text" }, t("text")), el("option", { value: "file" }, t("file")));
		this.area = el("textarea.code", { rows: 2, value: arg ? "" : write(value) ?? "null", spellcheck: false, ariaLabel: t("value", { n }) });
		this.file = el("input", { type: "file", ariaLabel: t("value", { n }) });
		this.place = el("div.form-place");
		this.problem = el("pre.problem");
		this.rules = el("ul.rules", { "aria-live": "polite" });
		const remove = el("button.quiet", { type: "button", ariaLabel: t("remove", { n }), title: t("remove", { n }), onclick: () => all.remove(this) }, "×");
		this.element = el("li", {}, arg && el("p.arg", {}, el("bdi.name", {}, arg.name), " ", el("bdi.sign", {}, shape(arg.schema, all.resolve))), this.select, el("div.what", {}, this.place, this.area, this.file, this.problem, this.rules), remove);
		if (arg) this.build(value);
		this.show(arg ? "form" : "json");
		this.select.addEventListener("change", () => this.turn());
	}

	build(value) {
		this.form = form(this.arg.schema, value, this.resolve, () => { this.rules.replaceChildren(); });
		this.place.replaceChildren(this.form.element);
	}

	show(kind) {
		this.kind = this.select.value = kind;
		for (const [name, node] of Object.entries({ form: this.place, file: this.file })) node.hidden = kind !== name;
		this.area.hidden = kind === "form" || kind === "file";
		this.element.dataset.kind = kind;
		mended(this.area, this.problem);
		this.rules.replaceChildren();
	}

	// The value goes along from the form to JSON and back; text that is no JSON stays where it is.
	turn() {
		const before = this.kind, now = this.select.value;
		if (before === "form") this.area.value = now === "text" && typeof this.form.value() === "string" ? this.form.value() : write(this.form.value(), 2) ?? "";
		if (now === "form" && (before === "json" || before === "text")) {
			const value = before === "text" ? this.area.value : this.parsed();
			if (value === undefined) return void (this.select.value = before);
			this.build(value);
		}
		this.show(now);
	}

	parsed(quiet = false) {
		mended(this.area, this.problem);
		try {
			return read(this.area.value);
		} catch (err) {
			if (!(err instanceof JSONError)) throw err;
			if (!quiet) broken(this.t, this.area, this.problem, err);
			return undefined;
		}
	}

	async value(quiet = false) {
		if (this.kind === "form") return this.form.value();
		if (this.kind === "json") return this.parsed(quiet);
		if (this.kind === "text") return this.area.value;
		this.problem.textContent = this.file.files.length ? "" : this.t("noFile");
		return this.file.files.length ? new Uint8Array(await this.file.files[0].arrayBuffer()) : undefined;
	}

	judge(value) {
		const faults = !this.arg || value === undefined ? [] : check(this.arg.schema, value, this.resolve);
		this.faulty = faults.length > 0;
		const own = this.kind === "form" && $('[aria-invalid="true"]', this.place); // the form says it where it is
		this.rules.replaceChildren(...(own ? [] : faults.slice(0, 10)).map(({ path, text }) => el("li", {}, path && el("code", {}, path), path && " ", text)));
		return faults.length;
	}

	focus(fault = false) {
		if (this.kind === "form") fault ? this.form.focusFault() : this.form.focusFirst();
		else (this.kind === "file" ? this.file : this.area).focus();
	}
}
