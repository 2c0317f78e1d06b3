// The proxies of the machine are none of the specs' business: not even 127.0.0.1 is exempt from them.

import process from "node:process";

for (const name of ["http_proxy", "https_proxy", "all_proxy", "no_proxy"]) {
  delete process.env[name];
  delete process.env[name.toUpperCase()];
}
