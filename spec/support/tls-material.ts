// Whatever the options of TLS take besides plain certificates, made when it is first asked for, by the openssl command.

import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Certificate, certificates } from "./certificates.ts";

export interface TlsMaterials {
  /** What opens the keys that are locked. */
  readonly passphrase: string;
  /** The key of certificates().otherName, locked, as PKCS#8 and in the older form. */
  readonly lockedKey: string;
  readonly oldLockedKey: string;
  /** certificates().otherName and its key, as PKCS#12: locked, and with an empty passphrase. */
  readonly lockedPfx: Buffer;
  readonly openPfx: Buffer;
  /** Lists of revoked certificates, in one of which is certificates().server. */
  readonly emptyCrl: string;
  readonly crl: string;
  /** For localhost, with a key of RSA. */
  readonly rsa: Certificate;
  /** The pins of certificates().server, .rsa and the authority, in base64. */
  readonly pins: { readonly server: string; readonly rsa: string; readonly ca: string };
}

let made: TlsMaterials | undefined;

export function tlsMaterials(): TlsMaterials {
  made ??= make();
  return made;
}

const AUTHORITY = `[ca]\ndefault_ca = it\n[it]\ndatabase = index\ncrlnumber = number\ndefault_md = sha256\ndefault_crl_days = 2\n`;

function make(): TlsMaterials {
  const folder = mkdtempSync(join(tmpdir(), "isosocket-"));
  const run = (text: string) =>
    execFileSync("sh", ["-c", text], { cwd: folder, stdio: ["ignore", "pipe", "pipe"] });
  const write = (name: string, text: string) => writeFileSync(join(folder, name), text);
  const read = (name: string) => readFileSync(join(folder, name), "utf8");
  const passphrase = "sesame";
  try {
    const { ca, caKey, server, otherName } = certificates();
    for (const [name, text] of Object.entries({
      ca,
      caKey,
      server: server.cert,
      cert: otherName.cert,
      key: otherName.key,
    })) {
      write(name, text);
    }
    for (const [name, text] of Object.entries({ conf: AUTHORITY, index: "", number: "01" }))
      write(name, text);
    run(`openssl pkcs8 -topk8 -in key -passout pass:${passphrase} -out locked`);
    run(`openssl ec -in key -aes256 -passout pass:${passphrase} -out old`);
    const authority = "openssl ca -config conf -keyfile caKey -cert ca";
    run(`${authority} -gencrl -out empty; ${authority} -revoke server; ${authority} -gencrl -out crl`);
    const leaf = "-addext basicConstraints=CA:FALSE -addext subjectAltName=DNS:localhost -CA ca -CAkey caKey";
    run(`openssl req -x509 -newkey rsa:2048 -nodes -keyout rsaKey -subj /CN=rsa -days 2 -out rsa ${leaf}`);
    const pin = (name: string) =>
      run(
        `openssl x509 -in ${name} -pubkey -noout | openssl pkey -pubin -outform der | openssl dgst -sha256 -binary`,
      ).toString("base64");
    return {
      passphrase,
      lockedKey: read("locked"),
      oldLockedKey: read("old"),
      lockedPfx: run(`openssl pkcs12 -export -in cert -inkey key -passout pass:${passphrase}`),
      openPfx: run("openssl pkcs12 -export -in cert -inkey key -passout pass:"),
      emptyCrl: read("empty"),
      crl: read("crl"),
      rsa: { cert: read("rsa"), key: read("rsaKey") },
      pins: { server: pin("server"), rsa: pin("rsa"), ca: pin("ca") },
    };
  } finally {
    rmSync(folder, { recursive: true });
  }
}
