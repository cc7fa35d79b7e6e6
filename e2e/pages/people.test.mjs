// The pages on which people meet, in one Chromium: real clicks and keys, and what the others see.
import { pages } from "./world.mjs";
import frame from "./frame.mjs";
import meeting from "./meeting.mjs";
import offline from "./offline.mjs";

pages("pages with people", meeting, frame, offline);
