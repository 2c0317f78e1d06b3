// What is offered, what comes of every answer, and what a server answers: values of Sec-WebSocket-Extensions in tables.

import { expect } from "chai";
import {
  acceptDeflate,
  type DeflateRequest,
  offerDeflate,
  readDeflateAnswer,
} from "../../lib/handshake/deflate-offer.ts";
import { growthOfTime, LINEAR } from "../support/growth.ts";

const ALL: DeflateRequest = {
  serverNoContextTakeover: false,
  clientNoContextTakeover: false,
  serverMaxWindowBits: 15,
  clientMaxWindowBits: 15,
};

function asked(request: Partial<DeflateRequest> = {}): DeflateRequest {
  return { ...ALL, ...request };
}

/** An agreement in short: `s- c- s12 c9`; a minus for no context takeover. */
function short(agreement: DeflateRequest): string {
  const { serverNoContextTakeover: s, clientNoContextTakeover: c } = agreement;
  const takeover = [s && "s-", c && "c-"].filter((word) => word !== false);
  return [...takeover, `s${agreement.serverMaxWindowBits}`, `c${agreement.clientMaxWindowBits}`].join(" ");
}

describe("offerDeflate", () => {
  const offers: [request: Partial<DeflateRequest>, offer: string][] = [
    [{}, "permessage-deflate; client_max_window_bits"],
    [
      { serverNoContextTakeover: true },
      "permessage-deflate; server_no_context_takeover; client_max_window_bits",
    ],
    [
      { clientNoContextTakeover: true },
      "permessage-deflate; client_no_context_takeover; client_max_window_bits",
    ],
    [
      { serverMaxWindowBits: 10, clientMaxWindowBits: 9 },
      "permessage-deflate; server_max_window_bits=10; client_max_window_bits=9",
    ],
    [
      {
        serverNoContextTakeover: true,
        clientNoContextTakeover: true,
        serverMaxWindowBits: 9,
        clientMaxWindowBits: 14,
      },
      "permessage-deflate; server_no_context_takeover; client_no_context_takeover; server_max_window_bits=9; client_max_window_bits=14",
    ],
  ];
  for (const [request, offer] of offers) {
    it(offer, () => {
      expect(offerDeflate(asked(request))).to.equal(offer);
    });
  }
});

