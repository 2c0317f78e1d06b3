// What a protocol needs besides its role, by means of the web alone: the same in every runtime.

import { randomMask } from "../bytes/random.ts";
import { SlabPool } from "../bytes/staging.ts";
import { webText } from "../bytes/utf8.ts";
import { DEFAULT_LIMITS } from "./limits.ts";
import type { ProtocolOptions } from "./protocol.ts";

/** The defaults of the library; `options` go before them. Connections that share a `slabs` share its memory. */
export function protocolOptions(options: Partial<ProtocolOptions> = {}): ProtocolOptions {
  const defaults = { utf8Validation: true, text: webText, mask: randomMask, slabs: new SlabPool() };
  return { ...DEFAULT_LIMITS, ...defaults, ...options };
}
