// Pages about what goes wrong, or might: lifecycle, polling, acks, origin, recovery.
import { test } from "node:test";
import assert from "node:assert/strict";
import { connected, lastPoll, leave, says, until, visit } from "./visit.mjs";

export default function (world) {
  test("lifecycle: every button causes its row", async () => {
    const page = await visit(world, "lifecycle/");
    await connected(page);
    const times = (table, row) => page.locator(`#${table} [data-row="${row}"] .count`);
    const cause = async (table, row, last, { press = row } = {}) => {
      const before = Number(await times(table, row).innerText());
      await page.locator(`#${table} [data-row="${press}"] button`).click();
      await until(page, ([t, r, n]) => Number(document.querySelector(`#${t} [data-row="${r}"] .count`).textContent) > n, [table, row, before]);
      if (last) await says(page, `#${table} [data-row="${row}"]`, last);
    };
    await cause("io", "hello", "hello over");
    await cause("io", "question", "are you there?");
    await cause("io", "dropped", "transport close");
    await until(page, () => document.querySelector('#io [data-row="reconnect"] .count').textContent === "1");
    await connected(page);
    await cause("io", "kicked", "io server disconnect");
    await cause("io", "connect");
    await cause("io", "left", "io client disconnect");
    await cause("io", "connect_error", "not this time");
    await cause("io", "connect");
    await cause("ws", "message", "hello");
    await cause("ws", "close", "1000");
    await cause("ws", "open");
    await cause("ws", "error", undefined);
    await leave(page, { expected: [/ws\/nowhere/, lastPoll] });
  });

  test("polling: requests, the upgrade, and staying without it", async () => {
    const page = await visit(world, "polling/");
    await says(page, "#state", "websocket");
    await says(page, "#river .mark", "upgraded");
    assert.ok(await page.locator("#river .span.ws").count() === 1);
    await page.click('[data-mode="polling"]');
    await says(page, "#state", "polling");
    await page.click("#shout");
    await says(page, "#river .span.post:not(.open) i", "shout");
    await says(page, "#river .span.get:not(.open) i", "heard");
    assert.equal(await page.locator("#river .span.ws").count(), 0);
    await page.click('[data-mode="websocket"]');
    await says(page, "#state", "websocket");
    await until(page, () => document.querySelectorAll("#river .span.ws").length === 1);
    assert.equal(await page.locator("#river .span.get").count(), 0);
    await leave(page, { expected: [lastPoll] });
  });

  test("acks: at most once, a timeout, at least once", async () => {
    const page = await visit(world, "acks/");
    await connected(page);
    const row = (kind, text) => says(page, `#arrows li.${kind}`, text);
    await page.click("#once");
    await row("there.good", "#1: done once");
    await page.click("#timed");
    await row("here.good", "#2: it was done");
    await page.check("[value=silent]");
    await page.click("#timed");
    await row("there.good", "#3: done once");
    await row("here.bad", "#3: timeout");
    await page.check("[value=second]");
    await page.click("#least");
    await row("up", "#4 once more");
    await row("there.bad", "#4: came 2 times");
    await row("here.good", "#4: it was done");
    await page.getByRole("button", { name: "Cut the network" }).click();
    await page.click("#once");
    await row("up.gone", "#5"); // and never arrives
    await page.check("[value=answer]");
    await page.click("#least");
    await row("here.bad", "#6: no connection");
    await page.getByRole("button", { name: "Mend the network" }).click();
    await row("here.good", "#6: it was done");
    assert.ok(!(await page.locator("#arrows").innerText()).includes("#5: done"));
    await leave(page);
  });

  test("origin: this page is let in, a stranger is not, nor are others", async () => {
    const page = await visit(world, "origin/");
    await says(page, '#own[data-good="yes"]', "let in");
    await page.click("#again");
    await says(page, '#stranger[data-good="no"]', "refused");
    const outcome = (origin) => page.locator("#rows tr", { has: page.locator("td:first-child", { hasText: new RegExp(`^${origin.replaceAll(".", "\\.")}$`) }) }).first().locator("td").nth(1);
    await outcome("null").waitFor();
    for (const [origin, want] of [["https://evil.example", "refused · 403"], ["null", "refused · 403"], [new URL(world.program.url).origin, "let in"]]) {
      await outcome(origin).waitFor();
      assert.equal(await outcome(origin).innerText(), want, origin);
    }
    for (const transport of ["polling", "websocket"]) {
      await page.selectOption("#transport", transport);
      await page.fill("#origin", `https://${transport}.example`);
      await page.getByRole("button", { name: "Try", exact: true }).click();
      await outcome(`https://${transport}.example`).waitFor();
      assert.equal(await outcome(`https://${transport}.example`).innerText(), "refused · 403");
    }
    await leave(page, { expected: [/403.*stranger\.js/] });
  });

  test("recovery: what was missed comes back to one and not to the other", async () => {
    const page = await visit(world, "recovery/");
    await until(page, () => document.querySelectorAll("#with li").length >= 3 && document.querySelectorAll("#without li").length >= 3);
    await page.click("#cut");
    await says(page, "#away", /away for [2-9] s/);
    assert.equal(await page.locator("#with li.back").count(), 0);
    await page.click("#cut");
    await says(page, "#with-says", /recovered, [1-9]\d* came back/);
    await says(page, "#without-says", /a new session, [1-9]\d* missed/);
    await page.locator("#without li.lost").first().waitFor();
    assert.equal(await page.locator("#with li.lost").count(), 0);
    const numbers = await page.locator("#with li").evaluateAll((all) => all.map((li) => Number(li.textContent)));
    assert.deepEqual(numbers, numbers.map((_, i) => numbers[0] + i)); // none missing, none twice, in order
    await leave(page);
  });
}
