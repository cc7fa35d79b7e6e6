// Opens pages as people do, each in a browser context of its own, and gathers what they complain about.
import assert from "node:assert/strict";
import { AxeBuilder } from "@axe-core/playwright";
import { stretch, whole } from "../lib/patience.mjs";

/**
 * Visits a page. Console errors, exceptions and breaches of the Content-Security-Policy are kept until leave.
 * @param world {{program, browser}}
 */
export async function visit(world, path, { lang = "en-US", ...options } = {}) {
  const context = await world.browser.newContext({ locale: lang, viewport: { width: 1200, height: 900 }, reducedMotion: "reduce", ...options });
  const page = await context.newPage();
  const complaints = page.complaints = [];
  page.setDefaultTimeout(stretch(30_000));
  page.on("pageerror", (err) => complaints.push(String(err.stack ?? err)));
  page.on("console", (message) => message.type() === "error" && complaints.push(`${message.text()} ${message.location().url}`));
  await page.addInitScript(() => addEventListener("securitypolicyviolation", (event) => console.error("policy", event.violatedDirective, event.blockedURI)));
  await page.goto(world.program.url + path);
  return page;
}

/**
 * Where on the page text that is written from right to left could turn other words around: wherever it is not alone in an element with
 * a direction of its own (<bdi>, dir="auto").
 */
export const turned = (page) => page.evaluate(() => {
  const main = document.querySelector("main"), found = new Set();
  const isolates = (it) => it === main || it.localName === "bdi" || it.dir || /isolate|plaintext/.test(getComputedStyle(it).unicodeBidi);
  const apart = (text) => {
    let it = text.parentElement;
    while (!isolates(it)) it = it.parentElement;
    return it.textContent.trim() === text.data.trim();
  };
  const walk = document.createTreeWalker(main, NodeFilter.SHOW_TEXT);
  while (walk.nextNode()) {
    const own = walk.currentNode.parentElement;
    if (/[\u0590-\u06ff]/.test(walk.currentNode.data) && own.localName !== "textarea" && (own.children.length || !apart(walk.currentNode))) found.add(`${own.localName}.${own.className} ${own.textContent.slice(0, 40)}`);
  }
  return [...found];
});

/** What there is to see on the page that axe could judge otherwise: each element, as it stands in its parent, in these colours. */
const sights = (page) => page.evaluate(() => {
  const is = (it) => [it.localName, ...[...it.attributes].map(({ name, value }) => (/^(class|id|role|type|aria-|data-)/.test(name) && !/\d/.test(value) ? `${name}=${value}` : name)).sort()].join(" ");
  const colours = getComputedStyle(document.body);
  return [...new Set([...document.querySelectorAll("html, head title, body, body *")].filter((it) => it.localName === "title" || it.checkVisibility())
    .map((it) => [colours.color, colours.backgroundColor, location.pathname, it.parentElement && is(it.parentElement), is(it), Boolean(it.textContent.trim())].join()))];
});
const seen = new Set();

/** Whether the page has something that axe has not judged since this process began; with WHOLE=1 it judges each page that is left. */
async function unjudged(page) {
  const before = seen.size;
  for (const sight of await sights(page)) seen.add(sight);
  return whole || seen.size > before;
}

/**
 * Ends a visit: no serious finding of axe in what is new to it, nothing sideways off the page, no text that turns others around, and no
 * complaint but those expected.
 */
export async function leave(page, { expected = [] } = {}) {
  const { violations } = await unjudged(page) ? await new AxeBuilder({ page }).analyze() : { violations: [] };
  const serious = violations.filter(({ impact }) => impact === "serious" || impact === "critical");
  assert.deepEqual(serious.map(({ id, nodes }) => `${id}: ${nodes[0].target} ${nodes[0].any[0]?.message ?? ""}`), [], page.url());
  assert.ok(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth), `${page.url()} is wider than its window`);
  assert.deepEqual(await turned(page), [], page.url());
  const unexpected = page.complaints.filter((text) => !expected.some((pattern) => pattern.test(text)));
  await page.context().close();
  assert.deepEqual(unexpected, []);
}

/** The element, once its text matches. */
export const says = (page, selector, text) => page.locator(selector, { hasText: text }).first().waitFor();

/** Waits until check, run in the page with arg, is true. */
export const until = (page, check, arg) => page.waitForFunction(check, arg, { polling: 50 });

/** Writes down from now on what an element says, for until: what comes and goes between two looks is seen too. */
export const watched = (page, selector) => page.locator(selector).evaluateHandle((node) => {
  const texts = [];
  new MutationObserver(() => texts.push(node.textContent)).observe(node, { childList: true, characterData: true, subtree: true });
  return texts;
});

export const connected = (page) => page.locator('#state[data-state="on"]').waitFor();

/** What a browser writes when a client leaves while it polls: its last GET may arrive behind the POST that ends the session. */
export const lastPoll = /status of 400 .*transport=polling.*sid=/;
