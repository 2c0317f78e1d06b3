// The option perMessageDeflate, checked and with its defaults.

import { UsageError } from "../errors.ts";
import type { DeflateRequest } from "../handshake/deflate-offer.ts";
import type { DeflateSettings } from "../protocol/compression.ts";
import { flag, ownProperties } from "./options.ts";

/** What to ask a server for, and how to compress. */
export interface PerMessageDeflateOptions {
  /** Asks the server to let each of its messages stand alone; one that does not may go on as it likes. Default false. */
  readonly serverNoContextTakeover?: boolean;
  /** Each message that is sent stands alone: smaller memory, larger messages. Default false. */
  readonly clientNoContextTakeover?: boolean;
  /** How far the server's compressor may refer back, as a power of two: 9 to 15. Default 15. */
  readonly serverMaxWindowBits?: number;
  /** How far ours refers back, at the most; the server may ask for less. 9 to 15. Default 15. */
  readonly clientMaxWindowBits?: number;
  /** Messages of fewer bytes leave as they are. Default 64. */
  readonly threshold?: number;
  /** From 0, no compression, and 1, the fastest, to 9, the smallest. Default 6. */
  readonly level?: number;
  /** How much memory zlib's tables take, 1 to 9. Default 8. */
  readonly memLevel?: number;
}

/** Undefined for no compression. Throws UsageError. */
export function resolveDeflate(
  value: boolean | PerMessageDeflateOptions | undefined,
): (DeflateRequest & DeflateSettings) | undefined {
  if (value === undefined || value === false) return undefined;
  const given = ownProperties(value === true ? {} : value);
  const resolved = {
    serverNoContextTakeover: flag(nameOf("serverNoContextTakeover"), given.serverNoContextTakeover, false),
    clientNoContextTakeover: flag(nameOf("clientNoContextTakeover"), given.clientNoContextTakeover, false),
    serverMaxWindowBits: integer("serverMaxWindowBits", given.serverMaxWindowBits, 9, 15, 15),
    clientMaxWindowBits: integer("clientMaxWindowBits", given.clientMaxWindowBits, 9, 15, 15),
    threshold: integer("threshold", given.threshold, 0, Number.MAX_SAFE_INTEGER, 64),
    level: integer("level", given.level, 0, 9, 6),
    memLevel: integer("memLevel", given.memLevel, 1, 9, 8),
  };
  for (const name of Object.keys(given)) {
    if (!Object.hasOwn(resolved, name))
      throw new UsageError(`there is no option ${nameOf(name)}`, "ERR_WS_UNKNOWN_OPTION");
  }
  return resolved;
}

function integer(
  name: string,
  value: number | undefined,
  least: number,
  most: number,
  otherwise: number,
): number {
  if (value === undefined) return otherwise;
  if (Number.isInteger(value) && value >= least && value <= most) return value;
  const range = most === Number.MAX_SAFE_INTEGER ? `from ${least} on` : `from ${least} to ${most}`;
  throw new UsageError(`${nameOf(name)} is an integer ${range}`);
}

function nameOf(name: string): string {
  return `perMessageDeflate.${name}`;
}
