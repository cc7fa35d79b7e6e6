// Pages about plain WebSocket beside Socket.IO: counter, echo, sub-protocol.
import { test } from "node:test";
import assert from "node:assert/strict";
import { connected, leave, says, visit } from "./visit.mjs";

export default function (world) {
  test("counter: the page closes at ten, both ways", async () => {
    const page = await visit(world, "counter/");
    await connected(page);
    await page.click("#io-start");
    await page.click("#ws-start");
    await says(page, "#io-number", /^10$/);
    await says(page, "#ws-number", /^10$/);
    await says(page, "#io-says", "io client disconnect");
    await says(page, "#ws-says", "1000 ");
    await says(page, "#state", "Disconnected");
    await page.click("#io-start"); // and again
    await says(page, "#io-number", /^0$/);
    await leave(page);
  });

  test("echo: three programs, text and bytes, and text that stays text", async () => {
    const page = await visit(world, "echo/");
    await connected(page);
    await page.fill("#text", "<b>bold</b> 你好");
    await page.keyboard.press("Enter");
    for (const id of ["io", "echo"]) await says(page, `#${id} li.down`, "<b>bold</b> 你好");
    await says(page, "#append li.down", '"append":true');
    await says(page, "#grown p", "<b>bold</b> 你好");
    assert.equal(await page.locator("#grown b").count(), 0);
    await page.click("#bytes");
    for (const id of ["io", "echo"]) await says(page, `#${id} li.down`, "<16 bytes>");
    await leave(page);
  });

  test("sub-protocol: agreed, nothing in common, nothing offered", async () => {
    const page = await visit(world, "subprotocol/");
    const offer = async (names) => {
      for (const name of ["com.kaazing.echo", "com.example.chat", "v2.time"]) await page.locator(`[value="${name}"]`).setChecked(names.includes(name));
      await page.getByRole("button", { name: "Connect" }).click();
    };
    await offer(["com.kaazing.echo", "v2.time"]);
    await says(page, '#verdict[data-good="yes"]', "com.kaazing.echo");
    await page.fill("#text", "你好");
    await page.click("#send");
    await says(page, "#log li.down", /客户端发送的信息：你好,\d{13}/);
    await page.click("#close");
    await says(page, "#verdict", "1000");
    await offer(["v2.time"]);
    await says(page, '#verdict[data-good="no"]', "1006");
    await offer([]);
    await says(page, '#verdict[data-good="no"]', "4406: offer the sub-protocol com.kaazing.echo");
    await leave(page, { expected: [/Sent non-empty 'Sec-WebSocket-Protocol' header but no response/] });
  });
}
