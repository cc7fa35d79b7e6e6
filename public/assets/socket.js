// A browser WebSocket to this server that comes back by itself, for the demos without Socket.IO. What is sent while there is no
// connection waits, up to a hundred messages.

export const wsURL = (path) => `${location.protocol.replace("http", "ws")}//${location.host}${path}`;

export function endless(path, { open, message, close }) {
	const waiting = [];
	let ws, wait = 400;
	const dial = () => {
		ws = new WebSocket(wsURL(path));
		ws.binaryType = "arraybuffer";
		ws.onopen = (event) => {
			wait = 400;
			open?.(event);
			for (const value of waiting.splice(0)) ws.send(value);
		};
		ws.onmessage = message;
		ws.onclose = (event) => {
			close?.(event);
			setTimeout(dial, wait = Math.min(wait * 2, 5000));
		};
	};
	dial();
	return { send: (value) => (ws.readyState === WebSocket.OPEN ? ws.send(value) : waiting.length < 100 && waiting.push(value)) };
}
