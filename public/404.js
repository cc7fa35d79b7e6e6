import { page } from "/assets/page.js";

page("404", { zh: { title: "这里没有鱼。", lead: "这个地址没有页面，所有页面都在首页。" } });
