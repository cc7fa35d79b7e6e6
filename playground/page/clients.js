// The official client in the version that is asked for, as the function io. Both put that name on the window; each is taken from there
// as it comes, so that they stand side by side.

let line = Promise.resolve(); // one after the other
const loaded = new Map();

/** Loads a client; path is where this server has Socket.IO. Thrown is an Error with what the server says about a missing one. */
export function client(version, path) {
	if (!loaded.has(version)) loaded.set(version, line = line.catch(() => {}).then(() => first(version === "2.5" ? ["client/2.js"] : ["client/4.js", path + "socket.io.min.js"])));
	const io = loaded.get(version);
	io.catch(() => loaded.delete(version)); // ask again next time
	return io;
}

async function first(addresses) {
	let why;
	for (const address of addresses) {
		const res = await fetch(address);
		if (res.ok) return script(address);
		why ??= await res.text();
	}
	throw new Error(why);
}

function script(src) {
	return new Promise((resolve, reject) => {
		const node = document.createElement("script");
		node.src = src;
		node.onload = () => {
			const { io } = window;
			delete window.io;
			node.remove();
			resolve(io);
		};
		node.onerror = () => reject(new Error(src));
		document.head.append(node);
	});
}
