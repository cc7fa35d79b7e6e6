// Forms made of schemas, in a page that has nothing else: the playground's own use of them is in tools.mjs.
import { test } from "node:test";
import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { leave, visit } from "./visit.mjs";

const parts = new URL("../../playground/page/", import.meta.url);

/** A page with a form for schema. In it, made is the form and changes is what it has told. */
async function formFor(world, schema, value, { document = {}, lang = "en", ...options } = {}) {
  const page = await visit(world, "docs/", options);
  await page.route("**/forms/**", async (route) => {
    const name = new URL(route.request().url()).pathname.split("/").pop();
    if (name) return route.fulfill({ contentType: name.endsWith(".css") ? "text/css" : "text/javascript", body: await readFile(new URL(name, parts)) });
    return route.fulfill({ contentType: "text/html", body: `<!doctype html><html lang="${lang}"><title>Form</title><link rel="icon" href="/assets/fish.svg"><link rel="stylesheet" href="/assets/style.css"><link rel="stylesheet" href="forms.css"><body><main><h1>Form</h1></main></body></html>` });
  });
  await page.goto(world.program.url + "forms/");
  await page.evaluate(async ([schema, value, document]) => {
    const [{ form }, { resolver }, { sample }] = await Promise.all(["forms", "schema", "sample"].map((name) => import(`./${name}.js`)));
    const resolve = resolver(document);
    window.changes = [];
    window.made = form(schema, value ?? sample(schema, resolve), resolve, (now, faults) => window.changes.push([now, faults.length]), "order");
    globalThis.document.querySelector("main").append(window.made.element);
  }, [schema, value, document]);
  return page;
}
const now = (page) => page.evaluate(() => window.made.value());
const faults = (page) => page.evaluate(() => window.made.faults().map(({ path, text }) => `${path}: ${text}`));
/** What a screen reader says of a field besides its name. */
const described = (locator) => locator.evaluate((node) => node.getAttribute("aria-describedby").split(" ").map((id) => document.getElementById(id).textContent).filter(Boolean).join(" | "));

const order = {
  type: "object", description: "What is wanted.", required: ["name", "count", "how", "express", "tags", "at", "picture", "who"],
  properties: {
    name: { type: "string", minLength: 1, maxLength: 10, description: "Who wants it." }, count: { type: "integer", minimum: 1, maximum: 9 }, how: { enum: ["post", "by hand"] }, express: { type: "boolean" },
    tags: { type: "array", items: { type: "string", minLength: 2 }, minItems: 1, maxItems: 3 }, at: { type: "string", format: "date-time" }, picture: { type: "string", format: "binary" },
    who: { anyOf: [{ type: "object", title: "Person", required: ["email"], properties: { email: { type: "string", format: "email" } } }, { type: "null" }] },
    note: { type: ["string", "null"] }, more: { type: "object", additionalProperties: { type: "number" } }, any: {}, child: { $ref: "#/order" },
  },
};

