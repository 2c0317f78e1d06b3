// The option `tls`, checked as far as no runtime is needed for that; the runtime says what it makes of the rest.

import { UsageError } from "../errors.ts";
import type { Platform, TlsOptions } from "../transport/transport.ts";
import { ownProperties } from "./options.ts";

const VERSIONS: readonly unknown[] = ["TLSv1", "TLSv1.1", "TLSv1.2", "TLSv1.3"];

/** A pin, as HPKP has it or as curl does: the SHA-256 of a key, in base64. */
const PIN = /^sha256\/\/?([A-Za-z0-9+/]{42}[AEIMQUYcgkosw048]=)$/;

type Check = readonly [what: string, is: (value: unknown) => boolean];

const isMaterial = (value: unknown) =>
  (typeof value === "string" && value !== "") || (value instanceof Uint8Array && value.length > 0);
const isText = (value: unknown) => typeof value === "string" && value !== "" && !value.includes("\0");

const MATERIAL: Check = [
  "a string or bytes, or a list of such",
  (value) => (Array.isArray(value) ? value.length > 0 && value.every(isMaterial) : isMaterial(value)),
];
const TEXT: Check = ["a string that is not empty", isText];
const FUNCTION: Check = ["a function", (value) => typeof value === "function"];
const VERSION: Check = [`one of ${VERSIONS.join(", ")}`, (value) => VERSIONS.includes(value)];

const CHECKS: { readonly [Name in keyof TlsOptions]-?: Check } = {
  ca: MATERIAL,
  cert: MATERIAL,
  key: MATERIAL,
  pfx: MATERIAL,
  passphrase: ["a string", (value) => typeof value === "string"],
  crl: MATERIAL,
  servername: TEXT,
  rejectUnauthorized: ["true or false", (value) => typeof value === "boolean"],
  checkServerIdentity: FUNCTION,
  pins: [
    '"sha256/" and the hash of a public key in base64, or a list of such',
    (value) =>
      [value].flat().length > 0 && [value].flat().every((pin) => typeof pin === "string" && PIN.test(pin)),
  ],
  keylog: FUNCTION,
  ciphers: TEXT,
  ecdhCurve: TEXT,
  sigalgs: TEXT,
  minVersion: VERSION,
  maxVersion: VERSION,
};

/** Throws UsageError. `runtime` is asked for what it would refuse or ignore. */
export function resolveTls(value: TlsOptions | undefined, runtime?: Pick<Platform, "checkTls">): TlsOptions {
  const tls = ownProperties(value === undefined ? {} : value);
  if (value === undefined) return tls;
  const given = Object.entries(tls).filter(([, value]) => value !== undefined);
  for (const [name, value] of given) {
    const [what, is] = (Object.hasOwn(CHECKS, name) && CHECKS[name as keyof TlsOptions]) || [];
    if (what === undefined)
      throw new UsageError(`there is no option ${JSON.stringify(`tls.${name}`)}`, "ERR_WS_UNKNOWN_OPTION");
    if (!is?.(value)) throw new UsageError(`tls.${name} is ${what}`);
  }
  checkTogether(tls);
  const pins = tls.pins && [tls.pins].flat().map((pin) => pin.replace(PIN, "sha256/$1"));
  const resolved = ownProperties({ ...tls, ...(pins && { pins }) });
  if (given.length > 0) runtime?.checkTls(resolved);
  return resolved;
}

/** Nothing is there in vain. */
function checkTogether(tls: TlsOptions): void {
  const { cert, key, pfx, passphrase, minVersion, maxVersion } = tls;
  if ((cert === undefined) !== (key === undefined))
    throw new UsageError("tls.cert and tls.key belong together");
  if (pfx !== undefined && key !== undefined)
    throw new UsageError("tls.pfx and tls.cert both are the client's certificate: give one of them");
  if (passphrase !== undefined && key === undefined && pfx === undefined)
    throw new UsageError("tls.passphrase is there, and nothing that it opens: tls.key or tls.pfx");
  if (VERSIONS.indexOf(minVersion ?? "TLSv1") > VERSIONS.indexOf(maxVersion ?? "TLSv1.3"))
    throw new UsageError("tls.minVersion is above tls.maxVersion");
  if (tls.rejectUnauthorized === false && tls.checkServerIdentity !== undefined)
    throw new UsageError("tls.checkServerIdentity decides nothing where tls.rejectUnauthorized is false");
}
