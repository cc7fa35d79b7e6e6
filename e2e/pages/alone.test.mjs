// The pages for one visitor, in one Chromium.
import { pages } from "./world.mjs";
import broken from "./broken.mjs";
import documents from "./documents.mjs";
import everywhere from "./everywhere.mjs";
import plain from "./plain.mjs";
import poor from "./poor.mjs";
import forms from "./forms.mjs";
import tools from "./tools.mjs";

pages("pages for one", plain, poor, broken, forms, tools, documents, everywhere);
