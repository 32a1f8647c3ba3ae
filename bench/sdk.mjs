// Compares the TypeScript SDK with fetch alone, on one connection to the same server.
//
// It needs SDK, the folder of the compiled SDK, CHAVEIRO_URL and CHAVEIRO_ACCESS_TOKEN, the number
// of clients as an argument, and --expose-gc. It prints a line of JSON: calls a second of each,
// pages of 100 a second of each, and the memory in use after a tenth of an iteration over all
// clients and at its end.

const { Sdk, accessToken } = await import(`file://${process.env.SDK}/index.js`);
const url = process.env.CHAVEIRO_URL;
const token = process.env.CHAVEIRO_ACCESS_TOKEN;
const count = Number(process.argv[2]);
const path = `${url}/api/openvpn/clients/site2site`;
const rounds = 10;
const milliseconds = 500;

const sdk = new Sdk({ url, auth: accessToken(token) });
const bare = async (address) => (await fetch(address, { headers: { authorization: `Bearer ${token}` } })).json();
const anId = () => 1 + Math.floor(Math.random() * count);

function sdkPages() {
  let pages;
  return async () => {
    if (!pages?.hasNext) pages = sdk.openvpn.getClientsSite2SitePages({ size: 100 });
    await pages.next();
  };
}

function barePages() {
  let cursor = 0;
  return async () => {
    cursor = (await bare(`${path}?cursor=${cursor}&size=100`)).cursor.next ?? 0;
  };
}

// How often a second each can be called, taking turns.
async function compare(...calls) {
  const counts = [0, 0];
  const times = [0, 0];
  for (const call of calls) await call();
  for (let round = 0; round < rounds; round++) {
    for (const side of [0, 1]) {
      const started = performance.now();
      let spent = 0;
      for (; spent < milliseconds; spent = performance.now() - started) {
        await calls[side]();
        counts[side]++;
      }
      times[side] += spent;
    }
  }
  return counts.map((n, side) => (1000 * n) / times[side]);
}

async function memory() {
  const used = [];
  let met = 0;
  for await (const _ of sdk.openvpn.getClientsSite2SitePages({ size: 100 })) {
    met++;
    if (met !== count / 10 && met !== count - 1) continue;
    globalThis.gc();
    used.push(process.memoryUsage().heapUsed);
  }
  return used;
}

const calls = await compare(() => sdk.openvpn.getClientSite2Site({ id: anId() }), () => bare(`${path}/${anId()}`));
const pages = await compare(sdkPages(), barePages());
console.log(JSON.stringify({ calls, pages, memory: await memory() }));
