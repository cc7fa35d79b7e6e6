// The conformance server on Node's own socket.io: the same profiles as e2e/fixture, so that every
// suite can be run against both. Where a suite passes on one and fails on the other, the text of the
// profiles decides.
import { createServer } from "node:http";
import { once } from "node:events";
import { engineProfile, engineClientProfile } from "./engine.mjs";
import { mainProfile } from "./main-profile.mjs";
import { feathersProfile } from "./feathers.mjs";
import { protocolProfile, clientProfile } from "./small-profiles.mjs";

const profiles = {
  main: mainProfile, strict: mainProfile, recovery: mainProfile, msgpack: mainProfile, jsonp: mainProfile, deflate: mainProfile,
  engine: engineProfile, engine3: engineProfile, "engine-client": engineClientProfile,
  protocol: protocolProfile, client: clientProfile, feathers: feathersProfile,
};

const profile = process.env.PROFILE ?? "main";
const http = createServer((req, res) => {
  const answer = (status, body, type = "text/plain") => res.writeHead(status, { "content-type": type }).end(body);
  if (req.url === "/healthz") return answer(200, "ok");
  if (req.url === "/stats" && server.stats) return answer(200, JSON.stringify(server.stats()), "application/json");
  if (req.url === "/account" && server.account) return answer(200, JSON.stringify(server.account()), "application/json");
  answer(404, "not found");
});
const server = await profiles[profile](http, profile);
http.listen(Number(process.env.PORT ?? 0));
await once(http, "listening");
console.log(`listening on port ${http.address().port}`);
process.once("SIGTERM", () => {
  server.close();
  http.close();
  http.closeIdleConnections();
  setTimeout(() => process.exit(0), 200);
});
