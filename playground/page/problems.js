// Says in the reader's language where JSON breaks, below the field that it stands in, and puts the cursor there.

import { $ } from "./assets/dom.js";

export function broken(t, area, problem, err) {
	area.setAttribute("aria-invalid", "true");
	area.closest("details")?.setAttribute("open", "");
	problem.textContent = `${err.excerpt}\n${t("broken", { line: err.line, column: err.column, wanted: t(err.wanted) })}`;
	area.focus();
	area.setSelectionRange(err.at, err.at + 1);
}

export function mended(area, problem) {
	problem.textContent = "";
	area.removeAttribute("aria-invalid");
}

/** Says text below the field called id, "" for nothing; it is marked if there is something wrong. */
export function tell(id, text, wrong = false) {
	$(`#${id}-problem`).textContent = text;
	if (wrong) $("#" + id).setAttribute("aria-invalid", "true");
	else $("#" + id).removeAttribute("aria-invalid");
}