export default function forms(world) {
  test("a form: what stands in it is the value, and what is wrong is said beside the field", async () => {
    const page = await formFor(world, order, undefined, { document: { order } });
    const field = (name) => page.getByLabel(name, { exact: true }).first();
    assert.deepEqual(await faults(page), []);
    assert.equal(await described(field("name")), "Who wants it.");

    await page.getByRole("checkbox", { name: "child" }).first().uncheck();
    assert.ok(!("child" in (await now(page))));
    await field("name").fill("");
    assert.equal(await described(field("name")), "Who wants it. | This must not be empty");
    assert.equal(await field("name").getAttribute("aria-invalid"), "true");
    await field("name").fill("Ann\nand Bob");
    assert.equal(await described(field("name")), "Who wants it. | At most 10 characters");
    await field("name").fill("Ann\n😀");
    assert.equal(await field("name").getAttribute("aria-invalid"), null);

    await field("count").fill("10");
    assert.equal(await described(field("count")), "This must be at most 9");
    await field("count").fill("");
    assert.deepEqual(await faults(page), ["count: This is missing"]);
    await field("count").pressSequentially("1e");
    assert.deepEqual(await faults(page), ["count: This must be a number"]);
    assert.equal(await page.evaluate(() => { window.made.focusFault(); return document.activeElement.labels[0].textContent; }), "count");
    await field("count").fill("3");

    await field("how").selectOption("by hand");
    await field("express").uncheck();
    await field("at").fill("2026-02-03T04:05:06.789");

    // Lists: the focus goes where one goes on.
    await page.getByRole("button", { name: "Add to tags" }).click();
    assert.equal(await page.evaluate(() => document.activeElement.labels[0].textContent), "Item 2");
    await page.keyboard.type("x");
    await page.getByRole("button", { name: "Add to tags" }).click();
    assert.ok(await page.getByRole("button", { name: "Add to tags" }).isDisabled());
    await page.getByLabel("Item 2", { exact: true }).fill("x");
    assert.deepEqual(await faults(page), ["tags[1]: At least 2 characters"]);
    assert.equal(await described(page.getByLabel("Item 2", { exact: true })), "At least 2 characters");
    await page.getByRole("button", { name: "Remove Item 1" }).first().click();
    assert.deepEqual(await faults(page), ["tags[0]: At least 2 characters"]);
    assert.equal(await page.evaluate(() => document.activeElement.ariaLabel), "Remove Item 1");
    await page.getByRole("button", { name: "Remove Item 1" }).first().click();
    assert.deepEqual(await faults(page), []);
    assert.ok(await page.getByLabel("Item 1", { exact: true }).first().isVisible());

    // Bytes, three ways.
    await field("picture").fill("00 ff 7");
    assert.match((await faults(page)).join(), /^picture: Hexadecimal/);
    await field("picture").fill("00 ff7f");
    assert.deepEqual(await page.evaluate(() => [...window.made.value().picture]), [0, 255, 127]);
    await page.getByLabel("Form of picture").first().selectOption("text");
    await field("picture").fill("é");
    assert.deepEqual(await page.evaluate(() => [...window.made.value().picture]), [0xc3, 0xa9]);
    await page.getByLabel("Form of picture").first().selectOption("file");
    await page.locator("input[type=file]").first().setInputFiles({ name: "x", mimeType: "x/y", buffer: Buffer.from([1, 2, 3, 4]) });
    await page.waitForFunction(() => window.made.value().picture.length === 4);

    // Unions, members that may be missing, and those with names of anybody's.
    assert.equal((await now(page)).who.email, "ann@example.com");
    await page.getByLabel("email").first().fill("ann@");
    assert.deepEqual(await faults(page), ["who.email: This must be an e-mail address"]);
    await field("who").selectOption("null");
    assert.deepEqual([(await now(page)).who, await faults(page)], [null, []]);
    await page.getByRole("checkbox", { name: "note" }).first().uncheck();
    assert.ok(!("note" in await now(page)));
    await page.getByRole("button", { name: "Add to more" }).click();
    await page.keyboard.type("__proto__");
    assert.deepEqual(await page.evaluate(() => Object.keys(window.made.value().more)), ["key1", "__proto__"]);
    await page.getByLabel("Name", { exact: true }).nth(1).fill("key1");
    assert.deepEqual(await faults(page), Array(2).fill("more.key1: There is one of this name already"));
    await page.getByRole("button", { name: "Remove key2" }).click();
    await page.getByRole("checkbox", { name: "any" }).first().setChecked(true);
    await page.getByRole("textbox", { name: "JSON" }).first().fill('{"a": [1, ');
    assert.match((await faults(page)).join(), /^any: This is not JSON/);
    await page.getByRole("textbox", { name: "JSON" }).first().fill('{"a": [1, 2]}');
    const value = await now(page);
    assert.deepEqual({ ...value, picture: 0, at: 0, more: 0 }, { name: "Ann\n😀", count: 3, how: "by hand", express: false, tags: ["text"], at: 0, picture: 0, who: null, more: 0, any: { a: [1, 2] } });
    assert.equal(value.at, await page.evaluate(() => new Date("2026-02-03T04:05:06.789").toISOString()));
    assert.deepEqual(await page.evaluate(() => window.changes.at(-1)[1]), 0);
    await page.evaluate(() => window.made.focusFirst());
    assert.equal(await page.evaluate(() => document.activeElement.labels[0].textContent), "name");
    if (process.env.SHOT) await page.screenshot({ path: process.env.SHOT, fullPage: true });
    await leave(page);
  });

  test("a form of anybody's schema stays a form, and its text a text", async () => {
    const nasty = '<img src=x onerror="window.pwned = true"> مرحبا';
    const loop = { type: "object", title: nasty, description: nasty, required: ["again", "__proto__", nasty], properties: { again: { $ref: "#/loop" }, [nasty]: { anyOf: [{ enum: [nasty] }, { type: "array", items: { $ref: "#/loop" } }] } } };
    const wide = { type: "object", properties: Object.fromEntries(Array.from({ length: 3000 }, (_, i) => ["m" + i, { type: "array", items: { type: "object", properties: { a: {} } }, minItems: 1e9 }])) };
    const page = await formFor(world, { type: "array", prefixItems: [{ $ref: "#/loop" }, { $ref: "#/wide" }, { $ref: "#/none" }, { type: ["x", 5, null], enum: 5, properties: 7 }, false], minItems: 5 }, undefined, { document: { loop, wide }, lang: "zh-CN", viewport: { width: 360, height: 700 } });
    assert.ok(await page.evaluate(() => document.querySelectorAll("input, select, textarea").length) < 2000);
    assert.equal(await page.evaluate(() => [...document.querySelectorAll("main *")].filter((node) => /^(IMG|SCRIPT)$/.test(node.tagName)).length), 0);
    assert.equal(await page.evaluate(() => window.pwned), undefined);
    assert.equal((await now(page)).length, 5);
    for (const box of (await page.locator("select:visible").all()).slice(0, 6)) await box.selectOption({ index: 1 }).catch(() => {});
    assert.match(await page.locator("main").textContent(), /添加/);
    await leave(page);
  });
}
