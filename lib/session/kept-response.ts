// The answer to the upgrade as an open connection keeps it: in one string, as few ever look at it. As lists of pairs of strings,
// parts of the lines that they came in, it would take more memory than all else that an idle connection keeps of its opening.

import type { RawHeaders } from "../errors.ts";
import type { UpgradeResponse } from "./session.ts";

export class KeptResponse implements UpgradeResponse {
  readonly status: number;
  /** The reason phrase and the fields, a line each: there is no line end in any of them, and no colon in a name. */
  readonly #lines: string;

  constructor({ status, statusText, rawHeaders }: UpgradeResponse) {
    this.status = status;
    this.#lines = [statusText, ...rawHeaders.map((field) => field.join(":"))].join("\n");
  }

  get statusText(): string {
    return this.#lines.split("\n", 1).join();
  }

  get rawHeaders(): RawHeaders {
    const [, ...fields] = this.#lines.split("\n");
    return fields.map((field) => {
      const colon = field.indexOf(":");
      return [field.slice(0, colon), field.slice(colon + 1)];
    });
  }
}