describe("readDeflateAnswer", () => {
  const P = "permessage-deflate";
  /** Of servers as they answer, and of others as they might. */
  const good: [value: string, agreed: string, request?: Partial<DeflateRequest>][] = [
    [P, "s15 c15"],
    [`${P}; server_max_window_bits=12; client_max_window_bits=12`, "s12 c12"],
    [`${P}; server_max_window_bits=12`, "s12 c15"],
    [`${P}; client_max_window_bits=15`, "s15 c15"],
    [`${P}; client_max_window_bits=9`, "s15 c9"],
    [`${P}; client_max_window_bits=8`, "s15 c8"],
    [`${P}; server_max_window_bits=8`, "s8 c15"],
    [`${P}; server_no_context_takeover`, "s- s15 c15"],
    [`${P}; client_no_context_takeover`, "c- s15 c15"],
    [
      `${P}; server_no_context_takeover; client_no_context_takeover; server_max_window_bits=9; client_max_window_bits=10`,
      "s- c- s9 c10",
    ],
    // What the server does not confirm it does not do; what we said of ourselves we do.
    [P, "s15 c9", { serverMaxWindowBits: 10, clientMaxWindowBits: 9 }],
    [P, "c- s15 c15", { serverNoContextTakeover: true, clientNoContextTakeover: true }],
    [`${P}; server_max_window_bits=10`, "s10 c9", { serverMaxWindowBits: 10, clientMaxWindowBits: 9 }],
    [
      `${P}; server_max_window_bits=9; client_max_window_bits=9`,
      "s9 c9",
      { serverMaxWindowBits: 10, clientMaxWindowBits: 12 },
    ],
    // However it is written.
    [`${P};server_max_window_bits=10`, "s10 c15"],
    [`\t ${P} \t;\t server_max_window_bits \t= \t10 \t`, "s10 c15"],
    [`${P}; server_max_window_bits="10"`, "s10 c15"],
    [`${P}; server_max_window_bits="1\\0"; client_no_context_takeover`, "c- s10 c15"],
    [`, ,${P},`, "s15 c15"],
  ];
  for (const [value, agreed, request] of good) {
    it(`agrees to ${agreed}: ${value}${request ? `, asked for ${offerDeflate(asked(request))}` : ""}`, () => {
      const answer = readDeflateAnswer([value], asked(request));
      expect(typeof answer === "object" ? short(answer) : answer).to.equal(agreed);
    });
  }

  for (const values of [[], [""], [" ", "\t"], [",", " , ,"]]) {
    it(`goes without compression for ${JSON.stringify(values)}`, () => {
      expect(readDeflateAnswer(values, ALL)).to.equal(undefined);
      expect(readDeflateAnswer(values, undefined)).to.equal(undefined);
    });
  }

  const NOT_OFFERED = "names an extension that was not offered";
  const MALFORMED = "has a malformed list of extensions";
  const TWO = "names more than one extension";
  const wrongBits = (name: string) => `agrees to ${P} with a wrong value of ${name}`;
  const bad: [values: string[], complaint: string, request?: Partial<DeflateRequest>][] = [
    [["x-webkit-deflate-frame"], NOT_OFFERED],
    [["permessage-bzip2; level=9"], NOT_OFFERED],
    [["Permessage-Deflate"], NOT_OFFERED],
    [["constructor"], NOT_OFFERED],
    [["__proto__; a=1"], NOT_OFFERED],
    [["hasOwnProperty; valueOf; toString"], NOT_OFFERED],
    [[`x-foo, ${P}`], NOT_OFFERED],
    [[`${P}, ${P}`], TWO],
    [[P, P], TWO],
    [[`${P}, x-foo`], TWO],
    [[`${P}; foo`], `agrees to ${P} with parameter foo, which there is not`],
    [[`${P}; foo=1`], `agrees to ${P} with parameter foo, which there is not`],
    [[`${P}; hasOwnProperty`], `agrees to ${P} with parameter hasOwnProperty, which there is not`],
    [[`${P}; __proto__=1`], `agrees to ${P} with parameter __proto__, which there is not`],
    [[`${P}; constructor`], `agrees to ${P} with parameter constructor, which there is not`],
    [
      [`${P}; Server_Max_Window_Bits=9`],
      `agrees to ${P} with parameter Server_Max_Window_Bits, which there is not`,
    ],
    [[`${P}; ${"x".repeat(1000)}`], `agrees to ${P} with parameter ${"x".repeat(40)}, which there is not`],
    ...["server_no_context_takeover", "client_no_context_takeover"].flatMap((name): [string[], string][] => [
      [[`${P}; ${name}; ${name}`], `agrees to ${P} with ${name} twice`],
      [[`${P}; ${name}=1`], wrongBits(name)],
      [[`${P}; ${name}=true`], wrongBits(name)],
      [[`${P}; ${name}=""`], MALFORMED],
    ]),
    ...["server_max_window_bits", "client_max_window_bits"].flatMap((name): [string[], string][] => [
      ...["0", "7", "16", "1000", "08", "015", "1e1", "0xa", "-9", "+9", "9.0", "10a", "NaN", "true"].map(
        (bits): [string[], string] => [[`${P}; ${name}=${bits}`], wrongBits(name)],
      ),
      [[`${P}; ${name}=15;15`], `agrees to ${P} with parameter 15, which there is not`],
      [[`${P}; ${name}=10; ${name}=10`], `agrees to ${P} with ${name} twice`],
      [[`${P}; ${name}=`], MALFORMED],
      [[`${P}; ${name}=""`], MALFORMED],
      [[`${P}; ${name}=" 10"`], MALFORMED],
      [[`${P}; ${name}="10`], MALFORMED],
      [[`${P}; ${name}="10\\`], MALFORMED],
      [[`${P}; ${name}="10"0`], MALFORMED],
      [[`${P}; ${name}='10'`], wrongBits(name)],
      [[`${P}; ${name}=1 0`], MALFORMED],
      [[`${P}; ${name}==10`], MALFORMED],
    ]),
    [[`${P}; server_max_window_bits`], wrongBits("server_max_window_bits")],
    [[`${P}; client_max_window_bits`], `agrees to ${P} with client_max_window_bits without a value`],
    [
      [`${P}; server_max_window_bits=11`],
      `agrees to ${P} with a server_max_window_bits that is larger than asked for`,
      { serverMaxWindowBits: 10 },
    ],
    [
      [`${P}; client_max_window_bits=10`],
      `agrees to ${P} with a client_max_window_bits that is larger than offered`,
      { clientMaxWindowBits: 9 },
    ],
    [[";"], MALFORMED],
    [[`${P};`], MALFORMED],
    [[`${P};;server_no_context_takeover`], MALFORMED],
    [[`; ${P}`], MALFORMED],
    [[`${P} server_no_context_takeover`], MALFORMED],
    [[`${P}=15`], MALFORMED],
    [[`"${P}"`], MALFORMED],
    [[`${P}; "server_no_context_takeover"`], MALFORMED],
    [[`${P}; =10`], MALFORMED],
    [[`${P}\\`], MALFORMED],
    [["\u00fe"], MALFORMED],
    [['"', '"'], MALFORMED],
  ];
  for (const [values, complaint, request] of bad) {
    it(`${complaint.slice(0, 100)}: ${values.join(" | ").slice(0, 80)}`, () => {
      expect(readDeflateAnswer(values, asked(request))).to.equal(complaint);
    });
  }

  it("finds that there was no offer", () => {
    expect(readDeflateAnswer([P], undefined)).to.equal(NOT_OFFERED);
    expect(readDeflateAnswer(["x-foo"], undefined)).to.equal(NOT_OFFERED);
    expect(readDeflateAnswer([";"], undefined)).to.equal(MALFORMED);
  });

  it("is not fooled by what somebody put on Object.prototype", () => {
    const prototype = Object.prototype as Record<string, unknown>;
    prototype.server_max_window_bits = 9;
    prototype.client_no_context_takeover = true;
    try {
      const answer = readDeflateAnswer([P], ALL);
      expect(typeof answer === "object" ? short(answer) : answer).to.equal("s15 c15");
    } finally {
      delete prototype.server_max_window_bits;
      delete prototype.client_no_context_takeover;
    }
  });
});

