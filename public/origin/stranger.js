// Runs in a sandboxed frame: its origin is "null". It tries to connect, and tells the page around it how that went.
const ws = new WebSocket(location.protocol.replace("http", "ws") + "//" + location.host + "/socket.io/?EIO=4&transport=websocket");
ws.onopen = () => parent.postMessage("open", "*");
ws.onerror = () => parent.postMessage("error", "*");
