// screenshots.mjs URL PAGE...: see the script of the same name. With GALLERY set to a folder it takes only the pictures of the
// README: one window's worth of some pages, as small files.
import { mkdirSync } from "node:fs";
import { createRequire } from "node:module";
import { scenes } from "./scenes.mjs";

const { chromium } = createRequire(new URL("../e2e/package.json", import.meta.url))("playwright-core");
const [url, ...pages] = process.argv.slice(2);
const gallery = process.env.GALLERY;
const looks = gallery
	? [{ name: "", viewport: { width: 1200, height: 780 }, colorScheme: "light" }]
	: [
		{ name: "-light", viewport: { width: 1280, height: 800 }, colorScheme: "light" },
		{ name: "-dark", viewport: { width: 1280, height: 800 }, colorScheme: "dark" },
		{ name: "-narrow", viewport: { width: 390, height: 844 }, colorScheme: "light" },
		{ name: "-narrow-dark-zh", viewport: { width: 390, height: 844 }, colorScheme: "dark", locale: "zh-CN" },
	];

const folder = gallery ?? "screenshots";
mkdirSync(folder, { recursive: true });
const browser = await chromium.launch({
	executablePath: process.env.CHROMIUM,
	args: ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync"],
});
let wrong = 0;
for (const { name, ...look } of looks) for (const page of pages) {
	const contexts = [];
	const visit = async (path) => {
		const context = await browser.newContext({ locale: "en-US", ...look });
		contexts.push(context);
		const tab = await context.newPage();
		tab.setDefaultTimeout(10_000);
		tab.on("pageerror", (err) => complain(err.message));
		await tab.goto(new URL(path, url).href);
		return tab;
	};
	const complain = (what) => { wrong++; console.error(`/${page}: ${what}`); };
	const tab = await visit(page && page + "/");
	try {
		if (await tab.locator('#state:not([data-state="off"])').count()) await tab.locator('#state[data-state="on"]').waitFor();
		await scenes[page]?.(tab, visit);
	} catch (err) {
		complain(err.message);
	}
	const path = `${folder}/${page || "home"}${name}.${gallery ? "jpg" : "png"}`;
	await tab.screenshot(gallery ? { path, type: "jpeg", quality: 78 } : { path, fullPage: true });
	console.log(path);
	await Promise.all(contexts.map((context) => context.close()));
}
await browser.close();
process.exitCode = wrong ? 1 : 0;
