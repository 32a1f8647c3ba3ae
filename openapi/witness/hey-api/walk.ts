// Walks through both dialects with clients that hey-api has generated of the documents. It leaves
// the files that it gets in the folder FOLDER. What goes wrong is an exception.

import assert from 'node:assert/strict';
import { openAsBlob } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import * as api from './api';
import { client as apiClient } from './api/client.gen';
import * as pam from './pam';
import { client as pamClient } from './pam/client.gen';

function variable(name: string): string {
  const value = process.env[name];
  assert(value !== undefined, name);
  return value;
}

const url = variable('CHAVEIRO_URL');

/** Gives a credential to the scheme bearer alone. */
function bearer(token: string) {
  return ({ scheme }: { scheme?: string }) => (scheme === 'bearer' ? token : undefined);
}

/** Returns the data of an answer, which must be a success. */
function data<T>(answer: { data?: T; error?: unknown; response?: Response }): T {
  assert(answer.data !== undefined, `${answer.response?.status} ${JSON.stringify(answer.error)}`);
  return answer.data;
}

/** Makes two clients, one of them twice, which is a conflict. Returns the id of the first. */
async function createClients(ca: number): Promise<number> {
  const body = { ca_id: ca, name: 'site-rio', email: 'rio@example.com' };
  const made = data(await api.createClientSite2Site({ body }));
  assert.equal(made.name, 'site-rio');
  assert(new Date(made.expiry_date) > new Date(made.created_at));
  const again = await api.createClientSite2Site({ body });
  assert.equal(again.response?.status, 409);
  const expected: api.FieldErrorType = 'duplicated';
  assert.deepEqual(again.error?.errors.map(({ field, type }) => [field, type]), [['name', expected]]);
  data(await api.createClientSite2Site({ body: { ...body, name: 'site-sul' } }));
  return made.id;
}

async function readPages(): Promise<void> {
  const names: string[] = [];
  let cursor: number | null = 0;
  while (cursor !== null && names.length < 3) {
    const page: api.ClientSite2SitePage = data(
      await api.getClientsSite2SitePage({ query: { cursor, size: 1, status: 'valid' } }),
    );
    names.push(...page.clients.map(({ name }) => name));
    cursor = page.cursor.next;
  }
  assert.deepEqual(names, ['site-rio', 'site-sul']);
}

async function download(ca: number, id: number): Promise<void> {
  const password = variable('PASSWORD');
  const file = data(await api.createClientSite2SitePkcs12({ path: { id }, body: { password } }));
  const crl = data(await api.getCaCrl({ path: { id: ca } }));
  for (const [name, content] of Object.entries({ 'client.p12': file, 'crl.pem': crl })) {
    await writeFile(join(variable('FOLDER'), name), Buffer.from(await content.arrayBuffer()));
  }
}

/** Makes an OpenVPN server of a model of its own, and the client a site of it. */
async function connect(ca: number, id: number): Promise<void> {
  const template = 'port {{.Port}}\nproto {{.Proto}}\n';
  const model = data(await api.createInstanceModel({ body: { name: 'curto', template } }));
  assert.equal(model.template, template);
  const instance = data(
    await api.createInstance({
      body: {
        ca_id: ca, name: 'vpn-matriz', network: '10.8.0.0/24', model_id: model.id, remotes: ['vpn.example.com'],
      },
    }),
  );
  const expected: api.InstanceControlChannel = 'tls-crypt-v2';
  assert.equal(instance.control_channel, expected);
  const path = { id, instance_id: instance.id };
  const config = data(await api.updateClientSite2SiteConfig({ path, body: { iroutes: ['10.1.0.0/24'] } }));
  assert.equal(config.static_ip, '10.8.0.2');
  assert.equal(config.profile_fetched_at, null);
  const profile = data(
    await api.getClientSite2SiteProfile({ path: { id }, query: { instance_id: instance.id } }),
  );
  await writeFile(join(variable('FOLDER'), 'site-rio.ovpn'), Buffer.from(await profile.arrayBuffer()));
}

/** Imports a file with a faulty row: all or none, then what is good. */
async function importDevices(): Promise<void> {
  const body = await openAsBlob(variable('DEVICES'));
  const all = await api.importPamDevices({ body });
  assert.equal(all.error?.errors[0]?.field, 'rows[3].ip');
  const report = data(await api.importPamDevices({ body, query: { atomic: false } }));
  assert.equal(report.created, 2);
  assert.deepEqual(report.errors.map(({ row }) => row), [3]);
}

async function walk(): Promise<void> {
  apiClient.setConfig({ baseUrl: `${url}/api`, auth: bearer(variable('CHAVEIRO_TOKEN')) });
  const ca = data(await api.createCa({ body: { name: 'ca-matriz', email: 'ca@example.com' } }));
  const id = await createClients(ca.id);
  await readPages();
  await download(ca.id, id);
  await connect(ca.id, id);
  await importDevices();
}

async function walkVault(): Promise<void> {
  pamClient.setConfig({ baseUrl: `${url}/iso` });
  const token = data(
    await pam.createToken({
      body: {
        grant_type: 'client_credentials',
        client_id: variable('CLIENT_ID'),
        client_secret: variable('CLIENT_SECRET'),
      },
    }),
  );
  pamClient.setConfig({ auth: bearer(token.access_token) });
  const body = {
    hostname: 'roteador', ip: '192.0.2.9', model: 'RB5009', type: 'Router', vendor: 'MikroTik', site: 'Rio',
  };
  assert.equal(data(await pam.upsertDevice({ body })).device.hostname, 'roteador');
  const wrong = await pam.upsertDevice({ body: { ...body, ip: '' } });
  assert(wrong.error && 'exception' in wrong.error);
  assert.equal(wrong.error.exception?.code, 1005);
  assert.equal(data(await pam.listDevices()).devices.length, 3);
  // A text goes into all alternatives of security: the vault refuses two credentials.
  assert.equal((await pam.listDevices({ auth: token.access_token })).response?.status, 401);
}

walk()
  .then(walkVault)
  .catch((error: unknown) => {
    console.error(error);
    process.exitCode = 1;
  });