describe("acceptDeflate", () => {
  const P = "permessage-deflate";
  const rows: [
    value: string,
    answer: string | undefined,
    agreed?: string,
    limits?: Partial<DeflateRequest>,
  ][] = [
    [P, P, "s15 c15"],
    [`${P}; client_max_window_bits`, P, "s15 c15"],
    [
      `${P}; client_max_window_bits`,
      `${P}; client_max_window_bits=10`,
      "s15 c10",
      { clientMaxWindowBits: 10 },
    ],
    [P, P, "s15 c15", { clientMaxWindowBits: 10 }],
    [P, `${P}; server_max_window_bits=10`, "s10 c15", { serverMaxWindowBits: 10 }],
    [`${P}; client_max_window_bits=12`, `${P}; client_max_window_bits=12`, "s15 c12"],
    [`${P}; client_max_window_bits=8`, `${P}; client_max_window_bits=8`, "s15 c8"],
    [`${P}; server_max_window_bits=12`, `${P}; server_max_window_bits=12`, "s12 c15"],
    [`${P}; server_max_window_bits=15`, `${P}; server_max_window_bits=15`, "s15 c15"],
    [`${P}; server_max_window_bits=8`, `${P}; server_max_window_bits=8`, "s8 c15"],
    [
      `${P}; server_max_window_bits=12; client_max_window_bits=13`,
      `${P}; server_max_window_bits=10; client_max_window_bits=11`,
      "s10 c11",
      { serverMaxWindowBits: 10, clientMaxWindowBits: 11 },
    ],
    [
      `${P}; server_no_context_takeover; client_no_context_takeover`,
      `${P}; server_no_context_takeover; client_no_context_takeover`,
      "s- c- s15 c15",
    ],
    [
      P,
      `${P}; server_no_context_takeover; client_no_context_takeover`,
      "s- c- s15 c15",
      { serverNoContextTakeover: true, clientNoContextTakeover: true },
    ],
    ["x-webkit-deflate-frame, permessage-deflate", P, "s15 c15"],
    [
      `${P}; server_max_window_bits=7, ${P}; server_max_window_bits=9, ${P}`,
      `${P}; server_max_window_bits=9`,
      "s9 c15",
    ],
    [`${P}; foo, ${P}`, P, "s15 c15"],
    [`${P}; server_max_window_bits`, undefined],
    [`${P}; server_max_window_bits=16`, undefined],
    [`${P}; client_max_window_bits=16`, undefined],
    [`${P}; client_no_context_takeover=1`, undefined],
    [`${P}; server_no_context_takeover; server_no_context_takeover`, undefined],
    [`${P}; hasOwnProperty`, undefined],
    ["x-foo", undefined],
    ["", undefined],
    [`${P}, ;`, undefined],
  ];
  for (const [value, answer, agreed, limits] of rows) {
    it(`${value} -> ${answer}${limits ? `, within ${short(asked(limits))}` : ""}`, () => {
      const accepted = acceptDeflate([value], asked(limits));
      expect(accepted?.answer).to.equal(answer);
      expect(accepted && short(accepted.agreement)).to.equal(agreed);
    });
  }

  it("and a client agree, whatever they want", () => {
    const wishes = [true, false].flatMap((serverNoContextTakeover) =>
      [true, false].flatMap((clientNoContextTakeover) =>
        [9, 12, 15].flatMap((serverMaxWindowBits) =>
          [9, 12, 15].map((clientMaxWindowBits) => ({
            serverNoContextTakeover,
            clientNoContextTakeover,
            serverMaxWindowBits,
            clientMaxWindowBits,
          })),
        ),
      ),
    );
    for (const client of wishes) {
      for (const server of wishes) {
        const accepted = acceptDeflate([offerDeflate(client)], server);
        if (accepted === undefined) expect.fail("it declined");
        expect(readDeflateAnswer([accepted.answer], client)).to.deep.equal(accepted.agreement);
      }
    }
  });

  const longOnes: [title: string, value: (size: number) => string][] = [
    ["blanks", (size) => `permessage-deflate;${" ".repeat(size)}x @`],
    ["commas", (size) => ",".repeat(size)],
    ["semicolons", (size) => `permessage-deflate${";".repeat(size)}`],
    ["parameters", (size) => `permessage-deflate${"; x".repeat(size)}`],
    ["an open quote", (size) => `permessage-deflate; x="${"\\\\".repeat(size)}`],
    ["a long name", (size) => "b".repeat(size)],
    ["extensions", (size) => "a,".repeat(size)],
  ];
  for (const [title, value] of longOnes) {
    it(`takes time in proportion to ${title}`, () => {
      const growth = growthOfTime((size) => void acceptDeflate([value(size)], ALL), 20_000);
      expect(growth).to.be.below(LINEAR);
    });
  }
});
