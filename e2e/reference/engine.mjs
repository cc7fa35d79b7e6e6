import { attach } from "engine.io";
import { stretch } from "../lib/patience.mjs";

/** Profiles engine and, with clients of revision 3, engine3: Engine.IO alone, an echo. */
export function engineProfile(http, profile) {
  const engine = attach(http, { pingInterval: stretch(300), pingTimeout: stretch(200), maxHttpBufferSize: 1e6, cors: { origin: "*" }, allowEIO3: profile === "engine3" });
  engine.on("connection", (socket) => socket.on("message", (data) => socket.send(data)));
  return engine;
}

/** Profile engine-client: what the official Engine.IO client's own tests ask for. */
export function engineClientProfile(http) {
  const engine = attach(http, {
    pingInterval: stretch(500), maxHttpBufferSize: 100,
    allowRequest: (req, fn) => (new URL(req.url, "http://x").searchParams.has("deny") ? fn("denied", false) : fn(null, true)),
  });
  engine.on("initial_headers", (headers) => {
    headers["set-cookie"] = ["1=1; Max-Age=86400", "2=2; Path=/; HttpOnly; Secure; SameSite=Strict", "3=3; Max-Age=0",
      `4=4; Expires=${new Date().toUTCString()}`];
  });
  engine.on("connection", (socket) => {
    socket.send("hi");
    socket.on("message", (data) => {
      if (data === "give binary") return socket.send(Buffer.from([0, 1, 2, 3, 4]));
      if (data === "give utf8") return socket.send("пойду спать всем спокойной ночи");
      if (data === "sendHeaders") return socket.send(JSON.stringify((socket.transport.dataReq ?? socket.request).headers));
      socket.send(data);
    });
  });
  return engine;
}
