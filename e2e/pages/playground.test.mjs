// The playground, as somebody tries out a server with it: ours, Node's, and what is none.
import { after, before, describe, test } from "node:test";
import assert from "node:assert/strict";
import http from "node:http";
import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { Server } from "socket.io";
import { startBrowser, startProgram } from "../lib/program.mjs";
import { lastPoll, leave, says, until, visit } from "./visit.mjs";

// What a page copies, apart from what others copy at the same time.
async function copies(world) {
  const page = await visit(world, "playground/");
  await page.evaluate(() => { navigator.clipboard.writeText = async (text) => { window.copied = text; }; });
  return page;
}

const space = (page, name) => page.locator("#spaces").getByRole("button", { name, exact: true });

describe("playground", { concurrency: 2 }, () => {
  const world = {};
  before(async () => { [world.program, world.browser] = await Promise.all([startProgram("--log", "error", "--allow-eio3"), startBrowser()]); });
  after(async () => {
    await world.browser.close();
    assert.equal((await world.program.stop()).code, 0, world.program.log());
  });

  test("connect, emit, ack, binary, the wire, a share link", async () => {
    const page = await copies(world);
    await page.click("#connect");
    await says(page, "#timeline li.down", "hello");
    const cut = () => page.locator("#args textarea").evaluate((area) => area.scrollHeight - area.clientHeight);
    assert.ok(await cut() <= 0, "the argument it begins with is cut off");
    await page.locator("#args textarea").fill('{\n"a": 1,\n"b": 2,\n"c": 3\n}');
    assert.ok(await cut() <= 0, "what was written is cut off");
    await page.locator("#args textarea").fill('{"你好": [1, null]}');
    await page.click("#more");
    await page.locator("#args select").nth(1).selectOption("file");
    await page.locator("#args input[type=file]").nth(1).setInputFiles({ name: "x", mimeType: "", buffer: Buffer.from([1, 2, 3]) });
    await page.click("#send");
    await says(page, "#timeline li.down", /echo ← ack · \d+ ms {"你好":\[1,null\]}\s+<3 bytes>/);

    await page.locator("#frames button:has(.count)").first().click();
    await says(page, "#anatomy dd", "Socket.IO BINARY_EVENT");
    await says(page, "#anatomy dd", "how many binary attachments follow");
    await says(page, "#anatomy dd", "an ack is wanted");
    await says(page, "#anatomy pre", /^0000 {2}34 35 31 2d 2f 70/);

    await page.click("[data-as=link]");
    await says(page, "#copied", "Link copied");
    const link = await page.evaluate(() => window.copied);
    await page.fill("#search", "你好");
    await until(page, () => [...document.querySelectorAll("#timeline li:not([hidden])")].every((li) => li.textContent.includes("你好")));
    await page.fill("#search", "");
    await page.fill("#only", "nothing");
    await until(page, () => document.querySelectorAll("#timeline li.down:not([hidden])").length === 0);
    const download = page.waitForEvent("download");
    await page.click("#export");
    assert.equal((await download).suggestedFilename(), "timeline.json");

    const other = await visit(world, link.slice(link.indexOf("playground/")));
    assert.equal(await other.locator("#args textarea").first().inputValue(), '{"你好":[1,null]}');
    await leave(other);
    await leave(page);
  });

  test("the server's namespaces, and what is none", async () => {
    const page = await visit(world, "playground/");
    await page.locator("#known option").first().waitFor({ state: "attached" });
    const names = await page.locator("#known option").evaluateAll((all) => all.map(({ value }) => value));
    assert.ok(names.includes("/") && names.includes("/acks-careful") && !names.includes("/welcome"), names.join(" "));
    const asked = new Set();
    page.on("request", (it) => asked.add(new URL(it.url()).host));
    page.on("websocket", (it) => asked.add(new URL(it.url()).host));
    const join = async (text, joined) => {
      await page.click("#clear");
      await page.fill("#namespace", text);
      await page.click("#connect");
      if (joined) {
        await says(page, "#timeline li.info", "connect");
        assert.equal(await page.inputValue("#namespace"), joined);
      }
    };
    for (const name of names) await join(name, name);
    for (const [text, joined] of [["chat", "/chat"], ["//chat", "/chat"], [" echo ", "/echo"], ["", "/"], [new URL("chat", world.program.url).href, "/chat"]]) {
      await join(text, joined);
      await says(page, "#namespace-problem", "taken as " + joined);
    }
    for (const [text, why] of [["http://other.example/chat", "address of a server"], ["other.example", "address of a server"], ["//other.example/chat", "address of a server"], ["localhost:1/chat", "address of a server"], ["[::1]:1", "address of a server"], ["/chat /echo", "One namespace"], ["/chat,/echo", "One namespace"], ["/chat?a=1", "query below"]]) {
      await join(text);
      await says(page, "#namespace-problem", why);
      assert.equal(await page.getAttribute("#namespace", "aria-invalid"), "true");
    }
    await join("chta");
    await says(page, "#cause", "Did you mean /chat?");
    assert.deepEqual([...asked], [new URL(world.program.url).host]);
    await leave(page, { expected: [lastPoll] });
  });

  test("garbage is marked where it breaks, a refusal and a silence are shown", async () => {
    const page = await visit(world, "playground/", { viewport: { width: 390, height: 800 }, colorScheme: "dark" });
    for (const [text, where] of [['{"a": tru}', "line 1, column 7"], ["[1,\n2,, 3]", "line 2, column 3"], ['{"a" 1}', "expected a colon"], ['"x', "expected a closing quote"], ["1 2", "expected the end"], ["", "expected a value"], ['{"a":1,}', "double quotes"], ["[01]", "column 2"]]) {
      await page.locator("#auth").evaluate((area) => area.closest("details").setAttribute("open", ""));
      await page.fill("#auth", text);
      await page.click("#connect");
      await says(page, "#auth-problem", where);
      assert.equal(await page.locator("#auth").getAttribute("aria-invalid"), "true");
    }
    await page.fill("#auth", '{"refuse": true}');
    await page.click("#connect");
    await says(page, "#timeline li.info", "you asked to be refused");
    await says(page, "#state", "Refused");
    await page.fill("#auth", "{}");
    await page.click("#connect");
    await says(page, "#timeline li.down", "hello");
    await page.fill("#event", "silence");
    await page.fill("#timeout", "300");
    await page.click("#send");
    await says(page, "#timeline li.info", "no ack within 300 ms");
    await page.fill("#namespace", "/nowhere");
    await page.click("#connect");
    await says(page, "#timeline li.info", "Invalid namespace");
    await says(page, "#cause", "It has: ");
    await leave(page, { expected: [lastPoll] });
  });

  test("two connections side by side, with the client of today and the old one", async () => {
    const page = await visit(world, "playground/");
    await page.click("#connect");
    await says(page, "#timeline li.down", "hello");
    await page.click("#another");
    await page.selectOption("#version", "2.5");
    await page.click("#connect");
    await until(page, () => document.querySelectorAll('.slot[data-state="on"]').length === 2);
    assert.deepEqual(await page.locator(".slot bdi").allInnerTexts(), ["/playground · 4.8", "/playground · 2.5"]);
    await page.click("#send");
    await says(page, "#timeline li.down:has(.nr:text-is('2'))", /echo ← ack/);
    await page.click(".slot:has-text('4.8')");
    assert.equal(await page.inputValue("#version"), "4.8");
    await page.click("#send");
    await says(page, "#timeline li.down:has(.nr:text-is('1'))", /echo ← ack/);
    await page.check("#mine");
    await until(page, () => [...document.querySelectorAll("#timeline li:not([hidden]) .nr")].every((it) => it.textContent === "1"));
    await page.getByRole("button", { name: "Close connection 2" }).click();
    await until(page, () => document.querySelectorAll(".slot").length === 1);
    await page.click("#send");
    await leave(page, { expected: [lastPoll] });
  });

  test("the server's events: documented, a form with a sample for each, answers", async () => {
    const page = await copies(world);
    await space(page, "/chat").click();
    await says(page, "#heard", "Seat: { name: string, room: string }");
    await says(page, "#said", "People says to a room who is in it.");
    await page.click("#connect");
    await page.click("#heard button:has-text('join')");
    await says(page, "#event-doc", "Answers:");
    await page.getByLabel("room", { exact: true }).fill("playground");
    await page.click("#send");
    await says(page, "#timeline li.down", /join ← ack · \d+ ms \{"room":"playground","name":"Ann"/);
    for (const [as, text] of [["javascript", 'emit("join", { name: "Ann", room: "playground" }'], ["typescript", "type Socket"], ["go", 'EmitWithAck(ctx, "join", map[string]any{'], ["python", 'client.call("join"'], ["shell", `sockeye emit --namespace /chat --ack --timeout 5000ms -- ${new URL(world.program.url).origin} join '`]]) {
      await page.click(`[data-as=${as}]`);
      await says(page, "#copied", "Copied as");
      const copied = await page.evaluate(() => window.copied);
      assert.ok(copied.includes(text), `${as}: ${copied}`);
    }
    await page.locator("#args select").selectOption("json"); // the same as JSON, and back
    assert.deepEqual(JSON.parse(await page.locator("#args textarea.code:visible").inputValue()), { name: "Ann", room: "playground" });
    await page.locator("#args textarea.code:visible").fill('{"name":"Ben","room":"here"}');
    await page.locator("#args select").first().selectOption("form");
    assert.equal(await page.getByLabel("name", { exact: true }).inputValue(), "Ben");
    // An argument for every event of every namespace, which no rule complains about.
    for (const name of await page.locator("#spaces button").allInnerTexts()) {
      await space(page, name).click();
      await page.locator('#spaces [aria-pressed="true"]', { hasText: name }).waitFor();
      for (const button of await page.locator("#heard button").all()) {
        await button.click();
        assert.equal(await page.locator('#args [aria-invalid="true"]').count(), 0, name);
      }
    }
    assert.ok(await page.locator("#differs").isHidden(), await page.locator("#differs").innerText());
    await leave(page);
  });

  test("several arguments, a list that the server answers; binary up and down", async () => {
    const page = await visit(world, "playground/");
    await space(page, "/acks").click();
    await page.click("#connect");
    await page.click("#heard button:has-text('order')");
    assert.deepEqual(await page.locator("#args .arg .name").allInnerTexts(), ["id", "mood"]);
    await page.click("#send");
    await says(page, "#timeline li.down", "order ← ack");
    await space(page, "/binary").click();
    await page.click("#connect");
    await until(page, () => document.querySelector("#state").dataset.state === "on");
    await page.click("#heard button:has-text('join')");
    await page.click("#send");
    await says(page, "#timeline li.down", "join ← ack");
    await page.click("#heard button:has-text('show')");
    await page.click("#send"); // "Hello", which is no picture: that is said, and as described
    await says(page, "#timeline li.down", /show ← ack .*no_picture/);
    await says(page, "#frames .part.binary", "5 bytes");
    assert.equal(await page.locator("#timeline li.warn").count(), 0);
    await leave(page, { expected: [lastPoll] });
  });

  test("what breaks a rule is not sent unasked, and is told in the rule's words", async () => {
    const page = await visit(world, "playground/");
    await page.click("#connect");
    await says(page, "#timeline li.down", "hello");
    await page.click("#heard button:has-text('slow')");
    await page.locator("#args select").first().selectOption("json");
    await page.locator("#args textarea.code:visible").fill("1.5");
    await page.click("#send");
    await says(page, "#held", "Not sent");
    await says(page, "#args .rules", "This must be a whole number");
    assert.equal(await page.locator("#timeline li.up").count(), 0);
    await page.click("#anyway");
    await says(page, "#timeline li.up", "slow 1.5");
    await page.locator("#args textarea.code:visible").fill("10");
    await page.click("#more");
    await page.click("#send");
    await says(page, "#args-problem", "Arguments of slow: 1.");
    await page.locator("#args li button").nth(1).click();
    await page.click("#send");
    await says(page, "#timeline li.down", /slow ← ack · \d+ ms done/);
    await page.fill("#event", "something of my own"); // what is not described goes as it is
    await page.click("#send");
    await says(page, "#timeline li.up", "something of my own");
    await leave(page);
  });

  test("what was sent is kept, named, exported and imported, also after the page is gone", async () => {
    const page = await visit(world, "playground/", { acceptDownloads: true });
    await page.click("#connect");
    await space(page, "/playground").click();
    await page.click("#heard button:has-text('slow')");
    await page.click("#send");
    await says(page, "#past-title", "History (1)");
    await page.fill("#keep-name", "a slow one");
    await page.keyboard.press("Enter");
    await says(page, "#named", "a slow one");
    await page.getByRole("button", { name: "Rename a slow one" }).click();
    await page.keyboard.type("slower");
    await page.keyboard.press("Enter");
    await says(page, "#named .name", "slower");
    const download = page.waitForEvent("download");
    await page.click("#export-requests");
    const text = await readFile(await (await download).path(), "utf8");
    assert.equal(JSON.parse(text).requests[0].name, "slower");
    await page.reload();
    await page.locator("#connect:enabled").waitFor();
    await page.click("#named .request");
    assert.equal(await page.inputValue("#event"), "slow");
    await says(page, "#args .arg", "ms");
    await page.getByRole("button", { name: "Remove slower" }).click();
    await until(page, () => !document.querySelector("#named li"));
    await page.setInputFiles("#import-file", { name: "x.json", mimeType: "application/json", buffer: Buffer.from(text) });
    await says(page, "#kept-says", "Imported: 1.");
    await says(page, "#named .name", "slower");
    await page.setInputFiles("#import-file", { name: "x.json", mimeType: "application/json", buffer: Buffer.from("{}") });
    await says(page, "#kept-says", "not exported from a playground");
    await page.click("#past-title");
    await page.click("#forget");
    await until(page, () => document.querySelector("#past").hidden);
    await leave(page);
  });

  const node = async (options, handle) => {
    const server = http.createServer(handle ?? ((req, res) => res.writeHead(404).end()));
    const io = new Server(server, options);
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    return { io, url: `http://127.0.0.1:${server.address().port}`, close: () => new Promise((done) => io.close(done)) };
  };
  const origin = () => new URL(world.program.url).origin;

  test("Node's server: without a description as before; another path, auth, query, headers", async () => {
    const { io, url, close } = await node({ path: "/live/", cors: { origin: origin(), allowedHeaders: ["x-team"] }, allowEIO3: true });
    io.of("/den").on("connection", (socket) => {
      const { auth, query, headers } = socket.handshake;
      socket.emit("hi", auth, query.q, headers["x-team"] ?? null);
      socket.on("twice", (a, b, ack) => ack(a, b));
      socket.emit("question", 1, (answer) => socket.emit("got", answer));
    });
    const page = await visit(world, "playground/");
    for (const version of ["4.8", "2.5"]) {
      await page.fill("#url", url + "/den");
      await page.locator("#more-options").evaluate((it) => it.setAttribute("open", ""));
      await page.fill("#path", "live");
      await page.fill("#auth", '{"token":"t"}');
      await page.fill("#query", '{"q":"1"}');
      await page.fill("#headers", '{"x-team":"red"}');
      await page.selectOption("#version", version);
      await page.click("#connect");
      await says(page, "#url-problem", "the path of an address is a namespace: /den");
      await says(page, "#described", "no description of its events (/live/asyncapi.json: 400)");
      await says(page, "#timeline li.down", version === "4.8" ? 'hi {"token":"t"}  1  red' : 'hi {"q":"1"}  1  red');
      await says(page, "#timeline li.down", "got yes");
      await page.fill("#event", "twice");
      await page.locator("#args textarea").first().fill("[1]");
      await page.click("#more");
      await page.locator("#args li").nth(1).locator("textarea").fill('{"$base64":"AAEC"}');
      await page.click("#send");
      await says(page, "#timeline li.down", /twice ← ack · \d+ ms \[1\]\s+<3 bytes>/);
      await page.click("#args li:nth-child(2) button");
      await page.click("#clear");
    }
    await leave(page, { expected: [lastPoll, /40[04]|ERR_FAILED|CORS/] });
    await close();
  });

  test("a description that does not fit is said, and one that is hostile is only text", async () => {
    const hostile = '<img src=x onerror="document.title=1">\u202e';
    const described = { asyncapi: "3.0.0", info: { title: hostile, version: "1" }, channels: { den: { address: "/den", messages: {
      "receive.say": { name: "say", description: hostile, payload: { schemaFormat: "application/schema+json;version=draft-2020-12", schema: { type: "object", required: ["text"], properties: { text: { type: "string", minLength: 3, maxLength: 10, description: hostile }, loop: { $ref: "#/channels/den/messages/receive.say/payload/schema" } } } }, "x-arguments": "one" },
      "send.hi": { name: "hi", payload: { schemaFormat: "application/schema+json;version=draft-2020-12", schema: { type: "integer", maximum: 5 } }, "x-arguments": "one" } } } },
    operations: { a: { action: "receive", channel: { $ref: "#/channels/den" }, messages: [{ $ref: "#/channels/den/messages/receive.say" }] }, b: { action: "send", channel: { $ref: "#/channels/den" }, messages: [{ $ref: "#/channels/den/messages/send.hi" }] }, c: { action: "sing", channel: 5 } } };
    const { io, url, close } = await node({ cors: { origin: origin() } });
    for (const name of ["/den", "/other"]) io.of(name).on("connection", (socket) => {
      socket.emit("hi", 7);
      socket.emit("ho", hostile);
    });
    const page = await visit(world, "playground/");
    await page.locator("#connect:enabled").waitFor();
    await page.fill("#url", url);
    await page.fill("#namespace", "/den");
    await page.setInputFiles("#description", { name: "asyncapi.json", mimeType: "application/json", buffer: Buffer.from(JSON.stringify(described)) });
    await page.click("#heard button:has-text('say')");
    await says(page, "#differs summary", "1");
    await page.click("#connect");
    await says(page, "#timeline li.warn", "hi came with something else than described");
    await says(page, "#timeline li.warn", "ho has come, which the description does not have for /den");
    await page.locator("#args textarea:visible").first().fill("ab");
    await page.click("#send");
    await says(page, "#args", "At least 3 characters");
    await page.locator("#args textarea:visible").first().fill("abcd");
    await page.click("#send");
    await says(page, "#timeline li.up", "abcd");
    await page.fill("#namespace", "/other");
    await page.click("#connect");
    await says(page, "#timeline li.warn", "The description has no namespace /other.");
    assert.equal(await page.locator("main img").count(), 0);
    assert.match(await page.title(), /^Playground/);
    for (const text of ["{", "[]", '{"asyncapi":"2.6.0"}']) {
      await page.fill("#url", "http://127.0.0.1:1");
      await page.setInputFiles("#description", { name: "x.json", mimeType: "application/json", buffer: Buffer.from(text) });
      await says(page, "#described", "cannot be understood");
    }
    await leave(page, { expected: [lastPoll, /40[04]|ERR_FAILED|CORS/] });
    await close();
  });

  test("why it does not connect, and what to do", async () => {
    const plain = http.createServer((req, res) => res.writeHead(200, { "Access-Control-Allow-Origin": "*" }).end("<h1>shop</h1>")).listen(0, "127.0.0.1");
    await once(plain, "listening");
    const strict = await node({}), mine = await node({ cors: { origin: origin() } }), refuses = await node({ cors: { origin: origin() } });
    refuses.io.use((_, next) => next(Object.assign(new Error("no seat for you"), { data: { hint: "come back at nine" } })));
    const page = await visit(world, "playground/");
    await page.locator("#more-options").evaluate((it) => it.setAttribute("open", ""));
    const why = async (fields, ...texts) => {
      for (const [id, value] of Object.entries({ url: mine.url, path: "/socket.io/", namespace: "/", version: "4.8", ...fields })) await (id === "version" ? page.selectOption("#version", value) : page.fill("#" + id, value));
      await page.click("#connect");
      for (const text of texts) await says(page, "#cause", text);
      await page.click("#disconnect");
    };
    await why({ url: "http://127.0.0.1:1" }, "does not answer. Does it run?");
    await why({ url: `http://127.0.0.1:${plain.address().port}` }, "which is not Socket.IO");
    await why({ url: strict.url }, "does not let pages of", `origin: "${origin()}"`);
    await why({ path: "/wrong/" }, /does not let pages of|has it at \/socket.io\//);
    await why({ url: origin(), path: "/wrong/" }, "Change the path to /socket.io/");
    await why({ namespace: "/nowhere" }, 'the server needs io.of("/nowhere")');
    await why({ url: refuses.url }, "no seat for you", "come back at nine");
    await why({ version: "2.5" }, "Choose client 4.8");
    for (const [text, problem] of [["java" + "script:alert(1)", "begins with http://"], ["ftp://a", "begins with http://"], ["http://[", "no address"]]) {
      await page.fill("#url", text);
      await page.click("#connect");
      await says(page, "#url-problem", problem);
    }
    await leave(page, { expected: [/./] }); // the browser writes each refusal to its console
    await Promise.all([strict.close(), mine.close(), refuses.close()]);
    plain.closeAllConnections();
    plain.close();
  });

  test("the hex view is whole at 1280 px, and in 320 px; dark, Chinese, by keyboard", async () => {
    for (const look of [{ viewport: { width: 1280, height: 800 } }, { viewport: { width: 320, height: 700 }, lang: "zh-CN", colorScheme: "dark" }]) {
      const page = await visit(world, "playground/", look);
      await page.locator("#connect:enabled").press("Enter");
      await says(page, "#timeline li.down", "hello");
      await page.locator("#frames button:has(.namespace)").first().press("Enter");
      await says(page, "#anatomy pre", /^0000 /);
      assert.ok(await page.locator("#anatomy pre").evaluate((pre) => pre.scrollWidth <= pre.clientWidth), "the hex view is cut");
      const first = (await page.locator("#anatomy pre").innerText()).split("\n")[0];
      if (look.lang) {
        await says(page, "h1", "试验场");
        await says(page, "#heard-part", "服务器听得懂");
        await page.locator("#heard button:has-text('slow')").press("Enter");
        await page.locator("#args select").first().selectOption("json");
        await page.locator("#args textarea.code:visible").fill('"x"');
        await page.locator("#args textarea.code:visible").press("Control+Enter");
        await says(page, "#held", "没有发送");
        await says(page, "#args .rules", "应为整数");
      } else assert.ok(first.length > 60, first); // 16 bytes a line
      await leave(page);
    }
  });
});
