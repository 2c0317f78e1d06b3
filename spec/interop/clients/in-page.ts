// The bundle for pages.

import { tryAll } from "./cases.ts";
import { web } from "./web.ts";

(globalThis as { tryAll?: unknown }).tryAll = (base: string) => tryAll(web, base);
