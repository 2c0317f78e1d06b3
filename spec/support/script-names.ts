// Names for tests, below `.test`, and what the resolver says of them: addresses in that order, a failure, or nothing at all.

import type { LookupAddress } from "node:dns";
import { isIP } from "node:net";
import type { Use } from "./clean-up.ts";

export type Answer = readonly string[] | { readonly code: string } | "silence";

type Told = (error: Error | null, addresses: LookupAddress[]) => void;

/** To the end of the test `names` are resolved so; what is asked is written down in the list that is returned. */
export function resolving(use: Use, names: () => Record<string, Answer>): string[] {
  const dns = process.getBuiltinModule("node:dns");
  const { lookup } = dns;
  const asked: string[] = [];
  const own = (hostname: string, options: object, told: Told) => {
    const answer = names()[hostname];
    if (answer === undefined) return Reflect.apply(lookup, dns, [hostname, options, told]);
    asked.push(hostname);
    if (answer === "silence") return;
    if ("code" in answer) {
      const error = Object.assign(new Error(`getaddrinfo ${answer.code} ${hostname}`), answer);
      setImmediate(() => told(error, []));
      return;
    }
    setImmediate(() =>
      told(
        null,
        answer.map((address) => ({ address, family: isIP(address) })),
      ),
    );
  };
  Object.assign(dns, { lookup: own });
  use({ close: () => void Object.assign(dns, { lookup }) });
  return asked;
}
