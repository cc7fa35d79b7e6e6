// Stands between the Socket.IO client and the browser's XMLHttpRequest and WebSocket, to see requests while they are open. It must
// be set up before the first connection. each({ kind }) is called when one begins; what it sets as done and note is called later.

const ours = (url) => String(url).includes("/socket.io/");

export function observe(each) {
	globalThis.XMLHttpRequest = class extends XMLHttpRequest {
		open(method, url, ...rest) {
			if (ours(url)) this.seen = { kind: method === "POST" ? "post" : "get" };
			super.open(method, url, ...rest);
		}
		send(body) {
			const seen = this.seen;
			if (seen) {
				each(seen);
				this.addEventListener("loadend", () => {
					const text = seen.kind === "post" ? body : this.responseText;
					seen.done({ size: new Blob([text ?? ""]).size, text: short(text), ok: this.status === 200 });
				});
			}
			super.send(body);
		}
	};
	const send = WebSocket.prototype.send;
	const known = new WeakMap();
	// The client takes its WebSocket class when it is loaded, before this; the prototype is what it will use.
	WebSocket.prototype.send = function (data) {
		if (ours(this.url) && !known.has(this)) {
			const seen = { kind: "ws" };
			let size = 0, frames = 0;
			known.set(this, (payload) => {
				size += typeof payload === "string" ? payload.length : payload.byteLength ?? 0;
				seen.note?.(`${++frames} frames · ${short(payload)}`);
			});
			each(seen);
			this.addEventListener("message", (event) => known.get(this)(event.data));
			this.addEventListener("close", ({ code }) => seen.done({ size, text: `${frames} frames, close ${code}`, ok: true }));
		}
		known.get(this)?.(data);
		return send.call(this, data);
	};
}

const short = (text) => (typeof text === "string" ? (text.length > 44 ? text.slice(0, 44) + "…" : text).replaceAll("\u001e", " ␞ ") : "binary");
