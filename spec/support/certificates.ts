// Certificates for tests of TLS, made when they are first asked for, by the openssl command.

import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

export interface Certificate {
  readonly cert: string;
  readonly key: string;
}

export interface Certificates {
  /** PEM of the authority that signed the others. */
  readonly ca: string;
  /** For localhost and 127.0.0.1. */
  readonly server: Certificate;
  /** Good, but for another name. */
  readonly otherName: Certificate;
  /** For localhost, signed by nobody else. */
  readonly selfSigned: Certificate;
}

let made: Certificates | undefined;

export function certificates(): Certificates {
  made ??= make();
  return made;
}

function make(): Certificates {
  const folder = mkdtempSync(join(tmpdir(), "isosocket-"));
  const file = (name: string) => join(folder, name);
  const read = (name: string): Certificate => ({
    cert: readFileSync(file(`${name}.crt`), "utf8"),
    key: readFileSync(file(`${name}.key`), "utf8"),
  });
  const sign = (name: string, ...more: string[]) => {
    const key = [
      "-newkey",
      "ec",
      "-pkeyopt",
      "ec_paramgen_curve:prime256v1",
      "-nodes",
      "-keyout",
      file(`${name}.key`),
    ];
    const subject = ["-subj", `/CN=${name}`, "-days", "2", "-out", file(`${name}.crt`)];
    execFileSync("openssl", ["req", "-x509", ...key, ...subject, ...more], { stdio: "pipe" });
    return read(name);
  };
  try {
    const leaf = ["-addext", "basicConstraints=CA:FALSE"]; // an authority's own is no server's, Deno says
    const local = [...leaf, "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"];
    const { cert: ca } = sign("ca");
    const byCa = ["-CA", file("ca.crt"), "-CAkey", file("ca.key")];
    return {
      ca,
      server: sign("server", ...byCa, ...local),
      otherName: sign("other", ...byCa, ...leaf, "-addext", "subjectAltName=DNS:other.test"),
      selfSigned: sign("self", ...local),
    };
  } finally {
    rmSync(folder, { recursive: true });
  }
}
