// Certificates for tests of TLS, made when they are first asked for, by the openssl command.

import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

export interface Certificate {
  readonly cert: string;
  readonly key: string;
}

export interface Certificates {
  /** PEM of the authority that signed the others. */
  readonly ca: string;
  readonly caKey: string;
  /** For localhost and 127.0.0.1. */
  readonly server: Certificate;
  /** Good, but for another name. */
  readonly otherName: Certificate;
  /** Good for whatever is one name below wild.test. */
  readonly wildcard: Certificate;
  /** For localhost, signed by nobody else. */
  readonly selfSigned: Certificate;
  /** For localhost and 127.0.0.1, but for a day that is long over. */
  readonly expired: Certificate;
}

let made: Certificates | undefined;

export function certificates(): Certificates {
  made ??= make();
  return made;
}

/** The certificate for the same key and names, signed by the authority in the folder for a day in 2020. */
function expire({ key }: Certificate, folder: string): Certificate {
  const file = (name: string) => join(folder, name);
  const settings = [
    ...[
      "[ca]",
      "default_ca=ca",
      `database=${file("index.txt")}`,
      `new_certs_dir=${folder}`,
      `serial=${file("serial")}`,
    ],
    ...["default_md=sha256", "policy=policy", "copy_extensions=copy", "x509_extensions=leaf"],
    ...["[policy]", "commonName=supplied", "[leaf]", "basicConstraints=CA:FALSE"],
  ];
  const names = "subjectAltName=DNS:localhost,IP:127.0.0.1";
  writeFileSync(file("ca.cnf"), settings.join("\n"));
  writeFileSync(file("index.txt"), "");
  writeFileSync(file("serial"), "01");
  writeFileSync(file("expired.key"), key);
  const run = (...args: string[]) => execFileSync("openssl", args, { stdio: "pipe" });
  run(
    "req",
    "-new",
    "-key",
    file("expired.key"),
    "-subj",
    "/CN=expired",
    "-addext",
    names,
    "-out",
    file("expired.csr"),
  );
  const dates = ["-startdate", "20200101000000Z", "-enddate", "20200102000000Z"];
  const authority = ["-config", file("ca.cnf"), "-cert", file("ca.crt"), "-keyfile", file("ca.key")];
  run("ca", "-batch", "-notext", ...authority, ...dates, "-in", file("expired.csr"), "-out", file("old.crt"));
  return { key, cert: readFileSync(file("old.crt"), "utf8") };
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
    const { cert: ca, key: caKey } = sign("ca");
    const byCa = ["-CA", file("ca.crt"), "-CAkey", file("ca.key")];
    return {
      ca,
      caKey,
      server: sign("server", ...byCa, ...local),
      otherName: sign("other", ...byCa, ...leaf, "-addext", "subjectAltName=DNS:other.test"),
      wildcard: sign("wild", ...byCa, ...leaf, "-addext", "subjectAltName=DNS:*.wild.test"),
      selfSigned: sign("self", ...local),
      expired: expire(sign("expired", ...local), folder),
    };
  } finally {
    rmSync(folder, { recursive: true });
  }
}
