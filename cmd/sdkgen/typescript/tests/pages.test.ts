import assert from "node:assert/strict";
import { test } from "node:test";
import { NoPageError, ServerError } from "@chaveiro/sdk";
import { answer, connect, serve, type Served } from "./server.js";

/** A server of three pages, with cursors 0, 10 and 20. */
function listing(fails: (count: number) => boolean = () => false): Promise<Served> {
  return serve((got, response, count) => {
    if (fails(count)) return answer(response, 500, {});
    const current = Number(new URL(got.url, "http://a").searchParams.get("cursor") ?? 0);
    answer(response, 200, {
      clients: [{ id: current + 1, expiry_date: "2026-01-02T03:04:05.678+00:00" }, { id: current + 2 }],
      cursor: { current, next: current < 20 ? current + 10 : null, previous: current > 0 ? current - 10 : null },
    });
  });
}

test("next and previous turn the pages, and there is no page outside of them", async () => {
  const served = await listing();
  const pages = connect(served).sdk.openvpn.getClientsSite2SitePages({ size: 2 });
  assert.equal(served.got.length, 0, "nothing is requested before it is asked for");
  assert.ok(pages.hasNext && !pages.hasPrevious && !pages.page);
  await assert.rejects(pages.previous(), NoPageError);
  const ids: number[][] = [];
  while (pages.hasNext) ids.push((await pages.next()).payload.map((client) => client.id));
  assert.deepEqual(ids, [[1, 2], [11, 12], [21, 22]]);
  await assert.rejects(pages.next(), NoPageError);
  const back = await pages.previous();
  assert.deepEqual(back.cursor, { current: 10, next: 20, previous: 0 });
  assert.ok(back.hasNext && back.hasPrevious && pages.page === back);
  assert.equal((await pages.previous()).hasPrevious, false);
  assert.equal(served.got[1]!.url, "/api/openvpn/clients/site2site?cursor=10&size=2");
});

test("a page is an answer: it has items, with dates, a status and a request id", async () => {
  const page = await connect(await listing()).sdk.openvpn.getClientsSite2SitePages({ cursor: 20 }).next();
  assert.deepEqual(page.payload[0]!.expiryDate, new Date("2026-01-02T03:04:05.678Z"));
  assert.equal(page.status, 200);
  assert.equal(page.requestId, "r-1");
  assert.equal(page.cursor.current, 20);
});

test("iteration reads a page when it comes to it, and leaves the pages where they are", async () => {
  const served = await listing();
  const pages = connect(served).sdk.openvpn.getClientsSite2SitePages();
  const ids: number[] = [];
  for await (const client of pages) {
    ids.push(client.id);
    assert.equal(served.got.length, Math.ceil(ids.length / 2));
  }
  assert.deepEqual(ids, [1, 2, 11, 12, 21, 22]);
  for await (const client of pages) {
    assert.equal(client.id, 1);
    break;
  }
  assert.equal(served.got.length, 4);
  assert.equal((await pages.next()).payload[0]!.id, 1);
});

test("an error ends an iteration, and the same page can be asked for again", async () => {
  const served = await listing((count) => count === 2 || count === 4);
  const pages = connect(served).sdk.openvpn.getClientsSite2SitePages();
  await assert.rejects(async () => {
    for await (const client of pages) assert.ok(client.id <= 2);
  }, ServerError);
  await pages.next();
  await assert.rejects(pages.next(), ServerError);
  assert.equal((await pages.next()).cursor.current, 10);
});

test("a page that names itself as the next one ends an iteration", async () => {
  const served = await serve((_, response) => answer(response, 200, { clients: [], cursor: { current: 5, next: 5, previous: null } }));
  await assert.rejects(async () => {
    for await (const client of connect(served).sdk.openvpn.getClientsSite2SitePages()) assert.fail(String(client.id));
  }, /the page after 5 is itself/);
});
