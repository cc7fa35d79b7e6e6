// The form for a connection: reads it, fills it, and says what in it is wrong.

import { $ } from "./assets/dom.js";
import { JSONError } from "./assets/json.js";
import { broken, mended, tell } from "./problems.js";
import { namespaceOf, objectOf, pathOf, serverOf } from "./target.js";

const here = location.origin;

/** What is asked for, corrected where it is clear what is meant; undefined, and told, when it is not. */
export function target(t) {
	const server = serverOf($("#url").value, here);
	if (server.problem) return refuse(t, "url", server.problem);
	let said = "";
	if (server.namespace) $("#namespace").value = server.namespace;
	if (server.path) $("#path").value = server.path;
	if (server.namespace || server.path) said = t(server.path ? "urlPath" : "urlNamespace", { url: server.url, path: server.path, namespace: server.namespace });
	tell("url", said);
	$("#url").value = server.url;

	const { namespace, problem } = namespaceOf($("#namespace").value, server.url);
	if (problem) return refuse(t, "namespace", problem);
	const corrected = namespace !== $("#namespace").value;
	tell("namespace", corrected ? t("taken", { namespace }) : "");
	$("#namespace").value = namespace;

	const objects = {};
	for (const id of ["auth", "query", "headers"]) {
		if ((objects[id] = object(t, id)) === undefined) return undefined;
	}
	return { url: server.url, path: ($("#path").value = pathOf($("#path").value)), namespace, ...objects, transports: $("#transports").value.split(","), version: $("#version").value };
}

function refuse(t, id, problem) {
	tell(id, t("no." + problem), true);
	$("#" + id).focus();
	return undefined;
}

function object(t, id) {
	const area = $("#" + id), says = $(`#${id}-problem`);
	mended(area, says);
	const { value, problem } = objectOf(area.value);
	if (problem instanceof JSONError) broken(t, area, says, problem);
	else if (problem) {
		area.closest("details").open = true;
		tell(id, t("noObject"), true);
		area.focus();
	}
	return value;
}

/** Writes a target into the form. */
export function fill(target) {
	for (const id of ["url", "path", "namespace", "version"]) $("#" + id).value = target[id];
	$("#transports").value = target.transports.join(",");
	for (const id of ["auth", "query", "headers"]) {
		$("#" + id).value = JSON.stringify(target[id]);
		tell(id, "");
	}
	$("#more-options").open ||= target.path !== "/socket.io/" || ["auth", "query", "headers"].some((id) => Object.keys(target[id]).length > 0);
	tell("url", "");
	tell("namespace", "");
}

/** A target from elsewhere, such as a link or a file, with what is missing or of another type as it is by default; never trusted further. */
export function sane(it) {
	const text = (value, otherwise) => (typeof value === "string" && value.length < 2000 ? value : otherwise);
	const object = (value) => (value !== null && typeof value === "object" && !Array.isArray(value) ? value : {});
	const transports = ["polling", "websocket"].filter((name) => it.transports?.includes?.(name));
	const server = serverOf(text(it.url, here), here);
	return {
		url: server.url ?? here, path: pathOf(text(it.path, "/socket.io/")), namespace: text(it.namespace, "/"), version: it.version === "2.5" ? "2.5" : "4.8",
		auth: object(it.auth), query: object(it.query), headers: object(it.headers), transports: transports.length ? transports : ["polling", "websocket"],
	};
}
