// What somebody writes for a namespace, made one: it begins with a slash and is part of this server. A host, or two namespaces at once,
// are none; taken for a URL, as the client does, they would have it ask another server.
//
//	namespaceOf("chat")              → { namespace: "/chat" }
//	namespaceOf("http://host/chat")  → { problem: "host" }      also "two", "query"

const host = /^[\w-]+(\.[\w-]+)+(:\d+)?(\/|$)|^[\w.-]+:\d+|^\[[\da-f:.]+\]|^localhost(\/|$)/i;

export function namespaceOf(text, here = location.origin) {
	let name = text.trim();
	if (URL.canParse(name) && new URL(name).origin === here) {
		const { pathname, search, hash } = new URL(name);
		name = pathname + search + hash; // an address of this server: what it names here
	}
	if (/^[a-z][a-z\d+.-]*:\/\//i.test(name) || (!name.startsWith("/") && host.test(name))) return { problem: "host" };
	if (/[\s,;]/.test(name)) return { problem: "two" };
	if (/[?#]/.test(name)) return { problem: "query" };
	name = "/" + name.replace(/^[/\\]+/, "");
	return host.test(name.slice(1)) && text.trim().startsWith("//") ? { problem: "host" } : { namespace: name };
}
