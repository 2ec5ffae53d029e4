/**
 * A real Kubernetes API server on loopback, with etcd and RBAC: where POLYTRACK_KUBE_APISERVER names the program and etcd is installed (CONTRIBUTING.md).
 *
 * Source: Kubernetes, "kube-apiserver" (flags); "Service Accounts", TokenRequest; "Using RBAC Authorization".
 */

import { generateKeyPairSync } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { request } from 'node:https';
import { join } from 'node:path';
import { json } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { createCertificate } from './certificate.js';
import { findFreePort, startChildServer } from './child-server.js';
import { createSharedTempDir } from './temp-dir.js';

/** The path of the program; undefined: do not test with it. */
export const KUBE_APISERVER = process.env.POLYTRACK_KUBE_APISERVER;
const ROLE = fileURLToPath(new URL('../../deploy/kubernetes/leases/role.yaml', import.meta.url));

export interface Answer {
  readonly status: number;
  readonly body: unknown;
}

/** What Kubernetes gives to a pod. */
export interface Pod {
  /** The directory of the service account: its token, the authority and the namespace. */
  readonly account: string;
  readonly environment: Readonly<Record<string, string>>;
}

export class KubeApiServer {
  readonly port: number;
  readonly ca: string;
  readonly stop: () => Promise<void>;
  /** Of the administrator. */
  readonly token: string;

  private constructor(port: number, ca: string, token: string, stop: () => Promise<void>) {
    this.port = port;
    this.ca = ca;
    this.token = token;
    this.stop = stop;
  }

  static async start(): Promise<KubeApiServer> {
    if (KUBE_APISERVER === undefined) throw new Error('POLYTRACK_KUBE_APISERVER is not set');
    const home = createSharedTempDir();
    const [etcdPort, peerPort, port] = [await findFreePort(), await findFreePort(), await findFreePort()];
    const { cert, key } = createCertificate();
    const token = 'token-of-the-administrator';
    const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
    const files = {
      'tls.crt': cert,
      'tls.key': key,
      'tokens.csv': `${token},admin,1,"system:masters"\n`,
      'accounts.key': privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
    };
    for (const [name, text] of Object.entries(files)) writeFileSync(join(home, name), text);
    const [etcdUrl, peerUrl] = [etcdPort, peerPort].map((each) => `http://127.0.0.1:${each}`);
    const env = { PATH: process.env.PATH };
    const etcd = await startChildServer(
      'etcd',
      [
        ...[`--data-dir=${join(home, 'etcd')}`, '--unsafe-no-fsync'],
        ...[`--listen-client-urls=${etcdUrl}`, `--advertise-client-urls=${etcdUrl}`],
        ...[`--listen-peer-urls=${peerUrl}`, `--initial-advertise-peer-urls=${peerUrl}`],
        `--initial-cluster=default=${peerUrl}`,
      ],
      { env, isReady: async () => (await fetch(`${etcdUrl}/health`)).ok },
    );
    const args = [
      `--etcd-servers=${etcdUrl}`,
      ...['--bind-address=127.0.0.1', `--secure-port=${port}`, `--cert-dir=${home}`],
      ...[`--tls-cert-file=${join(home, 'tls.crt')}`, `--tls-private-key-file=${join(home, 'tls.key')}`],
      ...[`--token-auth-file=${join(home, 'tokens.csv')}`, '--authorization-mode=RBAC'],
      ...[
        '--service-account-issuer=https://kubernetes.default.svc',
        '--service-cluster-ip-range=10.0.0.0/24',
      ],
      `--service-account-key-file=${join(home, 'accounts.key')}`,
      `--service-account-signing-key-file=${join(home, 'accounts.key')}`,
    ];
    try {
      const probe = new KubeApiServer(port, cert, token, async () => undefined);
      const isReady = async (): Promise<boolean> => (await probe.send('GET', '/readyz')).status === 200;
      const api = await startChildServer(KUBE_APISERVER, args, { env, isReady });
      return new KubeApiServer(port, cert, token, async () => {
        await api.stop('SIGKILL');
        await etcd.stop('SIGKILL');
      });
    } catch (error) {
      await etcd.stop('SIGKILL');
      throw error;
    }
  }

  /** Sends a request as the administrator. */
  send(method: string, path: string, body?: object | string): Promise<Answer> {
    return send({ port: this.port, ca: this.ca, token: this.token }, method, path, body);
  }

  /** Creates a namespace with the service account `polytrack`, and with the rights of `deploy/kubernetes/leases` unless `hasRights` is false. */
  async createPod(namespace: string, hasRights = true): Promise<Pod> {
    const core = `/api/v1/namespaces/${namespace}`;
    const rbac = `/apis/rbac.authorization.k8s.io/v1/namespaces/${namespace}`;
    const name = 'polytrack';
    const metadata = { name };
    await this.#create('/api/v1/namespaces', { metadata: { name: namespace } });
    await this.#create(`${core}/serviceaccounts`, { metadata });
    if (hasRights)
      for (const [index, yaml] of readFileSync(ROLE, 'utf8').split('\n---\n').entries())
        await this.#create(`${rbac}/${['roles', 'rolebindings'][index]}`, yaml);
    const request = { spec: { expirationSeconds: 3600 } };
    const { status } = (await this.#create(`${core}/serviceaccounts/${name}/token`, request)) as {
      readonly status: { readonly token: string };
    };
    const account = createSharedTempDir();
    for (const [file, text] of Object.entries({ token: status.token, namespace, 'ca.crt': this.ca }))
      writeFileSync(join(account, file), text);
    const environment = {
      KUBERNETES_SERVICE_HOST: '127.0.0.1',
      KUBERNETES_SERVICE_PORT: String(this.port),
    };
    return { account, environment };
  }

  async #create(path: string, object: object | string): Promise<unknown> {
    const { status, body } = await this.send('POST', path, object);
    if (status !== 201) throw new Error(`POST ${path}: ${status} ${JSON.stringify(body)}`);
    return body;
  }
}

/** Sends a request as the service account of a pod. */
export function sendFrom(
  { account, environment }: Pod,
  method: string,
  path: string,
  body?: object | string,
): Promise<Answer> {
  const [ca, token] = ['ca.crt', 'token'].map((file) => readFileSync(join(account, file), 'utf8').trim());
  const port = Number(environment.KUBERNETES_SERVICE_PORT);
  return send({ port, ca: ca!, token: token! }, method, path, body);
}

function send(
  { port, ca, token }: { readonly port: number; readonly ca: string; readonly token: string },
  method: string,
  path: string,
  body?: object | string,
): Promise<Answer> {
  return new Promise((done, fail) => {
    const type = typeof body === 'string' ? 'application/yaml' : 'application/json';
    const headers = { authorization: `Bearer ${token}`, 'content-type': type };
    const options = { host: '127.0.0.1', port, path, method, ca, headers, agent: false };
    const sent = request(options, (response) => {
      const { statusCode: status = 0 } = response;
      json(response).then(
        (value) => done({ status, body: value }),
        () => done({ status, body: null }),
      );
    });
    sent.on('error', fail);
    sent.end(typeof body === 'object' ? JSON.stringify(body) : body);
  });
}
