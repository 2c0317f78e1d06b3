// Proxies from Debian's packages, each on a free port of 127.0.0.1 with its configuration in a temporary folder.

import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { certificates } from "../support/certificates.ts";
import { ended, freePort, listening } from "../support/daemon.ts";

/** As it stands in a url, and as it is. tinyproxy knows no other characters than letters, digits and these. */
export const LOGIN = "user:p.ss-w";
const PASSWORD = "p.ss-w";

export const SOCKS_LOGIN = "user:p%40ss%3Aw";
const SOCKS_PASSWORD = "p@ss:w";

export interface Daemons {
  /** Ports by name. */
  readonly ports: Readonly<Record<Name, number>>;
  stop(): Promise<void>;
}

export type Name =
  | "tinyproxy"
  | "tinyproxy with a login"
  | "stunnel and tinyproxy"
  | "stunnel and tinyproxy with a login"
  | "microsocks"
  | "microsocks with a login"
  | "danted"
  | "ssh -D";

export async function startDaemons(): Promise<Daemons> {
  const folder = mkdtempSync(join(tmpdir(), "isosocket-proxies-"));
  chmodSync(folder, 0o755); // some of them give up their rights before they read
  const children: ChildProcess[] = [];
  const stop = async () => {
    await Promise.all(children.map(ended));
    rmSync(folder, { recursive: true });
  };
  const write = (name: string, text: string) => {
    writeFileSync(join(folder, name), text, { mode: 0o600 });
    return join(folder, name);
  };
  const ports: Partial<Record<Name, number>> = {};
  const start = async (name: Name, command: (port: number) => string[]) => {
    const port = await freePort();
    const [program = "", ...words] = command(port);
    const child = spawn(program, words, {
      stdio: ["ignore", "pipe", "pipe"],
      env: { ...process.env, PATH: `${process.env.PATH}:/usr/sbin` }, // where some users have no path to
    });
    children.push(child);
    let said = "";
    for (const stream of [child.stdout, child.stderr]) stream.on("data", (text) => (said += text));
    await listening(port, child).catch((cause) => {
      throw new Error(`${name} does not listen: ${said}`, { cause });
    });
    ports[name] = port;
    return port;
  };

  try {
    const tiny = await start("tinyproxy", (port) => tinyproxy(write("tinyproxy", tinyproxyConf(port, ""))));
    const login = `BasicAuth user ${PASSWORD}`;
    const tinyLogin = await start("tinyproxy with a login", (port) =>
      tinyproxy(write("tinyproxy-login", tinyproxyConf(port, login))),
    );
    const { cert, key } = certificates().server;
    const pem = write("stunnel.pem", `${key}${cert}`);
    await start("stunnel and tinyproxy", (port) => [
      "stunnel4",
      write("stunnel", stunnelConf(port, tiny, pem)),
    ]);
    await start("stunnel and tinyproxy with a login", (port) => [
      "stunnel4",
      write("stunnel-login", stunnelConf(port, tinyLogin, pem)),
    ]);
    const microsocks = (port: number) => ["microsocks", "-i", "127.0.0.1", "-p", `${port}`];
    await start("microsocks", microsocks);
    await start("microsocks with a login", (port) => [
      ...microsocks(port),
      "-u",
      "user",
      "-P",
      SOCKS_PASSWORD,
    ]);
    await start("danted", (port) => [
      "danted",
      "-f",
      write("danted", dantedConf(port)),
      "-p",
      join(folder, "danted.pid"),
    ]);
    await start("ssh -D", (port) => sshCommand(port, folder, write));
  } catch (error) {
    await stop();
    throw error;
  }
  return { ports: ports as Record<Name, number>, stop };
}

function tinyproxy(conf: string): string[] {
  return ["tinyproxy", "-d", "-c", conf];
}

function tinyproxyConf(port: number, more: string): string {
  return `Port ${port}\nListen 127.0.0.1\nTimeout 60\nMaxClients 100\nAllow 127.0.0.1\n${more}\n`;
}

function stunnelConf(port: number, to: number, pem: string): string {
  return `foreground = yes\npid =\n[proxy]\naccept = 127.0.0.1:${port}\nconnect = 127.0.0.1:${to}\ncert = ${pem}\n`;
}

/** SOCKS4, without 4A, and SOCKS5. */
function dantedConf(port: number): string {
  return [
    "logoutput: stderr",
    `internal: 127.0.0.1 port = ${port}`,
    "external: 127.0.0.1",
    "clientmethod: none",
    "socksmethod: none",
    "user.unprivileged: nobody",
    "client pass {\n  from: 127.0.0.0/8 to: 0.0.0.0/0\n}",
    "socks pass {\n  from: 127.0.0.0/8 to: 0.0.0.0/0\n  protocol: tcp\n  command: connect\n}",
    "",
  ].join("\n");
}

/** SOCKS4, 4A and 5, to a sshd that speaks over a pipe, so that it needs no port. */
function sshCommand(port: number, folder: string, write: (name: string, text: string) => string): string[] {
  for (const name of ["host-key", "user-key"]) {
    execFileSync("ssh-keygen", ["-q", "-t", "ed25519", "-N", "", "-f", join(folder, name)]);
  }
  // Where sshd, as root, wants to be shut in; its package leaves this to the start of the service.
  if (process.getuid?.() === 0) mkdirSync("/run/sshd", { recursive: true, mode: 0o755 });
  const conf = write(
    "sshd",
    `HostKey ${folder}/host-key\nAuthorizedKeysFile ${folder}/user-key.pub\nStrictModes no\nUsePAM no\nPidFile none\n`,
  );
  const options = [
    "IdentitiesOnly=yes",
    "BatchMode=yes",
    "LogLevel=ERROR",
    "StrictHostKeyChecking=no",
    "UserKnownHostsFile=/dev/null",
    "ExitOnForwardFailure=yes",
    `ProxyCommand=/usr/sbin/sshd -i -f ${conf}`,
  ].flatMap((option) => ["-o", option]);
  return [
    "ssh",
    "-F",
    "/dev/null",
    "-N",
    "-D",
    `127.0.0.1:${port}`,
    "-i",
    join(folder, "user-key"),
    ...options,
    "localhost",
  ];
}
